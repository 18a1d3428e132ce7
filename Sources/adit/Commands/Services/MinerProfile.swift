import ArgumentParser
import ChainClient
import Foundation
import Jobs
import Kernels
import OpenCLBackend
import Operations
import Profiler
import Sensors
import Wire

/// What this machine is, what it does, what holds it back, and which tier that makes.
struct MinerProfile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Take stock of this machine, measure it, and say which tier it is and why.",
        discussion: """
            Takes under 30 s, with --quick under 5; the first start on a machine takes longer, since libraries and GPUs are compared once and the \
            answers kept. What can't be read is said to be unknown. Progress goes to standard error.
            """)

    @Option(help: "Threads to compute with; all cores where not given (MINER_THREADS).") var threads: Int?
    @Option(name: .customLong("memory-mb"), help: "The most memory for a job, in MiB (MINER_MEMORY_MB).") var memoryMB: Int?
    @Option(help: "The folder whose disk is looked at (MINER_DATA).") var data: String?
    @Option(help: "A coordinator to measure the way to (COORDINATOR_URL); none where not set.") var coordinator: String?
    @Flag(help: "Measure less, in under 5 s.") var quick = false
    @Flag(help: "List which library was found to be the fastest for which work.") var choices = false
    @Flag(help: "Print one JSON object; null stands for what isn't known.") var json = false
    @OptionGroup var exposure: Exposure

    func run() async throws {
        let settings = try Settings()
        let progress = ProgressLine()
        let limits = try LimitSettings.limits(
            settings, flags: Setting.values((.minerThreads, threads.map(String.init)), (.minerMemory, memoryMB.map(String.init))))
        let count = try LimitSettings.threads(of: limits)
        progress.show("opening devices", 0)
        var openCL = try OpenCLSettings.options(settings)
        // A GPU that was never compared and tuned would take minutes.
        if quick {
            openCL?.isMeasured = false
            openCL?.tuningBudget = .zero
        }
        let hardware = try await Hardware.open(threads: count).adding(openCL)
        let sensors = hardware.sensors()
        let (network, networkNote) = try await measureNetwork(settings, progress)
        var watch = LoadWatch()
        let outcome = try await hardware.profile(quick ? .quick : .full, memoryCap: limits.memoryBytes) {
            progress.show("measuring \($0.step)", $0.share)
        }
        progress.end()
        let inventory = hardware.inventory(folder: settings.text(.minerData, data), sensors: sensors.report(), network: network)
        let costs = hardware.costs(inventory, load: watch.end())
        let notes = hardware.notes + [networkNote].compactMap(\.self)
        if json {
            Terminal.emit(document(outcome, inventory, costs, notes))
        } else {
            for line in text(outcome, inventory, costs, notes, hardware) { Terminal.say(line) }
        }
    }

    /// The way to a coordinator that is named; one that doesn't answer is a note.
    private func measureNetwork(_ settings: Settings, _ progress: ProgressLine) async throws -> (NetworkInventory.Measured?, String?) {
        guard let url = settings.given(.coordinatorURL, coordinator) else { return (nil, nil) }
        let base = try exposure.url(url)
        progress.show("measuring the way to \(base)", 0)
        do throws(Problem) {
            return (try await NetworkMeter.measure(base), nil)
        } catch {
            return (nil, "the way to the coordinator was not measured: \(error.detail)")
        }
    }

    private func document(_ outcome: Profiler.Outcome, _ inventory: Inventory, _ costs: [EnvironmentCost], _ notes: [String]) -> JSON {
        [
            "tier": .string(outcome.tier.rawValue), "verdict": outcome.verdict.json, "profile": outcome.profile.json, "inventory": inventory.json,
            "rates": outcome.rates?.json ?? .null, "costs": .array(costs.map(\.json)), "notes": .array(notes.map { .string($0) }),
        ]
    }

    private func text(
        _ outcome: Profiler.Outcome, _ inventory: Inventory, _ costs: [EnvironmentCost], _ notes: [String], _ hardware: Hardware
    ) -> [String] {
        var text = TextBlock()
        inventory.write(to: &text)
        for member in hardware.members { text.add(member.name, member.device) }
        for line in outcome.rates?.summary ?? [] { text.add(line: line) }
        if choices {
            for choice in hardware.choices {
                text.add("choice", "\(choice.work): \(choice.member), \(Figures.rounded(choice.operationsPerSecond / 1e9, 0)) Gop/s")
            }
        }
        // On a busy machine there is one for many a size.
        if let left = outcome.rates?.notes, !left.isEmpty {
            text.add("note", "\(left.count) of the rates were left out, mostly for want of time; with --json each has its reason")
        }
        for note in notes { text.add("note", note) }
        for cost in costs {
            text.add("cost", cost.found)
            text.add("", "costs: \(cost.cost)")
            text.add("", "mend: \(cost.remedy)")
        }
        if costs.isEmpty { text.add("cost", "nothing was found around the program that costs speed") }
        text.add("tier", outcome.tier.rawValue)
        for sentence in outcome.verdict.sentences { text.add("", sentence) }
        return text.lines
    }
}
