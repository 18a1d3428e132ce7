import ArgumentParser
import Foundation
import Operations
import Wire

/// `adit doctor`: what a miner on this machine needs, what of it is missing, and the command that mends it.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for what keeps a miner from working, and say how it is mended.",
        discussion: """
            Reads the settings as `adit miner run` does, in the folder it is started in. Changes nothing. Exit code 1 if something is broken.
            --bundle writes a text file to send to somebody who helps; passphrases, keys, tokens and passwords in URLs are taken out of it.
            """)

    @Option(help: "The config file; ./adit.conf where not given, if it is there (ADIT_CONFIG).") var config: String?
    @Flag(help: "Print one JSON object.") var json = false
    @Option(help: "Also write a support file without any secret.") var bundle: String?
    @OptionGroup var keys: KeyOptions
    @OptionGroup var exposure: Exposure

    func run() async throws {
        let (findings, context) = await Doctor.examine(config: config, passphraseFile: keys.passphraseFile, isInsecure: exposure.insecure)
        let broken = findings.count { $0.state == .broken }
        let notes = findings.count { $0.state == .note }
        if json {
            Terminal.emit([
                "broken": .integer(Int64(broken)), "notes": .integer(Int64(notes)), "version": .string(Version.text),
                "findings": .array(findings.map(\.json)),
            ])
        } else {
            // What has to be done comes last, where the eye is.
            for state in [Finding.State.well, .note, .broken] {
                for finding in findings where finding.state == state { for line in finding.lines { Terminal.say(line) } }
            }
            Terminal.say("")
            Terminal.say(broken == 0 ? "Nothing is broken; \(notes) to note." : "\(broken) broken, \(notes) to note. After mending: adit doctor")
        }
        if let bundle {
            guard !FileManager.default.fileExists(atPath: bundle) else { throw Problem(.ioFailed, "\(bundle) exists; give another name") }
            try Files.write(Array(await SupportBundle.text(findings, context).utf8), to: bundle, mode: 0o600)
            if !json { Terminal.say("\(bundle) is written; read it before you send it.") }
        }
        if broken > 0 { throw ExitCode(1) }
    }
}
