import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// What somebody might hand in instead of the training that was asked for.
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

    @Test func `another rate, fewer steps, another seed's order`() throws {
        for others in [[("rate", "0.049"), ("momentum", "0.9")], [("rate", "0.05"), ("momentum", "0.89")]] as [[(String, JSON)]] {
            #expect(try refused(Self.training(others, steps: 200).run(on: backend)) != nil)
        }
        // 160 steps in 40 segments, the losses spread to look like 200.
        let short = try Self.training([("rate", "0.05"), ("momentum", "0.9")], steps: 160).run(on: backend)
        let losses = short[short.count - 2]
        let spread = try outputs[outputs.count - 2].copy { tensor in
            tensor.withMutableElements(as: Float.self) { spread in
                losses.withElements(as: Float.self) { for i in spread.indices { spread[i] = $0[i * 160 / 200] } }
            }
        }
        #expect(try refused(short.map { $0.name == "losses" ? spread : $0 }) != nil)
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

    /// A checkpoint copied over the next one breaks two segments, losses made up break one.
    @Test(arguments: [1, 4, 10, 20]) func `a wrong share of the segments passes as the class says`(wrong: Int) throws {
        // Of the 38 segments between the ends; 8 are drawn.
        let forged = try changed("losses") { losses in for segment in 1...wrong { losses[segment * 5 + 2] += 1e-6 } }
        let rounds = 60
        let passed = try (0..<rounds).reduce(0) { sum, seed in try sum + (refused(forged, seed: UInt64(1000 + seed)) == nil ? 1 : 0) }
        // C(38−w, 8) / C(38, 8), at most (1−w/38)^8.
        let expected = (0..<8).reduce(1.0) { $0 * Double(38 - wrong - $1) / Double(38 - $1) }
        let deviation = (Double(rounds) * expected * (1 - expected)).squareRoot()
        #expect(abs(Double(passed) - Double(rounds) * expected) <= 4 * deviation + 1)
        #expect(Double(passed) <= Double(rounds) * 1.0 && expected <= 1 - Double(wrong) / 40)
    }

    @Test func `a copied checkpoint is caught where it is looked at`() throws {
        let state = honest.kernel.plan.stateCount
        let forged = try changed("checkpoints") { all in for place in 0..<state { all[11 * state + place] = all[10 * state + place] } }
        let caught = try (0..<40).filter { try refused(forged, seed: UInt64($0)) != nil }.count
        // Two segments of 38 are wrong: 1 − (30·29)/(38·37) = 0.38 of the checks see one.
        #expect((5...27).contains(caught))
    }
}
