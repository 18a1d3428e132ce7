import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// Which number of a training a refusal names. Cheats and how often they are caught: `CheatingKit`.
@Suite struct TrainingCheatTests {
    private let backend: NativeGEMM
    private let passes: NativePasses
    private let honest: Training
    private let outputs: [Tensor]

    init() throws {
        backend = try NativeGEMM(threads: 1, isMeasured: false)
        passes = try NativePasses(threads: 1)
        honest = try Self.training([("rate", "0.05"), ("momentum", "0.9")], steps: 200)
        outputs = try honest.run(on: backend)
    }

    static func training(_ others: [(String, JSON)], steps: Int) throws -> Training {
        try Training(examples: 40, inputs: 6, sizes: [8, 3], ["relu", "softmax"], steps: steps, batch: 10, segments: 40, others)
    }

    private func refused(_ outputs: [Tensor], seed: UInt64 = 1) throws -> VerificationReport.Refusal? {
        var random = TestRandom(seed)
        return try honest.verify(outputs, random.challenge(), passes).refusal
    }

    private func changed(_ name: String, _ change: (inout MutableSpan<Float>) -> Void) throws -> [Tensor] {
        try outputs.map { tensor in try tensor.name == name ? tensor.copy { $0.withMutableElements(as: Float.self) { change(&$0) } } : tensor }
    }

    @Test func `honest work is accepted, its figures stand in the class`() throws {
        for seed in 0..<20 { #expect(try refused(outputs, seed: UInt64(seed)) == nil) }
        #expect(honest.kernel.verification == .sampled(SampledFigures(unit: "segments", population: 40, checked: 8)))
        #expect(honest.kernel.priceUnits == honest.kernel.computeUnits + 1)
    }

    @Test func `weights that aren't the last checkpoint's`() throws {
        let wrong = try changed("w0") { $0[3] += 1e-6 }
        let refusal = try #require(try refused(wrong))
        #expect(refusal.output == "w0" && refusal.cell == Cell(row: 0, column: 3))
    }

    @Test func `one wrong number in the first or last segment is surely caught`() throws {
        let state = honest.kernel.plan.stateCount
        for place in [5, 39 * state - 1, 39 * state + 100] {
            // The last place is the end of training; the one before is where its segment begins.
            #expect(try refused(changed("checkpoints") { $0[place] += 1e-6 }) != nil, "\(place)")
        }
        for step in [0, 4, 195, 199] { #expect(try refused(changed("losses") { $0[step] += 1e-6 })?.cell == Cell(row: 0, column: step)) }
    }

    @Test func `losses that are not finite are refused, wherever they are`() throws {
        for value in [Float.nan, .infinity] { #expect(try refused(changed("losses") { $0[77] = value })?.output == "losses") }
    }
}
