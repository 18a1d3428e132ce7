import NativeBackend
import TestSupport
import Wire

@testable import Kernels
@testable import OpenBLASBackend

/// Honest jobs and cheats in numbers: what the check of floats promises, tried.
struct FloatCheck {
    static let seed: UInt64 = 0xAD17

    /// Honest jobs of one group.
    struct Honest {
        var jobs = 0
        var cells = 0
        /// Outputs whose bits are not the reference's.
        var different = 0
        var refused = 0
        /// Jobs in which the probe pointed at some row.
        var suspicious = 0
        var worstRatio = 0.0
    }

    /// Runs of one cheat.
    struct Cheated {
        var runs = 0
        /// The bits were right all the same.
        var harmless = 0
        var refused = 0
        /// Passes that the secret cells alone would give: the sum of (1 − f)^512 over all runs, f the share of wrong cells.
        var expected = 0.0
        var passed: [String] = []
    }

    var bySize: [FloatCase.Size: Honest] = [:]
    var byKind: [FloatKind: Honest] = [:]
    var byBackend: [String: Honest] = [:]
    var byDType: [DType: Honest] = [:]
    var ordinary: [FloatCheat: Cheated] = [:]
    var others: [FloatCheat: Cheated] = [:]
    /// Jobs that may not be sold: over 5 % of their cells depend on a NaN or an infinity.
    var notAdmitted = 0
    var defects: [String] = []

    private let backends: [any ComputeBackend]
    private let passes: [any VerifierPasses]
    private let judge: any VerifierPasses
    private let libraries: [OpenBLASLibrary]

    /// The core types of OpenBLAS that this machine runs, and those of them that keep the rule and so do honest jobs here.
    var coreTypes: (tried: [String], offered: [String]) {
        (libraries.map(\.coreName), Set(Backends.openBLAS.filter { $0.keepsRule(.f32Panel256) || $0.keepsRule(.f64Panel256) }.map(\.coreName)).sorted())
    }

    init() throws {
        backends = Backends.all
        passes = InstructionSet.allCases.filter(\.isAvailable).flatMap { instructionSet in
            [1, 2, 3].compactMap { try? NativePasses(threads: $0, instructionSet: instructionSet) }
        }
        judge = try NativePasses(threads: 2)
        libraries = CoreType.allCases.filter(\.isRunnable).compactMap { try? LibraryLoader.load($0) }
        for library in libraries { library.threads = 2 }
    }

    mutating func run(_ job: FloatCase) throws {
        let product = try job.product()
        var random = job.random
        let able = backends.filter { $0.capability(for: product.gemm) != nil && ($0.name != "native" || !isTooSlow($0, job)) }
        let backend = able[job.number % able.count]
        let pass: any VerifierPasses =
            job.size == .small && job.number % 64 == 0
            ? PlainPasses() : job.size == .small ? passes[job.number / 7 % passes.count] : passes[passes.count - 1 - job.number % 3]
        do {
            try product.kernel.admit([product.a, product.b], passes: pass)
        } catch {
            notAdmitted += 1
            return
        }
        let c = try product.run(on: backend)
        let isRight = try isReference(c, product, job, &random)
        let report = try product.verify(c, try random.challenge(), pass)
        let name = "\(backend.name) \(backend.device)"
        func count(_ honest: inout Honest) {
            honest.jobs += 1
            honest.cells += c.descriptor.elementCount
            honest.different += isRight ? 0 : 1
            honest.refused += report.isAccepted ? 0 : 1
            honest.suspicious += report.effort.suspiciousRows > 0 ? 1 : 0
            honest.worstRatio = max(honest.worstRatio, report.effort.worstRatio)
        }
        count(&bySize[job.size, default: Honest()])
        count(&byKind[job.kindA, default: Honest()])
        count(&byBackend[name, default: Honest()])
        count(&byDType[job.dtype, default: Honest()])
        if !isRight || !report.isAccepted { defects.append("job \(job.number): \(describe(job)) on \(name): \(report.refusal?.reason ?? "bits differ")") }
        if job.size != .huge { try cheat(product, job, right: c, pass, &random) }
    }

    /// Software fused multiply-adds take their time.
    private func isTooSlow(_ backend: any ComputeBackend, _ job: FloatCase) -> Bool {
        (backend as? NativeGEMM)?.instructionSet == .portable && job.size != .small
    }

    /// Whether every bit is the definition's: by plain Swift for the smallest, by single cells in C, which share no code with the
    /// products, for the others, and for the largest by 65,536 of these.
    private func isReference(_ c: Tensor, _ product: Product, _ job: FloatCase, _ random: inout TestRandom) throws -> Bool {
        let gemm = product.gemm
        if gemm.operations <= 8_192 { return try product.reference().buffer.bytes == c.buffer.bytes }
        let (a, b) = (try MatrixView(product.a, transposed: gemm.transposeA), try MatrixView(product.b, transposed: gemm.transposeB))
        let view = try MatrixView(c)
        let total = gemm.m * gemm.n
        let count = job.size == .huge ? 65_536 : total
        for start in stride(from: 0, to: count, by: 1 << 16) {
            let cells = (start..<min(start + 1 << 16, count)).map { index in
                let place = count < total ? Int(random.next() % UInt64(total)) : index
                return Cell(row: place / gemm.n, column: place % gemm.n)
            }
            let bits = try judge.recomputeCells(gemm, a: a, b: b, cells: cells)
            guard zip(cells, bits).allSatisfy({ view.bits($0.row, $0.column) == $1 }) else { return false }
        }
        return true
    }

    /// One cheat for each job, in turn.
    private mutating func cheat(_ product: Product, _ job: FloatCase, right: Tensor, _ pass: any VerifierPasses, _ random: inout TestRandom) throws {
        let cheat = FloatCheat.allCases[job.number % FloatCheat.allCases.count]
        let library = libraries.isEmpty ? nil : libraries[job.number / FloatCheat.allCases.count % libraries.count]
        guard let fast = backends.last(where: { $0.name == "native" }),
            let wrong = try cheat.output(product, right: right, library: library, backend: fast, &random)
        else { return }
        var tally = Cheated()
        tally.runs = 1
        let differing = differences(wrong, right)
        if differing == 0 {
            tally.harmless = 1
        } else {
            let total = right.descriptor.elementCount
            // Distinct cells: none is missed if all are looked at.
            if total > 512 { tally.expected = (0..<512).reduce(1.0) { $0 * max(0, 1 - Double(differing) / Double(total - $1)) } }
            if try product.verify(wrong, try random.challenge(), pass).isAccepted {
                tally.passed = ["job \(job.number): \(describe(job)), \(differing) of \(total) cells differ"]
            } else {
                tally.refused = 1
            }
        }
        if job.isOrdinary { ordinary[cheat, default: Cheated()].add(tally) } else { others[cheat, default: Cheated()].add(tally) }
    }

    private func differences(_ one: Tensor, _ other: Tensor) -> Int {
        func count<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Int {
            one.withElements(as: type) { first in other.withElements(as: type) { second in first.indices.count { first[$0] != second[$0] } } }
        }
        return one.dtype == .f64 ? count(UInt64.self) : count(UInt32.self)
    }

    private func describe(_ job: FloatCase) -> String {
        "\(job.dtype.rawValue) \(job.m)×\(job.n)×\(job.k)\(job.transposeA ? " Aᵀ" : "")\(job.transposeB ? " Bᵀ" : ""), \(job.kindA) 10^\(job.scaleA) · \(job.kindB) 10^\(job.scaleB)"
    }
}

extension FloatCheck.Cheated {
    mutating func add(_ other: Self) {
        runs += other.runs
        harmless += other.harmless
        refused += other.refused
        expected += other.expected
        if passed.count < 2_000 { passed += other.passed }
    }
}
