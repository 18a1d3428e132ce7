import Foundation
import Wire

/// One installed driver: an ICD file, whose first line names the library that the loader opens.
///
/// Source: the extension cl_khr_icd, and ocl-icd's and Khronos's loaders: `OCL_ICD_VENDORS` in place of /etc/OpenCL/vendors.
struct DriverFile: Sendable, Equatable {
    static let usualFolder = "/etc/OpenCL/vendors"
    static let variable = "OCL_ICD_VENDORS"

    let path: String

    /// For people: the file's name without its folder.
    var name: String { URL(filePath: path).lastPathComponent }

    /// Every driver that the loader would open, by name.
    ///
    /// - Parameter vendors: what `OCL_ICD_VENDORS` says: a folder, or one file.
    /// - Returns: nil where it names something else, such as a library: what the loader makes of that is its own affair.
    static func installed(_ vendors: String?) -> [DriverFile]? {
        let folder = vendors.flatMap { $0.isEmpty ? nil : $0 } ?? usualFolder
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else { return vendors == nil ? [] : nil }
        guard isFolder.boolValue else { return folder.hasSuffix(".icd") ? [DriverFile(path: folder)] : nil }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".icd") }.sorted().map { DriverFile(path: "\(folder)/\($0)") }
    }

    /// What the file and its library look like now: paths, sizes and times. A driver that was replaced is another.
    var fingerprint: Digest {
        let parts = ["adit.opencl.driver.1", Self.stamp(path), library] + Self.places(library).map(Self.stamp)
        return SHA256.hash(utf8: parts.map { "\($0.utf8.count)|\($0)" }.joined())
    }

    /// Where the dynamic linker may find it; a name with a slash is a path.
    static func places(_ library: String) -> [String] {
        if library.contains("/") { return [library] }
        let own = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"]?.split(separator: ":").map(String.init) ?? []
        let usual = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib", "/lib64", "/lib"]
        return (own + usual).map { "\($0)/\(library)" }
    }

    private static func stamp(_ path: String) -> String {
        let resolved = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: resolved) else { return "\(path) is not there" }
        let time = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        return "\(resolved) \((attributes[.size] as? NSNumber)?.int64Value ?? 0) \(time)"
    }
}
