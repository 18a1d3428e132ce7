import ChainClient
import Foundation
import HTTPServing
import Jobs
import Kernels
import Logging
import MinerNode
import Signing
import Synchronization
import Testing
import Wire

@Suite("Results handed in together") struct ResultDeskTests {
    /// A coordinator of an older version has no such route; one with smaller bounds refuses the message.
    @Test("What a coordinator has against the message costs no result", arguments: [Problem.Code.notFound, .payloadTooLarge])
    func refusedMessage(code: Problem.Code) async throws {
        let calls = Mutex((alone: 0, together: 0))
        let routes = Routes(registry: PrometheusRegistry())
        routes.post("/leases/{id}/result") { _, _ in
            calls.withLock { $0.alone += 1 }
            throw Problem(.leaseExpired, "the answer to this result")
        }
        routes.post("/results") { _, _ in
            calls.withLock { $0.together += 1 }
            throw Problem(code, "nothing about any result")
        }
        let port = Told<Int>()
        let server = HTTPServer(bind: .anyLoopbackPort, routes: routes, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { port.tell($0) }
        let service = Running(server, onEnd: { port.end() })
        let http = try HTTPClient()
        defer { http.close() }
        let key = try PrivateKey.generate()
        let desk = ResultDesk(CoordinatorClient(try BaseURL("http://127.0.0.1:\(try await port.value())"), key: key, http: http))
        let submission = ResultSubmission(try await Self.result())
        let codes = await withTaskGroup(of: Problem.Code?.self) { group in
            for index in 0..<64 {
                group.addTask {
                    do throws(Problem) {
                        _ = try await desk.submit("lease_\(index)", submission, hasFiles: false)
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        await service.stop()
        #expect(codes.count == 64 && codes.allSatisfy { $0 == .leaseExpired })
        #expect(calls.withLock { $0.together } > 0, "some went together")
        #expect(calls.withLock { $0.alone } == 64, "each had its own answer, once")
    }

    @Test("What comes together goes in full messages, and nobody waits for a call that takes long") func messages() async throws {
        let calls = Mutex((sizes: [Int](), first: Told<Void>()))
        let routes = Routes(registry: PrometheusRegistry())
        @Sendable func answer(_ count: Int) async throws -> [JSON] {
            let (isFirst, first) = calls.withLock { calls in
                calls.sizes.append(count)
                return (calls.sizes.count == 1, calls.first)
            }
            // The first call ends when all others have been answered.
            if isFirst { try await first.value() }
            return Array(repeating: Problem(.leaseExpired, "the answer to this result").brief, count: count)
        }
        routes.post("/leases/{id}/result") { _, _ in
            _ = try await answer(1)
            throw Problem(.leaseExpired, "the answer to this result")
        }
        routes.post("/results") { request, _ in
            let count = try await request.readJSON(limit: 1 << 20)["results"]?.arrayValue?.count ?? 0
            return .json(["results": .array(try await answer(count))])
        }
        let port = Told<Int>()
        let server = HTTPServer(bind: .anyLoopbackPort, routes: routes, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { port.tell($0) }
        let service = Running(server, onEnd: { port.end() })
        let http = try HTTPClient()
        defer { http.close() }
        let desk = ResultDesk(CoordinatorClient(try BaseURL("http://127.0.0.1:\(try await port.value())"), key: try .generate(), http: http))
        let submission = ResultSubmission(try await Self.result())
        let answered = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<41 {
                group.addTask {
                    do throws(Problem) {
                        _ = try await desk.submit("lease_\(index)", submission, hasFiles: false)
                        return false
                    } catch {
                        return error.code == .leaseExpired
                    }
                }
            }
            var answered = 0
            let first = calls.withLock { $0.first }
            for await isRight in group where isRight {
                answered += 1
                let held = calls.withLock { $0.sizes.first ?? 0 }
                if answered == 41 - held { first.tell(()) }
            }
            return answered
        }
        await service.stop()
        #expect(answered == 41)
        let sizes = calls.withLock { $0.sizes }
        #expect(sizes.reduce(0, +) == 41 && sizes.max() ?? 0 <= ResultBatch.most)
        #expect(sizes.count <= 6, "\(sizes)")
    }

    /// A result as a worker signs it.
    private static func result() async throws -> LeaseResult {
        let harness = try CoordinatorHarness()
        let made = Mutex<LeaseResult?>(nil)
        try await harness.run { running in
            let work = try SampleWork(m: 2, k: 3, n: 4)
            _ = try await running.buy(work, by: .generate())
            let worker = try await running.worker()
            let outputs = try work.outputs().map { OutputTensor($0.descriptor, root: $0.root) }
            let result = try worker.signedResult(try await worker.lease(), outputs)
            made.withLock { $0 = result }
        }
        return try #require(made.withLock { $0 })
    }
}
