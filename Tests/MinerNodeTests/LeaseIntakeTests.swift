import Jobs
import Kernels
import Ledger
import Operations
import Signing
import Testing
import Wire

@testable import MinerNode

@Suite("Leases that wait") struct LeaseIntakeTests {
    @Test("A raised limit of jobs counts at once: a lease that is wanted is asked for", .timeLimit(.minutes(1))) func raised() async throws {
        var allowed = OperatorLimits()
        allowed.jobsAtOnce = 2
        let limits = LiveLimits(allowed, usualMemory: 1 << 30, mostMemory: 1 << 30)
        let intake = LeaseIntake(WorkPermit(), limits)
        intake.add([try Self.lease()])
        #expect(await intake.next(isSmall: { _ in false })?.id == "lease_1")
        let taker = Task { await intake.next(isSmall: { _ in false }) }
        await intake.untilWanted()
        // The next one is wanted, and may not be held.
        allowed.jobsAtOnce = 1
        #expect(limits.set(allowed))
        #expect(intake.places == 0)
        let (waiting, sink) = AsyncStream<ContinuousClock.Instant>.makeStream()
        let asker = Task {
            await intake.untilWanted()
            sink.yield(.now)
            sink.finish()
        }
        try await Task.sleep(for: .milliseconds(50))

        allowed.jobsAtOnce = 2
        let raised = ContinuousClock.now
        #expect(limits.set(allowed))
        // Without a ring it takes a minute.
        for await asked in waiting { #expect(asked - raised < .seconds(10)) }
        #expect(intake.places == 1)
        taker.cancel()
        asker.cancel()
        _ = await taker.value
    }

    private static func lease() throws -> Lease {
        func key(_ byte: UInt8) throws -> PrivateKey { try PrivateKey(seed: [UInt8](repeating: byte, count: 32)) }
        let chain = try ChainID("ait-test-1")
        let inputs = try [("a", [4, 3]), ("b", [3, 2])].map { name, shape in
            InputSpec(try TensorDescriptor(name: name, dtype: .f32, shape: shape), .random(seed: SHA256.hash(utf8: name)))
        }
        let spec = try JobSpec(type: "gemm", params: [:], inputs: inputs)
        let quote = try Quote.signed(
            by: try key(1), chain: chain, client: try key(2).address, specHash: spec.hash, salt: try Salt(String(repeating: "ab", count: 16)),
            computeUnits: 100, price: 700, expiresHeight: 50)
        return Lease(
            id: "lease_1", fence: 1, nonce: try Nonce16(String(repeating: "0c", count: 16)), chain: chain, spec: spec, quote: quote, part: 0,
            payout: try key(4).address, payment: SHA256.hash(utf8: "payment"), deadlineMilliseconds: 5_000, nowMilliseconds: 1_000,
            heartbeatMilliseconds: 250)
    }
}
