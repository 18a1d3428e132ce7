import Foundation
import Testing

/// Limits for callers, as an operator sets them.
@Suite struct ServingOptionsTests {
    @Test(arguments: [
        ("HTTP_RATE_PER_ADDRESS", "-1"), ("HTTP_RATE_PER_ADDRESS", "1000001"), ("HTTP_RATE_PER_ADDRESS", "2.5"), ("HTTP_CONNECTIONS", "63"),
        ("HTTP_CONNECTIONS", "65537"), ("HTTP_CONNECTIONS_PER_ADDRESS", "0"), ("HTTP_CONNECTIONS_PER_ADDRESS", "70000"),
        ("HTTP_MIN_BYTES_PER_SECOND", "0"), ("HTTP_MIN_BYTES_PER_SECOND", "16k"),
    ])
    func whatCantBeReadIsAnError(name: String, value: String) async throws {
        try await Program.inFolder { folder in
            let made = try await Program.run(["node", "init", "--plain"], in: folder)
            #expect(made.status == 0)
            for service in [["node", "run", "--rpc", "127.0.0.1:0", "--p2p", "127.0.0.1:0"], ["coordinator", "run", "--bind", "127.0.0.1:0"]] {
                let outcome = try await Program.run(service, in: folder, environment: [name: value])
                #expect(outcome.status == 2)
                #expect(outcome.complaints.contains("\(name) is \"\(value)\"; it must be an integer in"), "\(outcome.complaints)")
                #expect(outcome.complaints.contains("[wrong_usage]"))
            }
        }
    }

    @Test func theKeysRateIsTheCoordinators() async throws {
        try await Program.inFolder { folder in
            _ = try await Program.run(["node", "init", "--plain"], in: folder)
            let outcome = try await Program.run(["coordinator", "run", "--bind", "127.0.0.1:0", "--rate-per-key", "1000001"], in: folder)
            #expect(outcome.complaints.contains("--rate-per-key is \"1000001\""), "\(outcome.complaints)")
        }
    }

    /// More connections than open files is said at the start, and not found out under load.
    @Test func connectionsHaveToFitIntoOpenFiles() async throws {
        try await Program.inFolder { folder in
            _ = try await Program.run(["node", "init", "--plain"], in: folder)
            let node = "timeout -s INT 3 '\(Program.url.path)' node run --rpc 127.0.0.1:0 --p2p 127.0.0.1:0"
            let outcome = try await Program.shell("ulimit -n 1024; \(node) --max-connections 600", in: folder)
            #expect(outcome.status == 2)
            #expect(outcome.complaints.contains("HTTP_CONNECTIONS is 600") && outcome.complaints.contains("LimitNOFILE="), "\(outcome.complaints)")
            // Where nobody asked for a number, it is made to fit.
            let fitted = try await Program.shell("ulimit -n 1024; \(node)", in: folder)
            #expect(fitted.complaints.contains("node_ready"), "\(fitted.complaints)")
        }
    }

    /// The rate reaches the listener: one a second, five at once.
    @Test(.enabled(if: ownAddress != nil, "this machine has no address but loopback")) func theyAreInForce() async throws {
        let address = try #require(Self.ownAddress)
        try await Program.inFolder { folder in
            _ = try await Program.run(["node", "init", "--plain"], in: folder)
            let base = Int.random(in: 3270..<3276) * 10
            let arguments = [
                "node", "run", "--rpc", "\(address):\(base)", "--p2p", "127.0.0.1:0", "--insecure", "--rate-per-address", "1", "--max-connections", "64",
            ]
            try await Program.whileRunning(arguments, in: folder, until: "node_ready") { _, _ in
                let outcome = try await Program.shell(
                    "for i in 1 2 3 4 5 6 7 8; do curl -s -o /dev/null -w '%{http_code} ' http://\(address):\(base)/rpc/getHead; done", in: folder)
                #expect(outcome.output.hasPrefix("200 200 200 200 200 "), "\(outcome.output)")
                #expect(outcome.output.contains("429"), "\(outcome.output)")
            }
        }
    }

    /// An address of this machine that isn't loopback; nil where there is none.
    private static var ownAddress: String? {
        Host.current().addresses.first { $0.contains(".") && !$0.hasPrefix("127.") }
    }
}
