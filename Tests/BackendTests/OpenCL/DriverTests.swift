import Foundation
import Testing
import Wire

@testable import OpenCLBackend

/// The machine's C compiler; nil without one.
enum CCompiler {
    static let path: String? = {
        let folders = ["/usr/bin"] + (ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":").map(String.init) ?? [])
        let places = ["clang", "cc", "gcc"].flatMap { name in folders.map { "\($0)/\(name)" } }
        return places.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()
}

/// Drivers that crash: found out in another process, and kept from the loader. The driver and the other process are real ones, compiled here.
@Suite(.enabled(if: CCompiler.path != nil, "no C compiler on this machine")) struct DriverTests {
    /// What `adit opencl-probe` does, in short: open the loader, ask for platforms, say so twice.
    private static let child = """
        #include <dlfcn.h>
        #include <stdio.h>
        int main(void) {
            void *library = dlopen("libOpenCL.so.1", RTLD_NOW);
            if (!library) return 3;
            int (*platforms)(unsigned, void *, unsigned *) = (int (*)(unsigned, void *, unsigned *))dlsym(library, "clGetPlatformIDs");
            unsigned count = 0;
            if (platforms) platforms(0, 0, &count);
            puts("{}"); fflush(stdout);
            puts("{}");
            return 0;
        }
        """

    private static let crashes = [
        "constructor": "#include <stdlib.h>\n__attribute__((constructor)) static void start(void) { abort(); }",
        "platforms": """
        #include <signal.h>
        #include <string.h>
        int clIcdGetPlatformIDsKHR(unsigned n, void **ids, unsigned *count) { raise(SIGSEGV); return 0; }
        int clGetPlatformInfo(void *id, unsigned name, unsigned long size, void *value, unsigned long *needed) { return -30; }
        void *clGetExtensionFunctionAddress(const char *name) { return strcmp(name, "clIcdGetPlatformIDsKHR") ? 0 : (void *)clIcdGetPlatformIDsKHR; }
        """,
        "exit": "#include <unistd.h>\n__attribute__((constructor)) static void start(void) { _exit(0); }",
        "hang": "#include <unistd.h>\n__attribute__((constructor)) static void start(void) { for (;;) pause(); }",
    ]

    /// A folder with a compiled child and drivers of the given kinds, beside PoCL's where it is installed.
    private struct Room {
        let folder: String
        let vendors: String
        let hasPoCL: Bool

        init(_ kinds: [String]) throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "adit-driver-tests-\(UUID().uuidString)").path
            vendors = "\(folder)/vendors"
            let pocl = "\(DriverFile.usualFolder)/pocl.icd"
            hasPoCL = FileManager.default.fileExists(atPath: pocl)
            try FileManager.default.createDirectory(atPath: vendors, withIntermediateDirectories: true)
            try compile(DriverTests.child, "child", ["-ldl"])
            for kind in kinds {
                try compile(try #require(DriverTests.crashes[kind]), "\(kind).so", ["-shared", "-fPIC"])
                try "\(folder)/\(kind).so\n".write(toFile: "\(vendors)/\(kind).icd", atomically: true, encoding: .utf8)
            }
            if hasPoCL { try FileManager.default.copyItem(atPath: pocl, toPath: "\(vendors)/pocl.icd") }
        }

        private func compile(_ text: String, _ name: String, _ flags: [String]) throws {
            try text.write(toFile: "\(folder)/\(name).c", atomically: true, encoding: .utf8)
            let process = Process()
            process.executableURL = URL(filePath: try #require(CCompiler.path))
            process.arguments = ["\(folder)/\(name).c", "-o", "\(folder)/\(name)"] + flags
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
        }

        func probe(_ child: [String]? = nil) -> DriverProbe {
            DriverProbe(command: child ?? ["\(folder)/child"], listing: .seconds(3), answers: .seconds(3))
        }

        func end() { try? FileManager.default.removeItem(atPath: folder) }
    }

    @Test func `a sick driver is left out with its reason, and the rest stay`() throws {
        let room = try Room(["constructor", "platforms", "exit", "hang"])
        defer { room.end() }
        let judged = DriverGate.judge(room.probe(), vendors: room.vendors, cacheFolder: room.folder)
        let (outcome, notes) = (judged.outcome, judged.notes)
        for (name, words) in [("constructor", "signal 6"), ("platforms", "signal 11"), ("exit", "status 0"), ("hang", "hangs")] {
            #expect(notes.contains { $0.contains("\(name).icd") && $0.contains(words) }, "\(notes)")
        }
        #expect(notes.count == 4)
        guard room.hasPoCL else { return #expect(outcome == .none) }
        guard case .some(let folder) = outcome else { return #expect(Bool(false), "\(outcome)") }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["pocl.icd"])
    }

    @Test func `what is known of a driver isn't found out twice, until it changes`() throws {
        let room = try Room(["constructor"])
        defer { room.end() }
        let first = DriverGate.judge(room.probe(), vendors: room.vendors, cacheFolder: room.folder)
        // A child that can't say anything: only what is kept can have told.
        let second = DriverGate.judge(room.probe(["/bin/false"]), vendors: room.vendors, cacheFolder: room.folder)
        #expect(first.notes == second.notes && first.notes.count == 1)
        // What held for some devices doesn't hold for others.
        var others = room.probe(["/bin/false"])
        others.includesCPUs = true
        #expect(DriverGate.judge(others, vendors: room.vendors, cacheFolder: nil).notes != first.notes)
        #expect(DriverGate.judge(others, vendors: room.vendors, cacheFolder: room.folder).notes != first.notes)
        try "another\n".write(toFile: "\(room.vendors)/constructor.icd", atomically: true, encoding: .utf8)
        let third = DriverGate.judge(room.probe(["/bin/false"]), vendors: room.vendors, cacheFolder: room.folder)
        #expect(third.notes != first.notes && third.notes.count == 1)
        try Foundation.Data("{".utf8).write(to: URL(filePath: "\(room.folder)/drivers.json"))
        #expect(DriverVerdicts.load(room.folder) == DriverVerdicts())
    }

    @Test func `the loader sees healthy drivers alone, and nothing is left behind`() throws {
        let room = try Room(["constructor"])
        defer { room.end() }
        let outcome = DriverGate.judge(room.probe(), vendors: room.vendors, cacheFolder: nil).outcome
        guard room.hasPoCL, case .some(let folder) = outcome else { return #expect(!room.hasPoCL) }
        func vendors() -> String? { ProcessInfo.processInfo.environment[DriverFile.variable] }
        let before = vendors()
        let seen = try DriverGate.seeing(outcome) { (vendors(), (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []) }
        #expect(seen.0 == folder && seen.1 == ["pocl.icd"])
        #expect(vendors() == before && !FileManager.default.fileExists(atPath: folder))
    }

    @Test func `healthy drivers are left as they are`() throws {
        let room = try Room([])
        defer { room.end() }
        guard room.hasPoCL else { return }
        let healthy = DriverGate.judge(room.probe(), vendors: room.vendors, cacheFolder: nil)
        #expect(healthy.outcome == .all && healthy.unwanted.isEmpty && healthy.notes.isEmpty)
        // A driver that computes wrongly enough to crash: after the first line.
        let late = room.probe(["/bin/sh", "-c", "echo '{}'; kill -SEGV $$"])
        let judged = DriverGate.judge(late, vendors: room.vendors, cacheFolder: nil)
        #expect(judged.outcome == .none && judged.notes.first?.contains("when its devices compute") == true, "\(judged.notes)")
        #expect(DriverProbe(command: ["/no/such/program"]).verdict(vendors: nil) != .healthy)
    }

    @Test func `a driver with CPUs alone isn't loaded, and its devices are told`() throws {
        let room = try Room([])
        defer { room.end() }
        guard room.hasPoCL else { return }
        let device = { (kind: String) in
            """
            {"kind":"\(kind)","name":"n","vendor":"v","driver":"1","platform":"p","version":"OpenCL 3.0","memory_bytes":5,"compute_units":2,"clock_mhz":9}
            """
        }
        let says = { (devices: [String]) in room.probe(["/bin/sh", "-c", "echo '{\"devices\":[\(devices.joined(separator: ","))],\"notes\":[]}'; echo '{}'"]) }
        for cache in [nil, room.folder, room.folder] {
            let judged = DriverGate.judge(says([device("cpu"), device("cpu")]), vendors: room.vendors, cacheFolder: cache)
            #expect(judged.outcome == .none && judged.notes.isEmpty)
            #expect(judged.unwanted.map(\.kind) == [.cpu, .cpu] && judged.unwanted.first?.clockMHz == 9 && judged.unwanted.first?.pciAddress == nil)
        }
        // One that has a GPU too is loaded, and so is one with CPUs where they are wanted, or one that says something else.
        var wanted = says([device("cpu")])
        wanted.includesCPUs = true
        for probe in [says([device("cpu"), device("gpu")]), wanted, says(["{}"]), says([])] {
            let judged = DriverGate.judge(probe, vendors: room.vendors, cacheFolder: nil)
            #expect(judged.outcome == .all && judged.unwanted.isEmpty)
        }
    }
}
