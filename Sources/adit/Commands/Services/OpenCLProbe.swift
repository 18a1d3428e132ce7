import ArgumentParser
import Foundation
import OpenCLBackend
import Wire

/// `adit opencl-probe`: what a miner runs before it loads a driver itself. A driver that crashes ends this process and no other.
struct OpenCLProbe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opencl-probe", abstract: "Load OpenCL's drivers and test their devices; a line of JSON for each of the two.", shouldDisplay: false)

    @Flag(help: "Test CPUs behind OpenCL too.") var cpus = false
    @Option(help: "Where compiled programs are kept.") var cache: String?

    func run() throws {
        var options = OpenCLOptions()
        (options.includesCPUs, options.cacheFolder) = (cpus, cache)
        OpenCLBackend.probe(options) { document in
            FileHandle.standardOutput.write(Data(document.canonicalBytes + [0x0a]))
        }
    }

    /// This program with the same options; nil where it can't find itself.
    static func command(_ options: OpenCLOptions) -> [String]? {
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return nil }
        return [program, "opencl-probe"] + (options.includesCPUs ? ["--cpus"] : []) + (options.cacheFolder.map { ["--cache", $0] } ?? [])
    }
}
