import ChainClient
import ChainNode
import Ledger
import Signing
import Testing
import Wire

/// Bad input gets a problem document with its code, changes nothing and stops nobody.
struct RefusalTests {
    let chain: TestChain
    let folder: TemporaryFolder

    init() throws {
        chain = try TestChain()
        folder = try TemporaryFolder()
    }

    private func refuse(_ node: RunningNode, _ body: JSON, _ code: Problem.Code, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try node.expectRefusal(try await node.send(.post, "/rpc/sendTx", body: body.canonicalBytes), code, sourceLocation: sourceLocation)
    }

    @Test func transactionsThatAreNotRight() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let good = try chain.transfer(5, to: chain.miner.address, nonce: 1)
            let object = try #require(good.json.objectValue)
            func changed(_ key: String, _ value: JSON) -> JSON { .object(object.setting(key, to: value)) }
            try await refuse(node, changed("sig", .string(String(repeating: "0", count: 128))), .badSignature)
            try await refuse(node, changed("fee", 11), .badSignature)
            try await refuse(node, changed("pubkey", .string(chain.miner.publicKey.hex)), .badSignature)
            try await refuse(node, changed("sig", "00"), .badSignature)
            try await refuse(node, changed("extra", 1), .unknownField)
            try await refuse(node, changed("nonce", "1"), .wrongType)
            try await refuse(node, changed("type", "MINT"), .unsupportedTransaction)
            try await refuse(node, changed("sender", .string(chain.client.address.text.uppercased())), .badAddress)
            try await refuse(node, changed("payload", ["to": .string(chain.miner.address.text), "amount": 0]), .outOfRange)
            try await refuse(node, changed("payload", ["to": .string(chain.miner.address.text), "amount": 5, "x": .null]), .unknownField)
            try await refuse(node, try chain.transfer(5, to: chain.miner.address, nonce: 3).json, .nonceGap)
            try await refuse(node, try chain.transfer(5, to: chain.miner.address, nonce: 0).json, .nonceTooLow)
            try await refuse(node, try chain.transfer(5, to: chain.miner.address, nonce: 1, fee: 9).json, .feeTooLow)
            try await refuse(node, try chain.transfer(2_000_000, to: chain.miner.address, nonce: 1).json, .insufficientBalance)
            let elsewhere = try TestChain(chain: "ait-other")
            try await refuse(node, try elsewhere.transfer(5, to: chain.miner.address, nonce: 1).json, .badSignature)
            await node.block()
            #expect(try await node.get("/rpc/getBlock/1")["tx_count"] == 0)
            #expect(try await node.balance(chain.client.address) == 1_000_000)
        }
    }

    @Test func aReplayIsRefused() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let transfer = try chain.transfer(5, to: chain.miner.address, nonce: 1)
            try await node.submit(transfer)
            await node.block()
            try await refuse(node, transfer.json, .nonceTooLow)
            await node.block()
            #expect(try await node.balance(chain.miner.address) == 5)
        }
    }

    @Test func bodiesThatAreNotJSON() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let bodies: [(String, Problem.Code)] = [
                ("", .badJSON), ("{", .badJSON), ("\u{feff}{}", .badJSON), ("{\"a\":1,\"a\":2}", .duplicateKey), ("{\"a\":1.5}", .notAnInteger),
                ("[]", .wrongType), (String(repeating: "[", count: 70), .badJSON), ("{} x", .badJSON),
            ]
            for (text, code) in bodies {
                try node.expectRefusal(try await node.send(.post, "/rpc/sendTx", body: Array(text.utf8)), code)
            }
            try node.expectRefusal(try await node.send(.post, "/rpc/sendTx", body: [0x22, 0xff, 0x22]), .badJSON)
        }
    }

    @Test func bodiesThatAreTooLong() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let long = [UInt8](repeating: UInt8(ascii: " "), count: 65_537)
            try node.expectRefusal(try await node.send(.post, "/rpc/sendTx", body: long), .payloadTooLarge)
            let memo: JSON = ["memo": .string(String(repeating: "x", count: 20_000))]
            try node.expectRefusal(try await node.send(.post, "/rpc/sendTx", body: memo.canonicalBytes), .payloadTooLarge)
            // A declared length is refused before the body is there; a chunked one while it comes.
            let declared = try await RawExchange.send("POST /rpc/sendTx HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n", to: node.ports.rpc)
            #expect(declared.contains("HTTP/1.1 413"))
            #expect(declared.contains("payload_too_large"))
            let chunk = "8000\r\n" + String(repeating: " ", count: 0x8000) + "\r\n"
            let chunked = try await RawExchange.send(
                "POST /rpc/sendTx HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk + chunk, to: node.ports.rpc)
            #expect(chunked.contains("HTTP/1.1 413"))
            let header = "GET /rpc/getHead HTTP/1.1\r\nHost: x\r\nX: " + String(repeating: "y", count: 70_000) + "\r\n\r\n"
            _ = try await RawExchange.send(header, to: node.ports.rpc)
            #expect(try await node.height() == 0, "it still answers")
        }
    }

    @Test func pathsThatAreNotThere() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            try node.expectRefusal(try await node.send(.get, "/"), .notFound)
            try node.expectRefusal(try await node.send(.get, "/rpc/getTx"), .notFound)
            let wrong = try await node.send(.get, "/rpc/sendTx")
            try node.expectRefusal(wrong, .methodNotAllowed)
            #expect(wrong.head["allow"] == "POST")
            let deleted = try await node.send(.delete, "/rpc/getHead")
            try node.expectRefusal(deleted, .methodNotAllowed)
            #expect(deleted.head["allow"] == "GET, HEAD")
            let unknown = String(repeating: "0", count: 64)
            try node.expectRefusal(try await node.send(.get, "/rpc/getTx/\(unknown)"), .notFound)
            try node.expectRefusal(try await node.send(.get, "/rpc/getTx/xyz"), .badHex)
            try node.expectRefusal(try await node.send(.get, "/rpc/getBlock/99"), .notFound)
            try node.expectRefusal(try await node.send(.get, "/rpc/getBlock/-1"), .badRequest)
            try node.expectRefusal(try await node.send(.get, "/rpc/getBlock/99999999999999999999"), .badRequest)
            try node.expectRefusal(try await node.send(.get, "/rpc/getBlock/\(unknown)"), .notFound)
            try node.expectRefusal(try await node.send(.get, "/rpc/getBalance/nobody"), .badAddress)
            try node.expectRefusal(try await node.send(.get, "/rpc/getBalance/" + String(repeating: "a", count: 300)), .badRequest)
            try node.expectRefusal(try await node.send(.get, "/rpc/getReceipt/rcpt_0"), .badHex)
            try node.expectRefusal(try await node.send(.get, "/rpc/getReceipt/rcpt_" + unknown.prefix(32)), .notFound)
            try node.expectRefusal(try await node.send(.get, "/rpc/getEscrow/job_" + unknown.prefix(32)), .unknownEscrow)
        }
    }

    @Test func aCallerThatHangsUpHalfway() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let answer = try await RawExchange.send(
                "POST /rpc/sendTx HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}", to: node.ports.rpc, thenClose: true)
            #expect(!answer.contains("HTTP/1.1 200"))
            #expect(try await node.height() == 0)
        }
    }
}
