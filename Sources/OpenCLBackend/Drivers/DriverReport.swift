import Foundation

/// What an installed OpenCL driver is worth, for people: its ICD file, the library it names, and what is wrong with it.
package struct DriverReport: Sendable, Equatable {
    package enum Fault: Sendable, Equatable {
        /// The file can't be read, or names nothing.
        case noLibraryNamed
        /// The library is at none of the places where the dynamic linker looks.
        case libraryMissing
        /// How another process fared with it, as in "crashes (signal 6) when it is loaded".
        case sick(String)
    }

    package let path: String
    package let library: String
    package let fault: Fault?

    /// What `OCL_ICD_VENDORS` says; nil where it is not set.
    package static var vendors: String? { ProcessInfo.processInfo.environment[DriverFile.variable].flatMap { $0.isEmpty ? nil : $0 } }

    /// Where ICD files are looked for.
    package static var folder: String { vendors ?? DriverFile.usualFolder }

    /// Every driver that OpenCL's loader would open, tried out in another process where that isn't known yet; nil where `OCL_ICD_VENDORS` names
    /// neither a folder nor an ICD file.
    ///
    /// Takes up to 20 s for a driver that hangs. Call it on a thread that may block.
    package static func all(_ options: OpenCLOptions) -> [DriverReport]? {
        guard let drivers = DriverFile.installed(ProcessInfo.processInfo.environment[DriverFile.variable]) else { return nil }
        return drivers.map { driver in
            let library = driver.library
            if library.isEmpty { return DriverReport(path: driver.path, library: library, fault: .noLibraryNamed) }
            if !driver.isLibraryThere { return DriverReport(path: driver.path, library: library, fault: .libraryMissing) }
            guard let command = options.probe else { return DriverReport(path: driver.path, library: library, fault: nil) }
            let probe = DriverProbe(command: command, includesCPUs: options.includesCPUs)
            guard case .sick(let reason, _) = DriverGate.verdict(probe, driver, cacheFolder: options.cacheFolder) else {
                return DriverReport(path: driver.path, library: library, fault: nil)
            }
            return DriverReport(path: driver.path, library: library, fault: .sick(reason))
        }
    }
}

extension DriverFile {
    /// The library that the file's first line names.
    var library: String {
        let line = (FileManager.default.contents(atPath: path) ?? Data()).prefix(4096).prefix { $0 != 0x0a }
        return String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }

    /// Whether the dynamic linker would find it: at a path, in a usual folder, or in the linker's cache, which lists every name with a zero behind it.
    var isLibraryThere: Bool {
        let name = library
        if Self.places(name).contains(where: FileManager.default.fileExists) { return true }
        guard !name.contains("/"), let cache = FileManager.default.contents(atPath: "/etc/ld.so.cache") else { return false }
        return cache.range(of: Data([0] + name.utf8 + [0])) != nil
    }
}
