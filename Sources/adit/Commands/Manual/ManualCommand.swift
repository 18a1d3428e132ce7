import ArgumentParser
import Foundation
import Operations
import Wire

/// Writes manual pages and shell completions, for packages; `scripts/manual` calls it.
///
/// The pages come from what the parser knows of its commands (`--experimental-dump-help`). swift-argument-parser's own plugin would build the
/// program once more to ask it the same.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Write manual pages and shell completions into a folder.", shouldDisplay: false)

    @Argument(help: "The folder; files of before are replaced.") var folder: String

    func run() throws {
        let pages = try ManualPages.all(JSON.parse(Adit._dumpHelp()))
        for page in pages { try write(page.text, "man/man\(page.section)/\(page.name).\(page.section)") }
        for (shell, name) in [(CompletionShell.bash, "bash/adit"), (.zsh, "zsh/_adit"), (.fish, "fish/adit.fish")] {
            try write(Adit.completionScript(for: shell), "completions/\(name)")
        }
        Terminal.say("\(pages.count) manual pages and completions for bash, zsh and fish in \(folder)")
    }

    private func write(_ text: String, _ name: String) throws(Problem) {
        let path = "\(folder)/\(name)"
        try Files.makeFolder((path as NSString).deletingLastPathComponent)
        try Files.write(Array(text.utf8), to: path)
    }
}

/// One page for the program, one for each of its commands with all below it, and one for the config file.
enum ManualPages {
    struct Page {
        let name: String
        let section: Int
        let text: String
    }

    /// - Parameter dump: the parser's description of the program.
    static func all(_ dump: JSON) throws(Problem) -> [Page] {
        guard let root = dump["command"] else { throw Problem(.internalError, "the parser's description has no command") }
        let commands = children(root)
        return [program(root, commands)] + commands.map { command($0, others: commands) } + [config]
    }

    private static func children(_ command: JSON) -> [JSON] {
        (command["subcommands"]?.arrayValue ?? []).filter { $0["shouldDisplay"]?.boolValue != false && name($0) != "help" }
    }

    private static func name(_ command: JSON) -> String { command["commandName"]?.stringValue ?? "?" }
    private static func abstract(_ command: JSON) -> String { command["abstract"]?.stringValue ?? "" }

    private static func program(_ root: JSON, _ commands: [JSON]) -> Page {
        var page = Roff("adit", section: 1, summary: abstract(root))
        page.heading("Synopsis")
        page.bold("adit COMMAND …")
        page.heading("Description")
        page.paragraphs(root["discussion"]?.stringValue ?? "")
        page.heading("Commands")
        for command in commands { page.entry("adit \(name(command))", abstract(command)) }
        page.heading("Exit status")
        page.paragraphs(
            """
            0: done. 1: refused or failed; the reason is on standard error, its code in brackets. 2: wrong usage. 75: a device of a miner hangs; it is to \
            be started again.
            """)
        page.heading("Files")
        page.entry("./adit.conf, ./.env", "Settings, see adit.conf(5).")
        page.heading("See also")
        page.paragraphs((commands.map { "adit-\(name($0))(1)" } + ["adit.conf(5)"]).joined(separator: ", "))
        return Page(name: "adit", section: 1, text: page.text)
    }

    private static func command(_ command: JSON, others: [JSON]) -> Page {
        let title = "adit-\(name(command))"
        var page = Roff(title, section: 1, summary: abstract(command))
        let leaves = leaves(command, path: "adit")
        page.heading("Synopsis")
        for leaf in leaves { page.bold(synopsis(leaf.command, leaf.path)) }
        page.heading("Description")
        page.paragraphs(command["discussion"]?.stringValue ?? abstract(command))
        if leaves.count == 1, leaves[0].path == "adit \(name(command))" {
            page.heading("Options")
            arguments(leaves[0].command, &page)
        } else {
            page.heading("Commands")
            for leaf in leaves {
                page.subheading(leaf.path)
                page.paragraphs(abstract(leaf.command))
                page.paragraphs(leaf.command["discussion"]?.stringValue ?? "")
                arguments(leaf.command, &page)
            }
        }
        page.heading("See also")
        page.paragraphs("adit(1), adit.conf(5)")
        return Page(name: title, section: 1, text: page.text)
    }

    /// The commands that do something: those without commands below them, at any depth.
    private static func leaves(_ command: JSON, path: String) -> [(path: String, command: JSON)] {
        let path = "\(path) \(name(command))"
        let below = children(command)
        return below.isEmpty ? [(path, command)] : below.flatMap { leaves($0, path: path) }
    }

    private static func shown(_ command: JSON) -> [JSON] {
        (command["arguments"]?.arrayValue ?? []).filter { argument in
            let isHelp = ["help", "version"].contains(argument["preferredName"]?["name"]?.stringValue)
            return argument["shouldDisplay"]?.boolValue != false && !(argument["kind"]?.stringValue == "flag" && isHelp)
        }
    }

    private static func synopsis(_ command: JSON, _ path: String) -> String {
        let arguments = shown(command)
        let positional = arguments.filter { $0["kind"]?.stringValue == "positional" }.map { argument -> String in
            let name = (argument["valueName"]?.stringValue ?? "value").uppercased() + (argument["isRepeating"]?.boolValue == true ? " …" : "")
            return argument["isOptional"]?.boolValue == true ? "[\(name)]" : name
        }
        let needed = arguments.filter { $0["kind"]?.stringValue == "option" && $0["isOptional"]?.boolValue == false }.map(term)
        let hasOptions = arguments.contains { $0["kind"]?.stringValue != "positional" && $0["isOptional"]?.boolValue != false }
        return ([path] + needed + (hasOptions ? ["[OPTIONS]"] : []) + positional).joined(separator: " ")
    }

    /// `--threads THREADS`.
    private static func term(_ argument: JSON) -> String {
        let value = (argument["valueName"]?.stringValue ?? "value").uppercased()
        guard let kind = argument["kind"]?.stringValue, kind != "positional", let name = argument["preferredName"]?["name"]?.stringValue else { return value }
        let dashes = argument["preferredName"]?["kind"]?.stringValue == "long" ? "--" : "-"
        return kind == "flag" ? dashes + name : "\(dashes)\(name) \(value)"
    }

    private static func arguments(_ command: JSON, _ page: inout Roff) {
        for argument in shown(command) {
            var meaning = [argument["abstract"]?.stringValue, argument["discussion"]?.stringValue].compactMap { $0 }.joined(separator: "\n")
            if let standard = argument["defaultValue"]?.stringValue { meaning += " Default: \(standard)." }
            page.entry(term(argument), meaning)
        }
    }

    /// The config file, from the table of settings.
    private static var config: Page {
        var page = Roff("adit.conf", section: 5, summary: "settings of Adit's services")
        page.heading("Description")
        page.paragraphs(
            """
            Lines of name = value; a # begins a comment. A value with a # after a space, or with a space at its end, stands in double quotes. An empty \
            value counts as absent. The same names in upper case are taken from the environment and from a file .env in the working folder.
            Order: command line, environment, .env, this file, default. This file is named by --config, else by ADIT_CONFIG, else it is ./adit.conf.
            adit config init writes one with every setting, adit config check looks for mistakes, adit config show says where each value comes from. A \
            running miner takes up those that are marked live; adit miner set changes them.
            """)
        for group in Setting.groups {
            page.heading(group.title.split(separator: ":").first.map(String.init) ?? group.title)
            for setting in group.settings where setting.isInConfigFile {
                let services = setting.services.map(\.rawValue).joined(separator: ", ")
                page.entry(
                    "\(setting.key) = \(setting.standard ?? "")",
                    "\(setting.help) It must be \(setting.kind.range). Default: \(setting.standardText). Read by: \(services)\(setting.isLive ? "; live" : "")."
                )
            }
        }
        page.heading("See also")
        page.paragraphs("adit(1), adit-config(1), adit-miner(1)")
        return Page(name: "adit.conf", section: 5, text: page.text)
    }
}
