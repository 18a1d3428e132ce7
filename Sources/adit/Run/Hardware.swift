import BackendChoice
import Foundation
import Jobs
import Kernels
import MinerNode
import NativeBackend
import OneDNNBackend
import OpenBLASBackend
import Profiler
import Wire
import XSMMBackend

/// The devices of this machine that can run kernels, wired for a miner.
struct Hardware: Sendable {
    /// The CPU as one device, whose members share its cores.
    private let cpu: MeasuredBackend
    /// Those that it was opened with; nil for all cores.
    private let threads: Int?
    /// Every device, as jobs see them.
    var backends: [any ComputeBackend]
    /// What OpenBLAS's core types did when they were compared; nil without OpenBLAS.
    let coreTypes: EnvironmentCosts.CoreTypes?
    /// Why a backend is missing or not used for something, in words; empty where none is.
    var notes: [String]
    /// Every OpenCL device that was found, used or not, by its driver's words.
    var accelerators: [AcceleratorInventory.Described] = []

    /// Opens what is there, tests it and measures what is not known yet; on a thread that may block.
    ///
    /// - Parameters:
    ///   - threads: nil for all cores.
    ///   - most: threads that may compute for now, should there be fewer of them: they can be changed later.
    ///   - choices: the file with the choices among the CPU's libraries; nil to keep none.
    ///   - anew: whether to measure again what the file knows.
    static func open(
        threads: Int?, atMost most: Int? = nil, choices: String? = ChoiceFile.usualPath, anew: Bool = false
    ) async throws(Problem) -> Hardware {
        try await OwnThread.run("adit-hardware") { () throws(Problem) in
            let native = try NativeGEMM(threads: threads, isMeasured: false)
            var members: [any ComputeBackend] = [native]
            var notes: [String] = []
            var coreTypes: EnvironmentCosts.CoreTypes?
            join("OpenBLAS", &members, &notes) { () throws(Problem) in
                let fingerprint = SHA256.hash(utf8: "\(processor) \(native.threads)")
                let file = choices.map { CoreTypeFile(beside: $0, fingerprint: fingerprint, isForgotten: anew) }
                let known = file?.load()
                let blas = try OpenBLASGEMM(threads: threads, remembered: known, judge: native, isMeasured: false)
                if let trial = blas.coreTrial, trial != known { file?.save(trial) }
                coreTypes = EnvironmentCosts.CoreTypes(used: blas.coreName, speeds: blas.coreTrial?.speeds ?? [:])
                return (blas, [])
            }
            join("oneDNN", &members, &notes) { () throws(Problem) in
                let oneDNN = try OneDNN(threads: threads, judge: native)
                return (oneDNN, oneDNN.notes)
            }
            join("libxsmm", &members, &notes) { () throws(Problem) in
                let xsmm = try XSMM(threads: threads, judge: native)
                return (xsmm, [])
            }
            let store: any ChoiceStore = choices.map { ChoiceFile(path: $0, isForgotten: anew) } ?? NoStore()
            let cpu = MeasuredBackend(name: "cpu", members: members, fingerprint: processor, store: store)
            if let most { cpu.useThreads(atMost: most) }
            try cpu.prepare()
            return Hardware(cpu: cpu, threads: threads, backends: [cpu], coreTypes: coreTypes, notes: notes)
        }
    }

    /// Adds a library to the CPU's members if it opens and computes right; otherwise says why not, and the rest go on.
    private static func join(
        _ library: String, _ members: inout [any ComputeBackend], _ notes: inout [String],
        _ open: () throws(Problem) -> (member: any ComputeBackend, notes: [String])
    ) {
        do throws(Problem) {
            let opened = try open()
            try BackendSelfTest.run(opened.member)
            members.append(opened.member)
            notes += opened.notes
        } catch {
            notes.append("without \(library): \(error.detail)")
        }
    }

    /// What measured speeds hang on, beside the libraries' versions and threads.
    private static var processor: String {
        let machine = Machine.current()
        return "\(machine.cpu.model ?? "") \(machine.cpu.isa.joined(separator: " ")) \(machine.cores) \(machine.lastLevelCacheBytes ?? 0) \(Version.text)"
    }

    /// The core type that OpenBLAS chose; nil without OpenBLAS.
    var blasCore: String? { coreTypes?.used }

    /// The libraries that share the CPU's cores, each by itself: for benchmarks.
    var members: [any ComputeBackend] { cpu.members }

    /// Which of them was measured to be the fastest for which class of work, and its speed.
    var choices: [(work: String, member: String, operationsPerSecond: Double)] { cpu.choices }

    /// The verifier's passes, on all cores.
    static func passes() throws(Problem) -> any VerifierPasses { try NativePasses() }

    /// Measures what the miner tells the coordinator about itself.
    ///
    /// - Parameters:
    ///   - plan: how much is measured.
    ///   - memoryCap: the most that jobs may use, in bytes, where the operator sets less than the machine has.
    func profile(
        _ plan: RatePlan = .full, memoryCap: Int64? = nil, progress: @escaping @Sendable (Profiler.Progress) -> Void = { _ in }
    ) async throws(Problem) -> Profiler.Outcome {
        try await Profiler(
            backends: backends, members: members, threads: threads, memoryCap: memoryCap, softwareVersion: Version.text, blasCore: blasCore,
            plan: plan
        ).run(progress: progress)
    }

    /// One line for people.
    func summary(_ outcome: Profiler.Outcome) -> String {
        let profile = outcome.profile
        let backend = outcome.bestBackend ?? "no backend"
        return
            "\(profile.cpuModel), \(profile.cores) cores, \(Figures.rounded(profile.f32Gigaflops, 0)) GFLOP/s F32 (\(backend)), \(Figures.rounded(profile.memoryGigabytesPerSecond, 0)) GB/s"
    }
}
