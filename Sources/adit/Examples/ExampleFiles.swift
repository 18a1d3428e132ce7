import Foundation
import Wire

/// Where the example data are.
enum ExampleFiles {
    /// ./examples, examples beside the program or the package that it was built in, or where a .deb puts them: ../share/adit/examples.
    static func folder() throws(Problem) -> String {
        var candidates = ["examples"]
        var folder = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        for _ in 0..<5 {
            candidates += ["examples", "share/adit/examples"].map { folder.appending(path: $0).path }
            folder = folder.deletingLastPathComponent()
        }
        guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0 + "/digits-train.safetensors") }) else {
            throw Problem(.ioFailed, "examples/digits-train.safetensors is not near this program; say where with --examples FOLDER")
        }
        return found
    }
}
