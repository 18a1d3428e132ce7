import Foundation
import Glibc
import Wire

/// Lets the loader see only drivers that another process has loaded and left alive.
enum DriverGate {
    /// What is left to load.
    enum Outcome: Equatable {
        /// As the environment has it.
        case all
        /// Only the drivers in a folder; others are sick.
        case some(folder: String)
        case none
    }

    /// What the trials came to.
    struct Judgment {
        let outcome: Outcome
        /// The devices of drivers that needn't be loaded.
        var unwanted: [DeviceIdentity] = []
        /// Why others may not be, in sentences.
        var notes: [String] = []
    }

    /// Tries out every driver that isn't known yet, and says which are to be loaded. A folder that it gives is for `seeing`, which removes it.
    static func judge(_ probe: DriverProbe, vendors: String?, cacheFolder: String?) -> Judgment {
        guard let drivers = DriverFile.installed(vendors), !drivers.isEmpty else {
            // A loader without ICD files may be a driver itself.
            guard case .sick(let reason, _) = probe.verdict(vendors: nil) else { return Judgment(outcome: .all) }
            return Judgment(outcome: .none, notes: ["without OpenCL: \(OpenCLLibrary.fileName) \(reason)"])
        }
        var verdicts = DriverVerdicts.load(cacheFolder)
        let before = verdicts
        var (healthy, unwanted, notes) = ([DriverFile](), [DeviceIdentity](), [String]())
        for driver in drivers {
            let fingerprint = Self.fingerprint(driver, probe)
            let verdict = verdicts[fingerprint] ?? verdict(probe, driver)
            verdicts.keep(verdict, of: fingerprint)
            switch verdict {
            case .healthy: healthy.append(driver)
            case .needless(let devices): unwanted += devices
            case .sick(let reason, _): notes.append("OpenCL driver \(driver.name) is left out: it \(reason)")
            }
        }
        if verdicts != before { verdicts.save(cacheFolder) }
        if healthy.count == drivers.count { return Judgment(outcome: .all) }
        guard !healthy.isEmpty else { return Judgment(outcome: .none, unwanted: unwanted, notes: notes) }
        guard let folder = folder(of: healthy) else {
            return Judgment(outcome: .none, unwanted: unwanted, notes: notes + ["without OpenCL: no room for a list of its drivers"])
        }
        return Judgment(outcome: .some(folder: folder), unwanted: unwanted, notes: notes)
    }

    private static func fingerprint(_ driver: DriverFile, _ probe: DriverProbe) -> Digest {
        SHA256.hash(utf8: "\(driver.fingerprint.hex) \(probe.includesCPUs ? "all" : "gpus")")
    }

    /// Opens the loader, which reads the environment and the ICD files at its first call and never again, with only those drivers to see.
    static func seeing<R>(_ outcome: Outcome, _ open: () throws(Problem) -> R) throws(Problem) -> R {
        guard case .some(let folder) = outcome else { return try open() }
        let before = ProcessInfo.processInfo.environment[DriverFile.variable]
        unsafe setenv(DriverFile.variable, folder, 1)
        defer {
            if let before { unsafe setenv(DriverFile.variable, before, 1) } else { unsafe unsetenv(DriverFile.variable) }
            try? FileManager.default.removeItem(atPath: folder)
        }
        return try open()
    }

    /// One driver's verdict: as it is known, or by trying it out.
    static func verdict(_ probe: DriverProbe, _ driver: DriverFile, cacheFolder: String?) -> DriverProbe.Verdict {
        var verdicts = DriverVerdicts.load(cacheFolder)
        let fingerprint = Self.fingerprint(driver, probe)
        if let known = verdicts[fingerprint] { return known }
        let verdict = verdict(probe, driver)
        let before = verdicts
        verdicts.keep(verdict, of: fingerprint)
        if verdicts != before { verdicts.save(cacheFolder) }
        return verdict
    }

    private static func verdict(_ probe: DriverProbe, _ driver: DriverFile) -> DriverProbe.Verdict {
        guard let folder = folder(of: [driver]) else { return .sick("can't be tried out: no room for temporary files", isLasting: false) }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return probe.verdict(vendors: folder)
    }

    /// A new folder with copies of some ICD files; whoever asked for it removes it.
    private static func folder(of drivers: [DriverFile]) -> String? {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-opencl-drivers-\(UUID().uuidString)").path
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for driver in drivers { try FileManager.default.copyItem(atPath: driver.path, toPath: "\(folder)/\(driver.name)") }
            return folder
        } catch {
            return nil
        }
    }
}
