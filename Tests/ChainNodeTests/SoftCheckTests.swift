import ChainClient
import ChainNode
import HTTPServing
import Hummingbird
import Ledger
import Logging
import ServiceLifecycle
import Signing
import Synchronization
import Testing
import Wire

/// A coordinator's word on a claim before the mempool takes it.
struct SoftCheckTests {
    /// A listener that answers `POST /attest/receipt` with what the test says, or with a redirect or nothing in time.
    private final class Desk: Sendable {
        let answer = Mutex<@Sendable () async throws -> Response>({ .json([:]) })
        let asked = Mutex<[JSON]>([])

        func run(_ body: (Int) async throws -> Void) async throws {
            let routes = Routes(registry: PrometheusRegistry())
            routes.post("/attest/receipt") { request, _ in
                let json = try await request.readJSON(limit: 65_536)
                self.asked.withLock { $0.append(json) }
                #expect(request.header("signature-input")?.contains("adit-v1") == true, "requests to a coordinator are signed")
                let answer = self.answer.withLock { $0 }
                return try await answer()
            }
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let (ports, signal) = AsyncStream.makeStream(of: Int.self)
            let server = HTTPServer(bind: .anyLoopbackPort, routes: routes, logger: logger) { signal.yield($0) }
            let group = ServiceGroup(services: [server], logger: logger)
            let running = Task { try await group.run() }
            for await port in ports {
                try await body(port)
                break
            }
            await group.triggerGracefulShutdown()
            try await running.value
        }
    }

    private static func says(_ exists: Bool, _ paid: Bool, _ first: Bool) -> Response {
        .json(["exists": .bool(exists), "paid": .bool(paid), "not_double_spent": .bool(first)])
    }

    /// A node that asks this coordinator, and waits long enough for a machine that is busy with five hundred other tests.
    private static func asking(_ url: BaseURL, _ chain: TestChain, patience: Duration = .seconds(60)) -> (inout NodeConfiguration) -> Void {
        {
            $0.softChecks = [chain.coordinator.publicKey: url]
            $0.softCheckPatience = patience
        }
    }

    @Test func onlyADefiniteNoRefusesAClaim() async throws {
        let chain = try TestChain()
        let folder = try TemporaryFolder()
        let desk = Desk()
        try await desk.run { port in
            let url = try BaseURL("http://127.0.0.1:\(port)")
            try await RunningNode.run(chain, at: folder.database, change: Self.asking(url, chain)) { node async throws in
                let client = NodeClient(try BaseURL("http://127.0.0.1:\(node.ports.rpc)"), http: node.http)
                let quote = try chain.quote()
                let payment = try await client.sendTx(chain.transfer(quote.price, to: .escrow, nonce: 1, quote: quote))
                let claim = try chain.claim(quote, payment: payment)
                await #expect { try await client.sendTx(claim) } throws: { ($0 as? Problem)?.code == .unknownEscrow }
                #expect(desk.asked.withLock { $0.isEmpty }, "what the chain refuses itself is nobody's business")
                await node.block()
                for no in [(false, true, true), (true, false, true), (true, true, false)] {
                    desk.answer.withLock { $0 = { Self.says(no.0, no.1, no.2) } }
                    await #expect { try await client.submitReceipt(claim) } throws: { ($0 as? Problem)?.code == .attestationRefused }
                    let outcome = try #require(try await client.sendTxs([claim]).first)
                    guard case .failure(let problem) = outcome else { throw Problem(.internalError, "taken") }
                    #expect(problem.code == .attestationRefused)
                }
                #expect(try await client.getTx(claim.hash(on: chain.chain)) == nil)
                #expect(desk.asked.withLock { $0.first?["job_id"]?.stringValue } == quote.jobID.text)
                #expect(desk.asked.withLock { $0.allSatisfy { $0["miner"]?.stringValue == chain.miner.address.text } })
                // Nothing but a clear no stands in the way.
                desk.answer.withLock { $0 = { throw Problem(.internalError, "confused") } }
                try await client.submitReceipt(claim)
                let asked = desk.asked.withLock { $0.count }
                try await client.submitReceipt(claim)
                #expect(desk.asked.withLock { $0.count } == asked, "what waits already isn't asked about again")
                await node.block()
                #expect(try await client.getEscrow(quote.jobID)?.status == .settled)
            }
        }
    }

    @Test(arguments: ["redirect", "nonsense", "unauthorized", "silence", "nobody"])
    func aConfusedCoordinatorStandsInNobodysWay(kind: String) async throws {
        let chain = try TestChain()
        let folder = try TemporaryFolder()
        let desk = Desk()
        desk.answer.withLock {
            $0 = {
                switch kind {
                case "redirect": return Response(status: .found, headers: [.location: "/attest/receipt"])
                case "nonsense": return Response.json(["exists": "no"])
                case "unauthorized": throw Problem(.unauthorized, "who are you")
                default:
                    try await Task.sleep(for: .seconds(120))
                    return Self.says(false, false, false)
                }
            }
        }
        try await desk.run { port in
            let url = try BaseURL("http://127.0.0.1:\(kind == "nobody" ? 1 : port)")
            try await RunningNode.run(chain, at: folder.database, change: Self.asking(url, chain, patience: kind == "silence" ? .seconds(5) : .seconds(60))) {
                node async throws in
                let client = NodeClient(try BaseURL("http://127.0.0.1:\(node.ports.rpc)"), http: node.http)
                let quote = try chain.quote()
                let payment = try await client.sendTx(chain.transfer(quote.price, to: .escrow, nonce: 1, quote: quote))
                await node.block()
                let start = ContinuousClock.now
                try await client.submitReceipt(chain.claim(quote, payment: payment))
                // Well before an answer would come.
                #expect(ContinuousClock.now - start < .seconds(60))
                #expect(desk.asked.withLock { $0.count } == (kind == "nobody" ? 0 : 1), "a redirect isn't followed")
            }
        }
    }
}
