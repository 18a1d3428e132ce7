import Foundation
import Testing

extension Reliability {
    /// Every message between the parties on the way from lease to mint: lost, sent, and acknowledged, with a death right then.
    @Suite struct MessageTests {
        struct Point: Sendable {
            let from: Party
            let to: Party
            let request: String
            /// The message goes on with an upload whose first 4 MiB arrived before the receiver was killed.
            var isAfterCut = false

            var label: String { "`\(request)`" + (isAfterCut ? ", going on" : "") }
        }

        static let points = [
            Point(from: .miner, to: .coordinator, request: "POST /workers"), Point(from: .miner, to: .coordinator, request: "POST /leases"),
            Point(from: .miner, to: .coordinator, request: "GET /blobs/*"), Point(from: .miner, to: .coordinator, request: "HEAD /blobs/*"),
            Point(from: .miner, to: .coordinator, request: "PUT /blobs/*"),
            Point(from: .miner, to: .coordinator, request: "PUT /blobs/*/leaves", isAfterCut: true),
            Point(from: .miner, to: .coordinator, request: "PUT /blobs/*", isAfterCut: true),
            Point(from: .miner, to: .coordinator, request: "POST /leases/*/result"),
            Point(from: .miner, to: .coordinator, request: "GET /leases"), Point(from: .miner, to: .node, request: "POST /rpc/getEscrows"),
            Point(from: .miner, to: .node, request: "GET /rpc/params"), Point(from: .miner, to: .node, request: "GET /rpc/getBalance/*"),
            Point(from: .miner, to: .node, request: "POST /rpc/sendTxs"), Point(from: .miner, to: .node, request: "POST /rpc/getTxs"),
            Point(from: .coordinator, to: .node, request: "GET /rpc/getHead"), Point(from: .coordinator, to: .node, request: "GET /rpc/params"),
            Point(from: .coordinator, to: .node, request: "POST /rpc/getEscrows"), Point(from: .coordinator, to: .node, request: "POST /rpc/getReceiptHeights"),
        ]

        /// ADIT_RIG_MESSAGES of the cases (0: all), spread evenly.
        @Test(.timeLimit(.minutes(120))) func everyMessageMayBeTheLast() async throws {
            let all = Self.points.flatMap { point in Relay.Fate.allCases.map { (point, $0) } }
            let limit = RigSettings.number("ADIT_RIG_MESSAGES", default: 4)
            let cases = limit == 0 ? all : (0..<limit).map { all[$0 * Self.points.count / limit * Relay.Fate.allCases.count + $0 % Relay.Fate.allCases.count] }
            let start = ContinuousClock.now
            let width = min(cases.count, RigSettings.number("ADIT_RIG_TOWNS", default: 2))
            let outcomes = try await withThrowingTaskGroup(of: [(Int, Bool)].self) { group in
                for town in 0..<width {
                    let share = cases.indices.filter { $0 % width == town }
                    group.addTask { try await Self.run(share.map { ($0, cases[$0].0, cases[$0].1) }) }
                }
                var outcomes: [Int: Bool] = [:]
                for try await share in group { for (index, isMet) in share { outcomes[index] = isMet } }
                return outcomes
            }
            RigSettings.say("messages, \((ContinuousClock.now - start).components.seconds) s")
            RigSettings.say("| from | to | message | " + Relay.Fate.allCases.map(\.rawValue).joined(separator: " | ") + " |")
            RigSettings.say("| --- | --- | --- |" + Relay.Fate.allCases.map { _ in " --- |" }.joined())
            for point in Self.points {
                let cells = Relay.Fate.allCases.map { fate -> String in
                    guard let index = cases.firstIndex(where: { $0.0.label == point.label && $0.0.from == point.from && $0.1 == fate }) else { return "" }
                    return outcomes[index] == true ? "paid once" : "not met"
                }
                if cells.contains(where: { !$0.isEmpty }) {
                    RigSettings.say("| \(point.from) | \(point.to) | \(point.label) | \(cells.joined(separator: " | ")) |")
                }
            }
            #expect(outcomes.count == cases.count)
            #expect(outcomes.values.contains(true))
        }

        /// One job a case, in one system; true where the message was met.
        private static func run(_ cases: [(Int, Point, Relay.Fate)]) async throws -> [(Int, Bool)] {
            let folder = FileManager.default.temporaryDirectory.appending(path: "adit-rig-messages-\(UUID().uuidString.prefix(8))").path
            let town = try await Town(folder)
            var relays: [Town.Road: Relay] = [:]
            for (from, to) in [(Party.miner, Party.coordinator), (.miner, .node), (.coordinator, .node)] {
                let relay = Relay(to: town.port(to))
                relays[Town.Road(from: from, to: to)] = relay
                town.lead(from, to: to, through: relay.port)
            }
            defer {
                town.killAll()
                for relay in relays.values { relay.close() }
            }
            do {
                try town.startAll()
                let customer = Customer(town)
                var outcomes: [(Int, Bool)] = []
                var fulfilled: [Customer.Fulfilled] = []
                for (number, (index, point, fate)) in cases.enumerated() {
                    guard let relay = relays[Town.Road(from: point.from, to: point.to)] else { throw Broken("no relay") }
                    let victim = fate == .acknowledgedReceiverDies ? point.to : point.from
                    let cut = Relay.Cut(request: "PUT /blobs/*", bytes: 4 << 20) {
                        town.kill(point.to)
                        try? town.start(point.to)
                    }
                    relay.set(
                        Relay.Trap(request: point.request, fate: fate) { _ in
                            town.kill(victim)
                            try? town.start(victim)
                        }, after: point.isAfterCut ? cut : nil)
                    do {
                        // A worker registers, and a coordinator asks for the parameters, when it starts.
                        if ["POST /workers", "GET /leases", "GET /rpc/params"].contains(point.request) {
                            town.kill(point.from)
                            try town.start(point.from)
                        }
                        fulfilled.append(try await customer.fulfil(Order(number, point.isAfterCut ? .resumable : .blobsBothWays), patience: .seconds(240)))
                        outcomes.append((index, !relay.isSet))
                    } catch {
                        throw Broken("\(point) \(fate): \(error)")
                    }
                    relay.set(nil)
                }
                for one in fulfilled { try await customer.check(one, until: .now + .seconds(60)) }
                try await Run.finish(town, jobs: fulfilled.count, fulfilled)
                try? FileManager.default.removeItem(atPath: folder)
                return outcomes
            } catch {
                throw Broken("messages, folder \(folder): \(error)")
            }
        }
    }
}
