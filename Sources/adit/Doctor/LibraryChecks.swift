import Foundation
import OneDNNBackend
import OpenBLASBackend
import Operations
import Profiler
import Wire

/// The CPU's libraries: there, loadable, and what the environment makes of them.
enum LibraryChecks {
    /// Loads the libraries, which run code of theirs when they are loaded: on a thread of its own.
    static func findings(_ context: DoctorContext) async -> [Finding] {
        let environment = ProcessInfo.processInfo.environment
        async let blas = loaded { () throws(Problem) in try InstalledOpenBLAS.coreName() }
        async let dnn = loaded { () throws(Problem) in try InstalledOneDNN.version() }
        var findings: [Finding] = []
        switch await blas {
        case .success(let core):
            findings.append(.well(.libraries, "OpenBLAS, core type \(core)"))
            if let set = environment["OPENBLAS_CORETYPE"], !set.isEmpty, set.lowercased() != core.lowercased() {
                findings.append(
                    .note(
                        .libraries, "OPENBLAS_CORETYPE=\(set) is set; the library itself would choose \(core)", wanted: "the variable unset",
                        why: "the core type decides the speed, by up to half; the miner measures and goes by that, other programs obey the variable",
                        remedy: "unset OPENBLAS_CORETYPE"))
            }
        case .failure(let problem): findings.append(missing("OpenBLAS", "libopenblas.so.0", "libopenblas0", problem))
        }
        switch await dnn {
        case .success(let version): findings.append(.well(.libraries, "oneDNN \(version)"))
        case .failure(let problem): findings.append(missing("oneDNN", "libdnnl.so.2", "libdnnl2", problem))
        }
        return findings
    }

    private static func loaded(_ body: @escaping @Sendable () throws(Problem) -> String) async -> Result<String, Problem> {
        do throws(Problem) { return .success(try await OwnThread.run("adit-doctor", body)) } catch { return .failure(error) }
    }

    private static func missing(_ name: String, _ file: String, _ package: String, _ problem: Problem) -> Finding {
        // A file of that name that comes first and is none: the package would not help.
        let own = (ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? "").split(separator: ":").first {
            FileManager.default.fileExists(atPath: "\($0)/\(file)")
        }
        let remedy = own.map { _ in "unset LD_LIBRARY_PATH" } ?? (geteuid() == 0 ? "apt-get install -y \(package)" : "sudo apt-get install -y \(package)")
        return .note(
            .libraries, "without \(name): \(problem.detail)\(own.map { "; LD_LIBRARY_PATH puts \($0)/\(file) first" } ?? "")",
            wanted: "\(file) (package \(package))", why: "the miner's own kernels do the work then, for some of it at half the speed", remedy: remedy)
    }
}
