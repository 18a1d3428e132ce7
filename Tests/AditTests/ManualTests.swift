import Foundation
import Testing
import Wire

/// Manual pages and completions, as `scripts/manual` makes them for packages.
@Suite struct ManualTests {
    /// Commands with all below them; "help" is the parser's own.
    private static func commands(_ command: JSON, _ path: String) -> [(path: String, command: JSON)] {
        let name = command["commandName"]?.stringValue ?? "?"
        if name == "help" { return [] }
        let path = path.isEmpty ? name : "\(path) \(name)"
        return [(path, command)] + (command["subcommands"]?.arrayValue ?? []).flatMap { commands($0, path) }
    }

    /// Every command says what it does, and every option that people see what it is.
    @Test func nothingIsWithoutAnExplanation() async throws {
        try await Program.inFolder { folder in
            let dump = try JSON.parse(Array(try await Program.run(["--experimental-dump-help"], in: folder).output.utf8))
            let all = Self.commands(try #require(dump["command"]), "")
            #expect(all.count > 40)
            for (path, command) in all {
                #expect(command["abstract"]?.stringValue?.hasSuffix(".") == true, "\(path)")
                for argument in command["arguments"]?.arrayValue ?? [] where argument["shouldDisplay"]?.boolValue == true {
                    #expect(argument["abstract"]?.stringValue?.isEmpty == false, "\(path) \(argument["valueName"]?.stringValue ?? "?")")
                }
            }
        }
    }

    @Test func pagesRenderAndCompletionsComplete() async throws {
        try await Program.inFolder { folder in
            let made = try await Program.run(["manual", "out"], in: folder)
            #expect(made.status == 0, "\(made.complaints)")
            let pages = try FileManager.default.subpathsOfDirectory(atPath: folder.appending(path: "out/man").path).filter { $0.contains(".") }
            #expect(pages.contains("man1/adit.1") && pages.contains("man1/adit-miner.1") && pages.contains("man5/adit.conf.5"))

            let bash = try await Program.shell(
                """
                source out/completions/bash/adit
                COMP_WORDS=(adit miner s); COMP_CWORD=2; COMP_LINE="adit miner s"; COMP_POINT=12; _adit adit s miner; echo "${COMPREPLY[@]}"
                """, in: folder)
            #expect(bash.output.split(separator: " ").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.sorted() == ["set", "status"], "\(bash)")
            let names = try await Program.shell(
                """
                source out/completions/bash/adit
                COMP_WORDS=(adit miner set temp); COMP_CWORD=3; COMP_LINE="adit miner set temp"; COMP_POINT=19; _adit adit temp set; echo "${COMPREPLY[@]}"
                """, in: folder)
            #expect(names.output.contains("temperature_max="), "\(names)")
            for name in ["zsh/_adit", "fish/adit.fish"] {
                let script = try String(contentsOf: folder.appending(path: "out/completions/\(name)"), encoding: .utf8)
                #expect(script.contains("miner"))
            }

            guard try await Program.shell("command -v groff", in: folder).status == 0 else {
                print("pages were written but not rendered: there is no groff")
                return
            }
            for page in pages {
                let shown = try await Program.shell("groff -man -Tutf8 -ww -P-cbou out/man/\(page)", in: folder)
                #expect(shown.complaints.isEmpty, "\(page): \(shown.complaints)")
                #expect(shown.output.contains("NAME") && shown.output.contains("SEE ALSO"), "\(page)")
            }
            let miner = try await Program.shell("groff -man -Tutf8 -P-cbou out/man/man1/adit-miner.1", in: folder).output
            #expect(miner.contains("adit miner set [OPTIONS] CHANGES …") || miner.contains("adit miner set [OPTIONS] CHANGES ..."), "\(miner)")
            #expect(miner.contains("--temperature TEMPERATURE"))
        }
    }
}
