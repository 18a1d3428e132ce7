import ArgumentParser
import Foundation
import Signing
import Wire

/// The one program: every part of the system, by subcommand.
///
/// Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
@main
struct Adit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adit",
        abstract: "Compute miner, coordinator and chain node: work that is asked for, paid for and verified.",
        discussion: """
            Start with `adit devnet`: it runs the whole system on this machine and shows a job paid.
            Settings are taken from the command line, then the environment, then .env, then the config file
            (--config, ADIT_CONFIG or ./adit.conf), then defaults; `adit config show` says which counts.
            """,
        version: Version.text,
        subcommands: [
            DevnetCommand.self, NodeCommand.self, CoordinatorCommand.self, MinerCommand.self, WalletCommand.self, JobCommand.self, ExampleCommand.self,
            BenchCommand.self, SelfTestCommand.self, DoctorCommand.self,
            AuditCommand.self, ProveCommand.self, EvidenceCommand.self, CheckCommand.self,
            InspectCommand.self, ConfigCommand.self, ReasonsCommand.self, ManualCommand.self,
            SignCommand.self, OpenCLProbe.self,
        ])

    static func main() async {
        // A peer that hangs up must be an error of that connection, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        // Before any key is opened.
        ProcessSecrecy.enter()
        // Before there is a second thread, which could read the environment meanwhile.
        _ = (InheritedSecrets.names, ServiceManager.current)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() } else { try command.run() }
        } catch {
            ProcessEnd.now(report(error))
        }
        ProcessEnd.now(0)
    }

    /// Says what went wrong and gives the exit code.
    private static func report(_ error: any Error) -> Int32 {
        switch error {
        case let problem as Problem:
            Terminal.complain(problem)
            // EX_TEMPFAIL of sysexits.h: another process may have more luck with the device.
            switch problem.code {
            case .deviceHangs: return 75
            case .wrongUsage: return 2
            default: return 1
            }
        case let exit as ExitCode:
            return exit.rawValue
        default:
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if code == .success {
                print(text)
                return 0
            }
            Terminal.complain(text)
            if code == .validationFailure, let meant = MistypedCommand.meant(Array(CommandLine.arguments.dropFirst())) {
                Terminal.complain("Did you mean: \(meant)")
            }
            return code == .validationFailure ? 2 : 1
        }
    }
}

/// What this build calls itself.
enum Version {
    static let text = "0.1.0"
}
