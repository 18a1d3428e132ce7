import Foundation
import Testing
import TestSupport

/// A miner beside a driver that crashes: a real driver, compiled here, and the built program.
@Suite struct OpenCLDriverTests {
    static let compiler = ["/usr/bin/clang", "/usr/bin/cc", "/usr/bin/gcc"].first { FileManager.default.isExecutableFile(atPath: $0) }

    @Test(.enabled(if: Self.hasLoader, "no C compiler, or no OpenCL loader, on this machine"))
    func `a driver that crashes is a note, and the miner goes on`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-driver-\(UUID().uuidString)")
        let vendors = folder.appending(path: "vendors")
        try FileManager.default.createDirectory(at: vendors, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let code = "#include <stdlib.h>\n__attribute__((constructor)) static void start(void) { abort(); }\n"
        try code.write(to: folder.appending(path: "sick.c"), atomically: true, encoding: .utf8)
        let script = "'\(Self.compiler ?? "cc")' -shared -fPIC sick.c -o sick.so && echo \"$PWD/sick.so\" > vendors/sick.icd"
        try #require(try await Program.shell(script, in: folder).status == 0)
        let environment = ["OCL_ICD_VENDORS": vendors.path, "XDG_CACHE_HOME": folder.path]
        for start in 0..<2 {
            let outcome = try await Program.run(["miner", "profile", "--quick"], in: folder, environment: environment)
            #expect(outcome.status == 0, "\(outcome.complaints)")
            #expect(outcome.output.contains("OpenCL driver sick.icd is left out: it crashes (signal 6)"), "start \(start): \(outcome.output)")
        }
        #expect(FileManager.default.fileExists(atPath: folder.appending(path: "adit/opencl/drivers.json").path))
    }

    static var hasLoader: Bool {
        compiler != nil
            && ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].contains {
                FileManager.default.fileExists(atPath: "\($0)/libOpenCL.so.1")
            }
    }
}
