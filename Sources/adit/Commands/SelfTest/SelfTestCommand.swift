import ArgumentParser
import Foundation
import Kernels
import MinerNode
import Operations
import Profiler
import Signing
import Wire

/// Known answers, on everything that jobs and money go through.
struct SelfTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "self-test", abstract: "Run known answers on every device, hash, signature and the disk.",
        discussion: "One line for each, with its time. Ends with exit code 1 if one of them fails, and says what to do.")

    @Option(help: "The folder whose disk is written to (MINER_DATA).") var data: String?
    @Option(help: "Threads to compute with; all cores where not given (MINER_THREADS).") var threads: Int?
    @Option(help: ArgumentHelp("One part: hash, signature, disk, cpu, opencl; may be repeated.", valueName: "part")) var only: [String] = []
    @Flag(help: "Print one JSON object.") var json = false

    private static let parts = ["hash", "signature", "disk", "cpu", "opencl"]

    func validate() throws {
        if let wrong = only.first(where: { !Self.parts.contains($0) }) {
            throw ValidationError("--only is one of \(Self.parts.joined(separator: ", ")), not \(wrong)")
        }
    }

    func run() async throws {
        let wanted = Set(only.isEmpty ? Self.parts : only)
        let settings = try Settings()
        let folder = settings.text(.minerData, data)
        var run = SelfTestRun(isQuiet: json)
        if wanted.contains("hash") { await run.step("SHA-256", SelfTestAdvice.processor) { () throws(Problem) in try SigningSelfTest.hashing() } }
        if wanted.contains("signature") {
            await run.step("ed25519", SelfTestAdvice.processor) { () throws(Problem) in try SigningSelfTest.signatures() }
        }
        if wanted.contains("disk") { await run.step("disk \(folder)", SelfTestAdvice.disk) { () throws(Problem) in try DiskSelfTest.run(folder) } }
        if wanted.contains("cpu") || wanted.contains("opencl") { try await devices(settings, folder, wanted, &run) }
        run.finish()
        guard run.failures == 0 else { throw ExitCode(1) }
    }

    private func devices(_ settings: Settings, _ folder: String, _ wanted: Set<String>, _ run: inout SelfTestRun) async throws(Problem) {
        let count = try LimitSettings.threads(settings, threads)
        let known = FileManager.default.fileExists(atPath: folder) ? folder : nil
        let options = wanted.contains("opencl") ? try OpenCLSettings.options(settings, folder: known) : nil
        let opened = await run.value("opening the CPU's libraries", SelfTestAdvice.library) { () async throws(Problem) in
            try await Hardware.open(threads: count)
        }
        if let hardware = opened {
            for member in wanted.contains("cpu") ? hardware.members : [] {
                await run.step("cpu \(member.name)", SelfTestAdvice.library) { () throws(Problem) in try BackendSelfTest.run(member) }
            }
            let whole = await run.value("opening OpenCL's devices", SelfTestAdvice.driver) { () async throws(Problem) in try await hardware.adding(options) }
            for backend in whole?.backends ?? [] where !hardware.backends.contains(where: { $0.name == backend.name }) {
                await run.step(backend.name, SelfTestAdvice.driver) { () throws(Problem) in try BackendSelfTest.run(backend) }
            }
            // A library that is missing or wrong was left out when it was opened: that is no failure, but it is said.
            run.notes = whole?.notes ?? hardware.notes
        }
    }
}

/// What to do where a known answer is wrong.
enum SelfTestAdvice {
    static let processor = "This machine computes wrong: don't run it. Test the memory (memtest86+), undo overclocking, and look at temperatures."
    static let disk =
        "Look at the disk's space (df -h), at who owns the folder (ls -ld), and at the kernel's log (dmesg) for errors; or choose another with --data."
    static let library =
        "Install it anew (apt-get install --reinstall libopenblas0 libdnnl2). If our own kernels fail, too, test the memory and undo overclocking."
    static let driver =
        "Update the device's driver; clinfo says which it is. Until then MINER_OPENCL=off leaves OpenCL alone, and the miner leaves out what errs by itself."
}

/// The steps of a self-test and how they ended.
struct SelfTestRun {
    let isQuiet: Bool
    var notes: [String] = []
    private(set) var failures = 0
    private var results: [JSON] = []

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    /// Runs one test on a thread of its own.
    mutating func step(_ name: String, _ advice: String, _ body: @escaping @Sendable () throws(Problem) -> Void) async {
        _ = await value(name, advice) { () async throws(Problem) in
            try await OwnThread.run("adit-self-test") { () throws(Problem) in
                try body()
                return true
            }
        }
    }

    /// The same with a value that later steps need; nil where it failed.
    mutating func value<Value: Sendable>(_ name: String, _ advice: String, _ body: @Sendable () async throws(Problem) -> Value) async -> Value? {
        let start = ContinuousClock.now
        var value: Value?
        var problem: Problem?
        do throws(Problem) { value = try await body() } catch { problem = error }
        let seconds = (ContinuousClock.now - start).seconds
        if problem != nil { failures += 1 }
        var members: [(String, JSON)] = [("test", .string(name)), ("passed", .bool(problem == nil)), ("milliseconds", .integer(Int64(seconds * 1_000)))]
        if let problem { members += [("code", .string(problem.code.rawValue)), ("detail", .string(problem.detail)), ("remedy", .string(advice))] }
        results.append(.object(JSONObject(distinct: members)))
        if !isQuiet {
            Terminal.say("\(problem == nil ? "ok    " : "FAILED") \(Self.column(Figures.rounded(seconds, 2))) s  \(RateText.plain(name, 60))")
            if let problem {
                Terminal.say("                 \(problem.detail) [\(problem.code.rawValue)]")
                Terminal.say("                 \(advice)")
            }
        }
        return value
    }

    func finish() {
        if isQuiet { return Terminal.emit(["passed": .bool(failures == 0), "tests": .array(results), "notes": .array(notes.map { .string($0) })]) }
        for note in notes { Terminal.say("note             \(note)") }
        Terminal.say(failures == 0 ? "all \(results.count) passed" : "\(failures) of \(results.count) failed")
    }

    private static func column(_ text: String) -> String { String(repeating: " ", count: max(0, 7 - text.count)) + text }
}
