import Foundation
import TestSupport
import Wire

/// One fault of one process: what happens at which of its durable steps. `Faults/faults.c` says what each action does.
struct FaultPlan: Sendable {
    enum Action: String, CaseIterable, Sendable {
        case count
        case killBefore = "kill-before"
        case killAfter = "kill-after"
        case torn, short, enospc, eio
        case eioSync = "eio-sync"
        case cutAll = "cut-all"
        case cutSome = "cut-some"
    }

    var action: Action
    /// The number of the step, from 1 on; of those after the rig said so, or of the whole process.
    var step: Int
    var fromStart = false
    /// How long disk errors last, in milliseconds.
    var lasts = 0
    /// After `eio-sync`: when the power is cut, in milliseconds after the errors ended; 0 for never.
    var cutAfter = 0
    var seed: UInt64 = 1

    /// - Parameter town: whose party's data folder is struck; the process waits for the file at `armed`.
    func environment(_ town: Town, _ party: Party) -> [String: String] {
        var variables = [
            "LD_PRELOAD": FaultLibrary.path, "ADIT_FAULTS_UNDER": town.data(party), "ADIT_FAULTS_ACTION": action.rawValue, "ADIT_FAULTS_AT": String(step),
            "ADIT_FAULTS_MS": String(lasts), "ADIT_FAULTS_CUT_MS": String(cutAfter), "ADIT_FAULTS_SEED": String(seed),
            "ADIT_FAULTS_LOG": Self.log(town),
        ]
        if !fromStart { variables["ADIT_FAULTS_ARM"] = Self.arm(town) }
        return variables
    }

    /// Counting begins when this file appears.
    static func arm(_ town: Town) -> String { town.folder + "/armed" }

    /// What happened: a line a step, or a fault.
    static func log(_ town: Town) -> String { town.folder + "/faults.log" }
}

/// The shared object, built once for all tests of a run.
enum FaultLibrary {
    /// Empty where it could not be built; `build` says why.
    static var path: String { FileManager.default.temporaryDirectory.appending(path: "adit-faults-\(getpid()).so").path }

    static func build() async throws {
        if FileManager.default.fileExists(atPath: path) { return }
        let source = Vectors.packageRoot.appending(path: "Tests/ReliabilityTests/Faults/faults.c").path
        let log = path + ".log"
        let half = path + ".\(UInt64.random(in: 0...UInt64.max))"
        let compiler = try Child(
            "/usr/bin/env", ["clang", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", half, source, "-ldl", "-lpthread"],
            environment: ProcessInfo.processInfo.environment, log: log)
        while compiler.status == nil { try await Task.sleep(for: .milliseconds(10)) }
        guard compiler.status == 0, unsafe rename(half, path) == 0 else { throw Broken("faults.c does not compile; see \(log)") }
    }
}

/// One durable step as the shim wrote it down.
struct Step: Sendable {
    let number: Int
    let call: String
    /// Relative to the party's data folder; names of blobs and receipts are told apart by their folder alone.
    let file: String
    let note: String

    var isSync: Bool { call == "fsync" || call == "fdatasync" }

    /// All steps in a log; none where there is no log.
    static func read(_ path: String) -> [Step] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard words.count >= 5, let number = Int(words[0]) else { return nil }
            return Step(number: number, call: words[1], file: words[2], note: words.count > 5 ? words[5] : "")
        }
    }

    /// For tables: the call and a name that is the same in each run.
    var label: String {
        let parts = file.split(separator: "/").map(String.init)
        let name = parts.last ?? "."
        let plain =
            switch name {
            case _ where name.hasPrefix("output_"): "output"
            case _ where name.hasSuffix(".leaves"): "leaves"
            case _ where name.hasSuffix(".part"): "part"
            case _ where name.hasPrefix(".dat.nosync") || name == "profile.json": "the profile"
            case _ where parts.contains("incoming") && name.allSatisfy(\.isNumber): "incoming"
            case _ where name.count == 64: "blob"
            case _ where name.count == 2 && parts.count > 1: "XX"
            default: name
            }
        return "\(call) \(parts.count > 1 ? parts[0] + "/" : "")\(plain)"
    }
}
