import ChainClient
import Foundation
import Jobs
import Kernels
import Ledger
import MinerNode
import NativeBackend
import Signing
import Testing
import Wire

/// Kernels beyond products, as paid jobs: one whose output is sampled, one that has no answer.
@Suite("A miner with every kernel", .serialized) struct MinerKernelTests {
    private func tensor<Element: BitwiseCopyable>(_ name: String, _ dtype: DType, _ shape: [Int], _ elements: [Element]) throws -> Tensor {
        let tensor = try Tensor(zeros: TensorDescriptor(name: name, dtype: dtype, shape: shape))
        unsafe tensor.buffer.withUnsafeMutableBytes { raw in
            unsafe elements.withUnsafeBytes { unsafe raw.copyMemory(from: $0) }
        }
        return tensor
    }

    @Test("A training is computed, sampled, attested and paid") func training() async throws {
        try await MinerWorld.run { world in
            let x = try RandomTensor(seed: SHA256.hash(utf8: "x"), descriptor: TensorDescriptor(name: "x", dtype: .f32, shape: [48, 6])).generate()
            let labels = try tensor("labels", .i32, [48], (0..<48).map { Int32($0 % 3) })
            let miner = TestMiner(try world.configuration(try NativeGEMM(threads: 1, isMeasured: false)))
            let params: JSON = [
                "sizes": [8, 3], "activations": ["relu", "softmax"], "loss": "cross_entropy", "optimiser": "adam", "rate": "0.01",
                "seed": .string(SHA256.hash(utf8: "training").hex), "steps": 40, "batch": 16, "segments": 20,
            ]
            let quote = try await world.order("mlp.train", params, [x, labels])
            let attested = try await miner.wait(.resultAttested)
            #expect(attested["verification"] == "sampled")
            try await miner.wait(.receiptConfirmed)
            let status = try await world.status(quote)
            #expect(status.stage == .completed && status.failedChecks == 0)
            #expect(try await world.earned() == quote.price + quote.computeUnits * 1_000 - 10)
            await miner.stop()
        }
    }

    @Test("A singular system ends with its reason and a refund, and the miner goes on") func singular() async throws {
        try await MinerWorld.run { world in
            // Two equal columns: no coefficients are the best ones.
            let x = try tensor("x", .f64, [6, 2], (0..<6).flatMap { [Double($0), Double($0)] })
            let y = try tensor("y", .f64, [6], (0..<6).map { Double($0 * $0) })
            let miner = TestMiner(try world.configuration(try NativeGEMM(threads: 1, isMeasured: false)))
            let before = try await world.node.getBalance(world.client.address).balance
            let quote = try await world.order("regression.train", ["model": "linear"], [x, y])
            try await world.until("the job has failed") { try await world.status(quote).stage == .failed }
            let status = try await world.status(quote)
            #expect(status.reason == .uncomputable)
            #expect(try #require(status.detail).contains("singular_system"))
            try await world.until("the money is back") { try await world.status(quote).refund?.stage == .refunded }
            // What is gone are fees.
            #expect(before - (try await world.node.getBalance(world.client.address).balance) < quote.price)

            _ = try await world.order(m: 20, k: 64)
            try await miner.wait(.receiptConfirmed)
            await miner.stop()
        }
    }
}
