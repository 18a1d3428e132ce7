import ArgumentParser
import Foundation
import Jobs
import Kernels
import Operations
import Profiler
import Signing
import Wire

/// The whole table of this machine, and what can be made of it.
struct BenchTable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table", abstract: "Measure this machine: products, convolution, attention, memory, hashing, signatures.",
        discussion: """
            What `adit bench` does without a subcommand. Each rate is measured by turns with the device's own peak, so that its share of the peak \
            holds on a busy machine, too. A certificate holds the table, who measured it, and products that anybody can compute again.
            """)

    @Flag(help: "In under 5 seconds: fewer sizes and rounds, and the CPU's libraries not one by one.") var quick = false
    @Flag(help: "Print one JSON object.") var json = false
    @Option(help: "Threads to compute with; all cores where not given (MINER_THREADS).") var threads: Int?
    @Option(help: ArgumentHelp("Show this file, or make a page of it, instead of measuring.", valueName: "file")) var from: String?
    @Option(help: ArgumentHelp("Compare with an earlier file of --json or --certificate, line by line.", valueName: "file")) var compare: String?
    @Option(help: ArgumentHelp("Write a page with a roofline plot, to look at and to share.", valueName: "file")) var html: String?
    @Option(help: ArgumentHelp("Write a certificate, signed with the miner's key.", valueName: "file")) var certificate: String?
    @Option(help: "The key file that signs it (MINER_KEY).") var key: String?
    @Option(help: ArgumentHelp("Check a certificate's signature and form.", valueName: "file")) var verify: String?
    @Flag(help: "With --verify: compute its products again and compare the bits and the speed.") var replay = false
    @Option(help: "With --verify: the address that must have signed it.") var address: String?
    @Option(help: "What could be earned by this coordinator's price and its last day's demand.") var coordinator: String?
    /// A backend: each line "kernel MS" of standard input measures its F32 product 2048 for MS milliseconds (benchmarks/run does so).
    @Option(help: .hidden) var paced: String?
    @OptionGroup var keys: KeyOptions
    @OptionGroup var exposure: Exposure

    func validate() throws {
        if verify != nil, from != nil || compare != nil || certificate != nil || coordinator != nil || quick {
            throw ValidationError("--verify goes with --replay, --address, --html and --json alone.")
        }
        guard verify != nil || (!replay && address == nil) else { throw ValidationError("--replay and --address go with --verify.") }
        guard from == nil || (certificate == nil && coordinator == nil) else {
            throw ValidationError("--certificate and --coordinator want this machine's own measurement: leave out --from.")
        }
    }

    func run() async throws {
        if let paced { return try await PacedRates.serve(backend: paced, threads: try LimitSettings.threads(try Settings(), threads)) }
        if let verify {
            return try await BenchVerification(path: verify, isReplayed: replay, address: address, html: html, isJSON: json, threads: threads).run()
        }
        let earlier = try compare.map { (path) throws(Problem) in try Self.read(path) }
        let file: BenchFile
        if let from {
            file = try Self.read(from)
        } else {
            file = try await measured()
        }
        if let html { try Self.page(file, to: html) }
        var earnings: EarningsReport?
        if let coordinator { earnings = try await EarningsReport(file.document, coordinator: try exposure.url(coordinator)) }
        if json { return Terminal.emit(Self.merged(file.json, earnings)) }
        if let earlier {
            Terminal.say("then       \(RateText.date(earlier.document.at)), \(RateText.plain(earlier.document.machine.cpu, 46))")
            Terminal.say("           \(Self.signed(earlier))")
            for line in RateReport.comparison(file.document.rates, earlier.document.rates) { Terminal.say(line) }
        } else {
            for line in RateReport.lines(file.document) { Terminal.say(line) }
        }
        for line in file.document.rates.notes.flatMap(RateReport.note) { Terminal.say(line) }
        earnings?.show()
    }

    /// Measures, with progress on standard error where that is a terminal, and writes the certificate if one is wanted.
    private func measured() async throws -> BenchFile {
        let settings = try Settings()
        let progress = ProgressLine()
        // Before a minute of work: a key that can't be opened.
        let signing = try certificate.map { (_) throws(Problem) in
            let path = settings.text(.minerKey, key)
            try Files.makeFolder((path as NSString).deletingLastPathComponent)
            return try keys.ring(settings).loadOrCreate(path)
        }
        progress.show("opening the devices", 0)
        let hardware = try await Hardware.open(threads: try LimitSettings.threads(settings, threads)).adding(try OpenCLSettings.options(settings))
        let outcome = try await hardware.profile(quick ? .quick : .full) { progress.show("measuring \($0.step)", $0.share) }
        progress.end()
        guard let rates = outcome.rates else { throw Problem(.internalError, "a measurement without rates") }
        var products: [ReplayProduct] = []
        if certificate != nil { products = try await Replay.make(hardware, n: quick ? 512 : 1_024) }
        let noted = RateTable(rows: rates.rows, threads: rates.threads, isQuick: rates.isQuick, notes: rates.notes + hardware.notes)
        let document = BenchDocument(
            at: Int64(Date().timeIntervalSince1970), softwareVersion: Version.text, machine: Self.machine(outcome, hardware), rates: noted, products: products)
        guard let certificate, let signing else { return BenchFile(document) }
        let file = BenchFile(document, key: signing)
        try Files.write(file.json.canonicalBytes + [0x0a], to: certificate)
        if !json { Terminal.complain("signed by \(signing.address.text): \(certificate)") }
        return file
    }

    private static func machine(_ outcome: Profiler.Outcome, _ hardware: Hardware) -> BenchMachine {
        func cut(_ text: String, _ most: Int) -> String { String(decoding: text.utf8.prefix(most), as: UTF8.self).replacing("\u{fffd}", with: "") }
        return BenchMachine(
            cpu: cut(outcome.profile.cpuModel, 256), cores: outcome.profile.cores, isa: outcome.profile.isa, memoryBytes: outcome.machine.memory.usableBytes,
            devices: hardware.backends.prefix(64).map { cut("\($0.name): \($0.device)", 512) }, blasCore: hardware.blasCore.map { cut($0, 64) })
    }

    static func read(_ path: String) throws(Problem) -> BenchFile {
        do throws(Problem) {
            return try BenchFile(bytes: try Files.read(path, limit: BenchFile.largestBytes))
        } catch {
            throw error.detail.contains(path) ? error : Problem(error.code, "\(path): \(error.detail)")
        }
    }

    static func page(_ file: BenchFile, to path: String) throws(Problem) {
        try Files.write([UInt8](BenchPage.html(file.document, signer: file.signer?.address.text).utf8), to: path)
    }

    static func signed(_ file: BenchFile) -> String { file.signer.map { "signed by \($0.address.text)" } ?? "not signed" }

    private static func merged(_ json: JSON, _ earnings: EarningsReport?) -> JSON {
        guard let earnings, case .object(let object) = json else { return json }
        return ["file": .object(object), "earnings": earnings.json]
    }
}
