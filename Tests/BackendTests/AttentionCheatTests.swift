import Foundation
import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// Honest attention passes, whoever did it and on whatever data; cheats don't, or as rarely as (1−f)^512 says.
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

    @Test(arguments: [DType.f32, .bf16], [false, true])
    func `wide cheats are refused`(dtype: DType, causal: Bool) throws {
        let job = try Self.job(dtype, causal)
        let native = try #require(Backends.native.last)
        let right = try job.run(on: native)
        for cheat in AttentionCheat.allCases where cheat.applies(to: job) && cheat != .fewRows && cheat != .oneRow {
            let report = try job.report(try cheat.output(job, right: right, on: native, seed: 7), seed: 3)
            #expect(!report.isAccepted, "\(cheat.rawValue), \(dtype), causal \(causal): worst \(report.effort.worstRatio)")
        }
    }

    /// 990 rows of which 512 are looked at: one wrong row is found in 51.7 % of the checks.
    @Test func `a single row is found as often as it is drawn`() throws {
        let job = try AttentionJob(heads: 3, queries: 330, keys: 40, d: 8)
        let native = try #require(Backends.native.last)
        let right = try job.run(on: native)
        let found = try (0..<UInt64(40)).count { seed in
            try !job.report(try AttentionCheat.oneRow.output(job, right: right, on: native, seed: seed), seed: seed &+ 1000).isAccepted
        }
        // Four standard deviations of 40 draws.
        #expect((9...33).contains(found), "\(found)")
    }

    /// Mean 1 and 4096 keys: TF32 comes within a few times F32's own rounding, and its trace tells.
    @Test func `TF32 is told from F32 where sums are long`() throws {
        let job = try AttentionJob(heads: 1, queries: 128, keys: 4096, d: 4, .positive)
        let native = try #require(Backends.native.last)
        let right = try job.run(on: native)
        #expect(try job.report(right).isAccepted)
        #expect(try !job.report(try AttentionCheat.tf32.output(job, right: right, on: native, seed: 1)).isAccepted)
    }

    /// The table of docs/VERIFICATION.md: `ADIT_ATTENTION_TABLE=file swift test --filter "attention's table"`, in a release build.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["ADIT_ATTENTION_TABLE"] != nil))
    func `attention's table of detection rates is written`() throws {
        let path = try #require(ProcessInfo.processInfo.environment["ADIT_ATTENTION_TABLE"])
        let native = try #require(Backends.native.last)
        var lines = ["| cheat | F32 | F32 causal | BF16 | BF16 causal | F32, 4096 keys of mean 1 |", "| --- | --- | --- | --- | --- | --- |"]
        let runs = 20
        let kinds: [(UInt64) throws -> AttentionJob] = [
            { try AttentionJob(heads: 6, queries: 512, keys: 512, d: 64, seed: $0) },
            { try AttentionJob(heads: 6, queries: 512, keys: 512, d: 64, causal: true, seed: $0) },
            { try AttentionJob(.bf16, heads: 6, queries: 512, keys: 512, d: 64, seed: $0) },
            { try AttentionJob(.bf16, heads: 6, queries: 512, keys: 512, d: 64, causal: true, seed: $0) },
            { try AttentionJob(heads: 2, queries: 512, keys: 4096, d: 64, .positive, seed: $0) },
        ]
        var honest = ["*honest work, refused*"]
        var (worst, refused) = ([Double](), [Int]())
        var caught = AttentionCheat.allCases.map { _ in [String]() }
        for kind in kinds {
            var (ratio, wrong) = (0.0, 0)
            var counts = AttentionCheat.allCases.map { _ in (0, 0) }
            for run in 0..<runs {
                let job = try kind(UInt64(run))
                let right = try job.run(on: native)
                let report = try job.report(right, seed: UInt64(run))
                ratio = max(ratio, report.effort.worstRatio)
                wrong += report.isAccepted ? 0 : 1
                for (index, cheat) in AttentionCheat.allCases.enumerated() where cheat.applies(to: job) {
                    let isFound = try !job.report(try cheat.output(job, right: right, on: native, seed: UInt64(run)), seed: UInt64(run) &+ 500).isAccepted
                    counts[index] = (counts[index].0 + (isFound ? 1 : 0), counts[index].1 + 1)
                }
            }
            worst.append(ratio)
            refused.append(wrong)
            for index in caught.indices { caught[index].append(counts[index].1 == 0 ? "–" : "\(counts[index].0) of \(counts[index].1)") }
        }
        for (cheat, row) in zip(AttentionCheat.allCases, caught) { lines.append("| \(cheat.rawValue) | " + row.joined(separator: " | ") + " |") }
        honest += refused.map { "\($0) of \(runs)" }
        lines.append("| " + honest.joined(separator: " | ") + " |")
        lines.append("| *honest work, largest R/T of a row* | " + worst.map { String(format: "%.2g", $0) }.joined(separator: " | ") + " |")
        try Foundation.Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: path))
    }
}
