import Foundation
import Jobs
import Kernels
import NativeBackend
import OpenBLASBackend
import Profiler
import Wire

/// The devices of this machine that can run kernels, wired for a miner.
struct Hardware: Sendable {
    var backends: [any ComputeBackend]
    /// The core type that OpenBLAS chose; nil without OpenBLAS.
    let blasCore: String?
    /// Why a backend is missing, in words; empty where none is.
    var notes: [String]

    /// Opens what is there; on a thread that may block, since backends measure themselves.
    /// - Parameter threads: nil for all cores.
    static func open(threads: Int?) async throws(Problem) -> Hardware {
        try await OwnThread.run("adit-hardware") { () throws(Problem) in
            let native = try NativeGEMM(threads: threads)
            do throws(Problem) {
                let blas = try OpenBLASGEMM(threads: threads, judge: native)
                return Hardware(backends: [native, blas], blasCore: blas.coreName, notes: environmentNotes(chosen: blas.coreName))
            } catch {
                return Hardware(backends: [native], blasCore: nil, notes: ["without OpenBLAS: \(error.detail)"])
            }
        }
    }

    /// What the environment would cost a program that obeyed it.
    private static func environmentNotes(chosen: String) -> [String] {
        guard let wanted = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"], wanted.lowercased() != chosen.lowercased() else { return [] }
        return ["OPENBLAS_CORETYPE=\(wanted) is set; the core type \(chosen) measured better here and is used instead"]
    }

    /// The verifier's passes, on all cores.
    static func passes() throws(Problem) -> any VerifierPasses { try NativePasses() }

    /// Measures what the miner tells the coordinator about itself.
    func profile(progress: @escaping @Sendable (Profiler.Progress) -> Void = { _ in }) async throws(Problem) -> Profiler.Outcome {
        try await Profiler(backends: backends, softwareVersion: Version.text, blasCore: blasCore).run(progress: progress)
    }

    /// One line for people.
    func summary(_ outcome: Profiler.Outcome) -> String {
        let profile = outcome.profile
        let backend = outcome.bestBackend ?? "no backend"
        return
            "\(profile.cpuModel), \(profile.cores) cores, \(Figures.rounded(profile.f32Gigaflops, 0)) GFLOP/s F32 (\(backend)), \(Figures.rounded(profile.memoryGigabytesPerSecond, 0)) GB/s"
    }
}
