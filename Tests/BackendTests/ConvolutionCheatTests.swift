import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// Honest convolutions are never refused, cheats are.
@Suite struct ConvolutionCheatTests {
    static let passes = try? NativePasses(threads: 2)

    @Test(arguments: [DType.i8, .f32], Data.allCases)
    func `honest work is accepted`(dtype: DType, data: Data) throws {
        var random = TestRandom(UInt64(21 + data.rawValue.count))
        let passes = try #require(Self.passes)
        for index in 0..<20 {
            let job = try ConvolutionJob(dtype, &random, outputs: 80, data)
            do { try job.kernel.admit([job.x, job.w], passes: passes) } catch { continue }
            for backend in Backends.convolution
            where backend.capability(for: job.convolution) != nil && (index < 6 || backend.device == Backends.convolution[0].device) {
                let y = try job.run(on: backend)
                let report = try job.verify(y, try random.challenge(), passes)
                #expect(report.isAccepted, "\(backend.device): \(job) \(data) \(report)")
            }
        }
    }

    /// Large enough for every class: a probed one, one with long sums and filters, a grouped, a depthwise one.
    static func jobs(_ dtype: DType) throws -> [ConvolutionJob] {
        [
            try ConvolutionJob(dtype, x: [2, 24, 14, 15], w: [40, 24, 3, 3], padding: (1, 1), .uniform, seed: 3),
            try ConvolutionJob(dtype, x: [1, 300, 7, 8], w: [64, 300, 2, 3], stride: (1, 2), .uniform, seed: 4),
            try ConvolutionJob(dtype, x: [2, 16, 12, 12], w: [66, 8, 3, 3], stride: (2, 2), dilation: (2, 1), groups: 2, .uniform, seed: 5),
            try ConvolutionJob(dtype, x: [1, 32, 20, 20], w: [32, 1, 3, 3], padding: (1, 1), groups: 32, .uniform, seed: 6),
        ]
    }

    @Test(arguments: [DType.i8, .f32])
    func `cheats are refused`(dtype: DType) throws {
        var random = TestRandom(31)
        let (passes, native) = (try #require(Self.passes), try #require(Backends.native.last))
        for job in try Self.jobs(dtype) {
            let y = try job.run(on: native)
            #expect(try job.verify(y, try random.challenge(), passes).isAccepted)
            let (plane, cells) = (job.convolution.positions, y.descriptor.elementCount)
            let other = ConvolutionJob(job, x: try job.x.copy { Data.uniform.fill($0, seed: 99) }, w: job.w)
            var cheats: [(String, Tensor)] = [
                ("stale", try other.run(on: native)),
                ("row left out", try y.changed { words in for i in 0..<job.convolution.outputWidth { words[5 * plane + i] = 0 } }),
                ("channel copied", try y.changed { words in for i in 0..<plane { words[7 * plane + i] = words[8 * plane + i] } }),
                ("channels swapped", try y.changed { words in for i in 0..<plane { (words[i], words[3 * plane + i]) = (words[3 * plane + i], words[i]) } }),
                ("shifted", try y.changed { words in for i in 0..<cells - 1 { words[i] = words[i + 1] } }),
            ]
            if dtype == .i8 {
                cheats.append(("one more", try y.changed { $0[cells / 2] &+= 1 }))
                cheats.append(("sign flipped", try y.changed { $0[cells / 3] = 0 &- $0[cells / 3] &- 1 }))
            } else {
                cheats.append(("one cell by a tenth of the rms", try y.copy { y in y.withMutableElements(as: Float.self) { $0[cells / 2] += 0.2 } }))
                cheats.append(("not a number", try y.changed { $0[cells / 2] = 0x7fc0_0000 }))
                for bits in [UInt32(10), 7] {
                    let lower = ConvolutionJob(job, x: try job.x.rounded(toBits: bits), w: try job.w.rounded(toBits: bits))
                    cheats.append(("\(bits) bits", try lower.run(on: native)))
                    let half = ConvolutionJob(job, x: job.x, w: try job.w.rounded(toBits: bits))
                    cheats.append(("\(bits) bits of w", try half.run(on: native)))
                }
            }
            for (name, cheat) in cheats {
                for _ in 0..<3 {
                    let report = try job.verify(cheat, try random.challenge(), passes)
                    #expect(!report.isAccepted, "\(name): \(job)")
                    guard let refusal = report.refusal, !name.contains("bits") else { continue }
                    let expected = try job.kernel.reference([job.x, job.w])[0].withElements(as: UInt32.self) { $0[refusal.cell.column] }
                    #expect(refusal.expected == String(repeating: "0", count: 8 - String(expected, radix: 16).count) + String(expected, radix: 16))
                }
            }
        }
    }
}

extension Tensor {
    /// A copy whose 32-bit words are changed.
    fileprivate func changed(_ change: (inout MutableSpan<UInt32>) -> Void) throws -> Tensor {
        try copy { tensor in tensor.withMutableElements(as: UInt32.self) { change(&$0) } }
    }
}
