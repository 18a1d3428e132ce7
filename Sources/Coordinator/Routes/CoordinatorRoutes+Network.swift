import HTTPServing
import Hummingbird
import Jobs
import Signing
import Wire

// Routes about the network: its state, its events, and a node's question about a receipt.
extension CoordinatorRoutes {
    func addNetwork(to routes: Routes) {
        routes.get("/network/state") { _, _ in
            let state = await board.networkState()
            metrics.show(state)
            return .json(state.json)
        }
        routes.get("/events") { request, context in
            let client = try await signed(request, context).address
            return .events(try events.listen(client, after: request.header("last-event-id")))
        }
        // Not signed: it tells no more than yes or no, and a quote that the chain shows to everybody.
        routes.post("/attest/receipt") { request, _ in
            .json(try await board.attest(try ReceiptQuestion(json: try await request.readJSON(limit: 4096))).json)
        }
    }
}
