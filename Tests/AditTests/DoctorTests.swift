import Foundation
import Glibc
import Testing
import Wire

/// Set-ups that are broken in one way each: `adit doctor` names the cause and a remedy, and after the remedy the finding is gone.
@Suite struct DoctorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// Breaks it.
        var script = ""
        var breaks: @Sendable (DoctorRig) throws -> Void = { _ in }
        /// What the finding has to say, all of it.
        let says: [String]
        /// What the remedy has to be or begin with.
        let remedy: String
        /// Instead of running the remedy, or to it: `https://…` in it is this address.
        var mends: (@Sendable (DoctorRig) throws -> Void)?
        var input = ""
        var state = "broken"
        /// Whether the settings can't be read, so that defaults are looked at instead.
        var hidesOthers = false
        /// Where it can't be made here.
        var isPossible: @Sendable () -> Bool = { true }

        var testDescription: String { name }
    }

    private static let isRoot = geteuid() == 0
    /// CAP_SYS_RESOURCE, tried out: a limit that was lowered can be raised again.
    private static let mayRaise = unsafe system("ulimit -n 200; ulimit -n 300 2>/dev/null") == 0
    /// nil where the remedy itself can be run.
    private static var inANewShell: (@Sendable (DoctorRig) throws -> Void)? {
        if mayRaise { return nil }
        return { (rig: DoctorRig) throws -> Void in try rig.write("", "mended") }
    }
    private static let compiler = ["/usr/bin/clang", "/usr/bin/cc", "/usr/bin/gcc"].first { FileManager.default.isExecutableFile(atPath: $0) }

    @Test(.timeLimit(.minutes(4)), arguments: cases) func theCauseIsNamedAndTheRemedyWorks(one: Case) async throws {
        guard one.isPossible() else { return print("skipped here: \(one.name)") }
        try await DoctorRig.with { rig in
            defer { _ = try? Process.run(URL(filePath: "/bin/bash"), arguments: ["-c", "umount '\(rig.folder.path)'/disk 2>/dev/null"]).waitUntilExit() }
            try one.breaks(rig)
            func isIt(_ finding: JSON) -> Bool {
                one.says.allSatisfy { finding["found"]?.stringValue?.contains($0) == true } && finding["state"]?.stringValue == one.state
            }
            let findings = try await rig.findings(after: one.script)
            let finding = try #require(findings.first(where: isIt), "\(findings.map(\.canonicalText))")
            let most = one.state == "broken" ? (one.hidesOthers ? Int.max : 1) : 0
            #expect(findings.count { $0["state"] == "broken" } <= most, "one fault, one finding: \(findings.map(\.canonicalText))")
            #expect(finding["wanted"]?.stringValue?.isEmpty == false && finding["why"]?.stringValue?.isEmpty == false)
            let remedy = try #require(finding["remedy"]?.stringValue)
            #expect(remedy.hasPrefix(one.remedy), "\(remedy)")
            if let mends = one.mends {
                try mends(rig)
                #expect(try await !rig.findings(after: one.script).contains(where: isIt))
            } else {
                let address = one.name.contains("node") ? rig.node.url : rig.coordinator.url
                let command = remedy.replacing("https://…", with: address).replacing("sudo ", with: "")
                try rig.write(one.input, "input")
                // In the shell itself, not in one below it: `unset` and `ulimit` are remedies too.
                let after = try await rig.findings(after: "\(one.script)\n{\n\(command)\n} < input")
                #expect(!after.contains(where: isIt), "after \(command): \(after.map(\.canonicalText))")
            }
        }
    }

    /// Nothing is wrong where nothing is.
    @Test(.timeLimit(.minutes(3))) func aSoundSetUpHasNothingBroken() async throws {
        try await DoctorRig.with { rig in
            let findings = try await rig.findings()
            #expect(!findings.contains { $0["state"] == "broken" }, "\(findings.map(\.canonicalText))")
            for area in ["config", "keys", "disk", "limits", "ports", "clock", "libraries", "drivers", "coordinator", "chain"] {
                #expect(findings.contains { $0["area"]?.stringValue == area }, "\(area)")
            }
            let shown = try await Program.run(["doctor"], in: rig.folder)
            #expect(shown.status == 0 && shown.output.contains("Nothing is broken"), "\(shown.output)\(shown.complaints)")
        }
    }

    /// A service's words are shown and not obeyed.
    @Test(.timeLimit(.minutes(3))) func whatServicesSayMovesNoCursor() async throws {
        try await DoctorRig.with { rig in
            let body = #"{"code":"syncing","detail":"\u001b]0;mine\u0007\u009b2Jthe head is old"}"#
            rig.node.change { $0.bodies["/rpc/health"] = (503, body) }
            let shown = try await Program.run(["doctor"], in: rig.folder)
            #expect(shown.output.contains("]0;mine·") && shown.output.contains("·2Jthe head"), "\(shown.output)\(shown.complaints)")
            #expect(!shown.output.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
        }
    }

    static let cases: [Case] =
        files + services + [
            Case(
                name: "ICD folder missing", script: "export MINER_OPENCL=gpu OCL_ICD_VENDORS=\"$PWD/none\"", says: ["OCL_ICD_VENDORS", "none"],
                remedy: "unset OCL_ICD_VENDORS"),
            Case(
                name: "ICD folder empty", script: "mkdir -p vendors; export MINER_OPENCL=gpu OCL_ICD_VENDORS=\"$PWD/vendors\"",
                says: ["no ICD file in", "vendors"],
                remedy: "unset OCL_ICD_VENDORS"),
            Case(
                name: "ICD names a missing library",
                script:
                    "mkdir -p vendors; [ -e vendors/ghost.icd.off ] || echo libghost.so.1 > vendors/ghost.icd; export MINER_OPENCL=gpu OCL_ICD_VENDORS=\"$PWD/vendors\"",
                says: ["ghost.icd names libghost.so.1, which is not there"], remedy: "mv "),
            Case(
                name: "ICD crashes",
                script: """
                    mkdir -p vendors; export MINER_OPENCL=gpu OCL_ICD_VENDORS="$PWD/vendors"
                    printf '#include <stdlib.h>\\n__attribute__((constructor)) static void start(void) { abort(); }\\n' > sick.c
                    '\(compiler ?? "cc")' -shared -fPIC sick.c -o sick.so; [ -e vendors/sick.icd.off ] || echo "$PWD/sick.so" > vendors/sick.icd
                    """, says: ["sick.icd", "crashes (signal 6)"], remedy: "mv ", isPossible: { compiler != nil }),
            Case(
                name: "OPENBLAS_CORETYPE slow", script: "export OPENBLAS_CORETYPE=Prescott", says: ["OPENBLAS_CORETYPE=Prescott is set"],
                remedy: "unset OPENBLAS_CORETYPE", state: "note"),
            Case(
                name: "oneDNN hidden", script: "mkdir -p lib; echo nonsense > lib/libdnnl.so.2; export LD_LIBRARY_PATH=\"$PWD/lib:$LD_LIBRARY_PATH\"",
                says: ["without oneDNN", "lib/libdnnl.so.2 first"], remedy: "unset LD_LIBRARY_PATH",
                mends: { rig in
                    try FileManager.default.removeItem(at: rig.folder.appending(path: "lib"))
                    try FileManager.default.createSymbolicLink(at: rig.folder.appending(path: "lib"), withDestinationURL: URL(filePath: "/var/empty-adit"))
                }, state: "note"),
            Case(
                name: "too few open files", script: "[ -e mended ] || ulimit -n 200", says: ["200 files at most"],
                remedy: mayRaise ? "ulimit -n 4096" : "sudo prlimit",
                mends: inANewShell),
        ]

    private static let files: [Case] = [
        Case(
            name: "key readable by others", breaks: { try $0.chmod("miner.key", 0o644) }, says: ["miner.key can be read by others (mode 644)"],
            remedy: "chmod 600 ./miner.key"),
        Case(
            name: "key cut short", breaks: { try $0.cut("miner.key", to: 100) }, says: ["miner.key is not a key file"],
            remedy: "mv ./miner.key ./miner.key.damaged"),
        Case(
            name: "passphrase file missing", breaks: { try $0.remove("pass") }, says: ["passphrase file ./pass is not there"],
            remedy: "(umask 077; cat > ./pass)",
            input: DoctorRig.passphrase),
        Case(
            name: "passphrase readable by others", breaks: { try $0.chmod("pass", 0o640) }, says: ["./pass can be read by others (mode 640)"],
            remedy: "chmod 600 ./pass"),
        Case(
            name: "passphrase wrong", breaks: { try $0.write("another one", "pass") }, says: ["does not open with the passphrase in ./pass"],
            remedy: "(umask 077; cat > ./pass)", input: DoctorRig.passphrase),
        Case(
            name: "unknown key in the config file", breaks: { try $0.write("miner_jobs = 2\nminer_thraeds = 2\n", "adit.conf") },
            says: ["adit.conf:2", "miner_thraeds", "did you mean \"miner_threads\"?"], remedy: "sed -i '2s/miner_thraeds/miner_threads/' adit.conf"),
        Case(
            name: "bad value", script: "grep -q TEMPERATURE .env || echo MINER_TEMPERATURE=900 >> .env",
            says: [".env:8", "MINER_TEMPERATURE is \"900\"", "30 to 115"],
            remedy: "sed -i '8s/^/# /' .env"),
        Case(
            name: "limits that exclude each other", breaks: { try $0.write("miner_temperature = 80\nminer_temperature_max = 80\n", "adit.conf") },
            says: ["temperature_max (80)", "temperature (80)"], remedy: "sed -i '2s/^/# /' adit.conf"),
        Case(
            name: "a line of .env that is none", script: "grep -q nonsense .env || echo 'some nonsense' >> .env", says: [".env:8 is not NAME=value"],
            remedy: "sed -i '8s/^/# /' .env", hidesOthers: true),
        Case(name: "data folder is a file", breaks: { try $0.write("x", "data") }, says: ["data is a file"], remedy: "mv "),
        Case(
            name: "data folder below a file",
            script: "[ -e plain.file ] || echo x > plain; grep -q plain .env || echo MINER_DATA=./plain/data >> .env",
            says: ["plain is a file, and the miner needs a folder there"], remedy: "mv "),
        Case(
            name: "disk full",
            script: "mkdir -p disk; mountpoint -q disk || mount -t tmpfs -o size=1m tmpfs disk; grep -q disk .env || echo MINER_DATA=./disk/data >> .env",
            says: ["free on the disk of ./disk/data"], remedy: "mkdir -m 700 ", isPossible: { isRoot }),
        Case(
            name: "disk read only",
            script: "mkdir -p disk; mountpoint -q disk || mount -t tmpfs -o ro,size=1m tmpfs disk; grep -q disk .env || echo MINER_DATA=./disk/data >> .env",
            says: ["disk can't be written", "Read-only"], remedy: "mkdir -m 700 ", isPossible: { isRoot }),
    ]

    private static let services: [Case] = [
        Case(
            name: "port taken", breaks: { try $0.set("MINER_BIND", "127.0.0.1:\($0.node.port)") }, says: ["is taken by", "process"], remedy: "echo MINER_BIND="),
        Case(
            name: "port open to all", breaks: { try $0.set("MINER_BIND", "0.0.0.0:8100") }, says: ["0.0.0.0:8100", "without TLS"],
            remedy: "echo MINER_BIND=127.0.0.1:8100 >> .env"),
        Case(
            name: "clock off",
            breaks: { rig in for service in [rig.coordinator, rig.node] { service.change { $0.ahead = -120 } } }, says: ["12", "s behind this machine's"],
            remedy: "sudo timedatectl set-ntp true", mends: { rig in for service in [rig.coordinator, rig.node] { service.change { $0.ahead = 0 } } }),
        Case(
            name: "coordinator down", breaks: { try $0.set("COORDINATOR_URL", "http://127.0.0.1:1") }, says: ["http://127.0.0.1:1 can't be reached"],
            remedy: "echo COORDINATOR_URL="),
        Case(
            name: "coordinator talks nonsense", breaks: { $0.coordinator.change { $0.bodies["/network/state"] = (200, "<html>hello</html>") } },
            says: ["answers something else than a coordinator"], remedy: "echo COORDINATOR_URL=",
            mends: { $0.coordinator.change { $0.bodies["/network/state"] = (200, DoctorRig.state()) } }),
        Case(
            name: "coordinator of another chain", breaks: { $0.coordinator.change { $0.bodies["/network/state"] = (200, DoctorRig.state(chain: "ait-main")) } },
            says: ["is of chain ait-main, this miner of ait-devnet"], remedy: "echo CHAIN_ID=ait-main >> .env"),
        Case(
            name: "outputs larger than the disk limit",
            breaks: { rig in
                rig.coordinator.change { $0.bodies["/network/state"] = (200, DoctorRig.state(largest: (100 << 20) + 1)) }
                try rig.set("MINER_DISK_MB", "100")
            }, says: ["disk_mb (100)", "largest output (101 MiB)"], remedy: "echo MINER_DISK_MB=101 >> .env", state: "note"),
        Case(
            name: "coordinator without TLS elsewhere", breaks: { try $0.set("COORDINATOR_URL", "http://coordinator.example") },
            says: ["another machine without TLS"],
            remedy: "echo COORDINATOR_URL=https://coordinator.example >> .env", mends: { try $0.set("COORDINATOR_URL", $0.coordinator.url) }),
        Case(
            name: "coordinator that the chain doesn't know",
            breaks: { $0.node.change { $0.bodies["/rpc/params"] = (200, "{\"chain_id\":\"ait-devnet\",\"coordinators\":[]}") } },
            says: ["key is not on the chain's list"], remedy: "set COORDINATOR_URL",
            mends: { $0.node.change { $0.bodies["/rpc/params"] = (200, "{\"chain_id\":\"ait-devnet\",\"coordinators\":[\"\(DoctorRig.coordinatorKey)\"]}") } }),
        Case(
            name: "node down", breaks: { try $0.set("NODE_URL", "http://127.0.0.1:1") }, says: ["http://127.0.0.1:1 can't be reached"], remedy: "echo NODE_URL="
        ),
        Case(
            name: "node not in step",
            breaks: { $0.node.change { $0.bodies["/rpc/health"] = (503, "{\"code\":\"syncing\",\"detail\":\"the head is 400 s old\"}") } },
            says: ["is not in step: the head is 400 s old"], remedy: "look at its log",
            mends: { $0.node.change { $0.bodies["/rpc/health"] = (200, "{\"status\":\"ok\",\"height\":5}") } }),
    ]
}

extension DoctorRig {
    func chmod(_ name: String, _ mode: mode_t) throws {
        let status = unsafe Glibc.chmod(folder.appending(path: name).path, mode)
        try #require(status == 0)
    }

    func cut(_ name: String, to count: Int) throws {
        let bytes = try Data(contentsOf: folder.appending(path: name))
        try write(String(decoding: bytes.prefix(count), as: UTF8.self), name)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(at: folder.appending(path: name)) }

    /// A later line of `.env` goes before an earlier one.
    func set(_ name: String, _ value: String) throws {
        let file = folder.appending(path: ".env")
        try write(String(contentsOf: file, encoding: .utf8) + "\(name)=\(value)\n", ".env", mode: 0o644)
    }
}

extension JSON {
    /// For messages of tests.
    var canonicalText: String { canonicalString }
}
