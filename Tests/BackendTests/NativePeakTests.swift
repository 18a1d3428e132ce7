import Kernels
import NativeBackend
import Testing
import Wire

@Suite("The processor's peak") struct NativePeakTests {
    /// Operations per second of one thread, best of some short runs.
    private static func rate(_ peak: NativePeak, _ dtype: DType) throws -> Double? {
        let clock = ContinuousClock()
        var best: Double?
        for _ in 0..<4 {
            let start = clock.now
            guard let operations = try peak.runPeak(dtype, about: .milliseconds(4)) else { return nil }
            best = max(best ?? 0, Double(operations) / (clock.now - start).seconds)
        }
        return best
    }

    @Test("Each instruction set gives a plausible peak for each format that it names", arguments: InstructionSet.allCases.filter(\.isAvailable))
    func plausible(instructionSet: InstructionSet) throws {
        let peak = NativePeak(instructionSet: instructionSet, threads: 1)
        for dtype in [DType.f32, .f64, .bf16, .i8] {
            let rate = try Self.rate(peak, dtype)
            #expect((rate == nil) == (peak.peakName(dtype) == nil))
            // From a tenth of one 128-bit instruction at 1 GHz to four 512-bit ones at 8 GHz.
            if let rate { #expect((2e8...4e12).contains(rate), "\(instructionSet.name) \(dtype.rawValue): \(rate)") }
        }
        #expect(peak.peakName(.f32) != nil || instructionSet == .portable)
        #expect(peak.peakName(.i64) == nil)
        #expect(try peak.runPeak(.i32, about: .milliseconds(1)) == nil)
    }

    @Test("F64 has half of F32's lanes; wider vectors do more") func ratios() throws {
        // Rounds, since a neighbour may disturb any of them: one undisturbed round is enough for each ratio.
        func reaches(_ wanted: ClosedRange<Double>, _ one: () throws -> Double?, _ other: () throws -> Double?) rethrows -> Bool {
            for _ in 0..<12 {
                guard let a = try one(), let b = try other() else { return true }
                if wanted.contains(a / b) { return true }
            }
            return false
        }
        for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
            let peak = NativePeak(instructionSet: instructionSet, threads: 1)
            #expect(try reaches(1.7...2.3, { try Self.rate(peak, .f32) }, { try Self.rate(peak, .f64) }), "\(instructionSet.name)")
        }
        guard InstructionSet.avx2.isAvailable else { return }
        let (narrow, wide) = (NativePeak(instructionSet: .portable, threads: 1), NativePeak(instructionSet: .avx2, threads: 1))
        // Twice as wide and fused: from twice (an add and a multiply at once) to four times.
        #expect(try reaches(1.7...4.6, { try Self.rate(wide, .f32) }, { try Self.rate(narrow, .f32) }))
    }

    @Test("A product of our own stays below the peak") func roof() throws {
        let native = try NativeGEMM(threads: 1, isMeasured: false)
        let roof = try #require(native.roof)
        let gemm = try GEMM(m: 256, n: 256, k: 256, arithmetic: .f32Panel256)
        func operand(_ name: String) throws -> Tensor {
            try RandomTensor(seed: SHA256.hash(utf8: name), descriptor: try TensorDescriptor(name: name, dtype: .f32, shape: [256, 256])).generate()
        }
        let (a, b, c) = (try operand("a"), try operand("b"), try operand("c"))
        let clock = ContinuousClock()
        var (product, peak) = (0.0, 0.0)
        for _ in 0..<6 {
            var start = clock.now
            try native.run(gemm, a: a, b: b, into: c, control: .none)
            product = max(product, Double(gemm.operations) / (clock.now - start).seconds)
            start = clock.now
            let operations = try #require(try roof.runPeak(.f32, about: .milliseconds(2)))
            peak = max(peak, Double(operations) / (clock.now - start).seconds)
        }
        // A tenth for what disturbs the one and not the other.
        #expect(product < 1.1 * peak)
    }
}
