import ArgumentParser
import Wire

/// The command that was probably meant.
enum MistypedCommand {
    /// `adit miner run` for `minr run`; nil where every name is a command's, or none is near.
    ///
    /// - Parameter arguments: of the program, without its own name.
    static func meant(_ arguments: [String], root: any ParsableCommand.Type = Adit.self) -> String? {
        var level = root
        var path = ["adit"]
        var mended = false
        for word in arguments {
            let commands = level.configuration.subcommands
            guard !commands.isEmpty, !word.hasPrefix("-") else { break }
            let names = commands.map { (command: $0, name: $0._commandName) }
            if let known = names.first(where: { $0.name == word }) {
                level = known.command
            } else {
                let shown = names.filter { $0.command.configuration.shouldDisplay }.map(\.name)
                guard let near = NearestName.of(word, among: shown), let command = names.first(where: { $0.name == near })?.command else { return nil }
                level = command
                mended = true
            }
            path.append(level._commandName)
        }
        return mended ? path.joined(separator: " ") : nil
    }
}
