import ArgumentParser

/// Machine learning as paid jobs, each in one line: training, then inference with what was trained.
struct ExampleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "example", abstract: "Paid jobs on real data: train a network, fit a regression, and use them.",
        discussion: "With `adit devnet` in another terminal: adit example digits --devnet data/devnet",
        subcommands: [DigitsExample.self, DiabetesExample.self])
}

/// What the examples share.
struct ExampleOptions: ParsableArguments {
    @OptionGroup var client: ClientOptions
    @Option(help: ArgumentHelp("Where the example data are; looked for near the program where not given.", valueName: "folder")) var examples: String?
    @Option(help: ArgumentHelp("Where the files go that come out.", valueName: "folder")) var dir = "."
}
