import ChainClient
import Jobs
import Kernels
import Ledger
import MinerNode
import NativeBackend
import Signing
import Testing
import Wire

@Suite("Bad input: NaN and infinity, on the whole road") struct BadInputNonFiniteTests {
    /// A 40 × 300 matrix with NaN, or an infinity, in one element of each of the first rows.
    private static func matrix(_ dtype: DType, badRows: Int) throws -> Tensor {
        let descriptor = try TensorDescriptor(name: "a", dtype: dtype, shape: [40, 300])
        let tensor = try RandomTensor(seed: SHA256.hash(utf8: "a"), descriptor: descriptor).generate()
        for row in 0..<badRows {
            let index = row * 300 + 17 * (row + 1) % 300
            if dtype == .f32 {
                tensor.withMutableElements(as: UInt32.self) { $0[index] = [0x7fc0_0001, 0xff80_0000, 0x7f80_0000][row % 3] }
            } else {
                tensor.withMutableElements(as: UInt64.self) { $0[index] = [0x7ff8_0000_0000_0001, 0xfff0_0000_0000_0000, 0x7ff0_0000_0000_0000][row % 3] }
            }
        }
        return tensor
    }

    @Test("Up to 5 % of the cells are computed right and paid; more are refused at the quote", arguments: [DType.f32, .f64])
    func nonFinite(_ dtype: DType) async throws {
        try await MinerWorld.run { world in
            let b = try RandomTensor(seed: SHA256.hash(utf8: "b"), descriptor: TensorDescriptor(name: "b", dtype: dtype, shape: [300, 30]))
            func work(badRows: Int) async throws -> (spec: JobSpec, a: Tensor) {
                let a = try Self.matrix(dtype, badRows: badRows)
                try await world.coordinator.putBlob(a.root, BytesSource(a.buffer.bytes))
                let inputs = [InputSpec(a.descriptor, .blob(a.root)), InputSpec(b.descriptor, .random(seed: b.seed))]
                return (try JobSpec(type: "gemm", params: [:], inputs: inputs), a)
            }
            let mark = try await world.mark()
            for rows in [3, 40] {
                let spec = try await work(badRows: rows).spec
                await expectRefusal(.nonFiniteInput) { _ = try await world.coordinator.postTask(TaskRequest(spec: spec, client: world.client.address)) }
            }
            try await world.expectUnchanged(since: mark)

            // Two rows of forty are 5 % and no more.
            let (spec, a) = try await work(badRows: 2)
            let quote = try await world.coordinator.postTask(TaskRequest(spec: spec, client: world.client.address)).quote
            try await world.settle(world.transfer(try Transfer(to: .escrow, amount: quote.price, quote: quote)))
            let miner = TestMiner(try world.configuration(try NativeGEMM(isMeasured: false)))
            try await miner.wait(.receiptConfirmed)
            await miner.stop()
            let result = try await world.coordinator.taskResult(quote.jobID)
            let output = try #require(result.output.outputs.first)
            let bytes = try await world.coordinator.blob(output.root, byteCount: output.descriptor.byteCount)
            // The miner's path is native code, the reference plain Swift.
            #expect(bytes == (try spec.kernel().reference([a, try b.generate()])[0].buffer.bytes))
            let canonical: [UInt8] = dtype == .f32 ? [0, 0, 0xc0, 0x7f] : [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]
            #expect(bytes.starts(with: canonical), "a NaN leaves in its one form")
            #expect(result.verification.className == "bits")
            #expect(try await world.earned() == quote.price + quote.computeUnits * 1_000 - 10)
        }
    }
}
