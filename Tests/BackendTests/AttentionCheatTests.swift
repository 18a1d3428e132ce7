import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// Honest attention passes, whoever did it and on whatever data. Cheats: `CheatingKit`.
@Suite struct AttentionCheatTests {
    private static func job(_ dtype: DType, _ causal: Bool, _ data: AttentionData = .normal, seed: UInt64 = 5) throws -> AttentionJob {
        try AttentionJob(dtype, heads: 6, queries: 90, keys: 90, d: 16, causal: causal, data, seed: seed)
    }

    @Test(arguments: AttentionData.allCases, [DType.f32, .bf16])
    func `honest work is accepted`(data: AttentionData, dtype: DType) throws {
        for causal in [false, true] {
            let job = try Self.job(dtype, causal, data)
            for (index, backend) in Backends.native.enumerated() where backend.threads == 1 {
                let report = try job.report(try job.run(on: backend), seed: UInt64(index))
                #expect(report.isAccepted, "\(backend.device) \(data) causal \(causal): \(report)")
            }
        }
    }

    /// Mean 1 and 4096 keys: TF32 comes within a few times F32's own rounding, and its trace tells.
    @Test func `TF32 is told from F32 where sums are long`() throws {
        let job = try AttentionJob(heads: 1, queries: 128, keys: 4096, d: 4, .positive)
        let native = try #require(Backends.native.last)
        let right = try job.run(on: native)
        #expect(try job.report(right).isAccepted)
        #expect(try !job.report(try AttentionCheat.tf32.output(job, right: right, on: native, seed: 1)).isAccepted)
    }
}
