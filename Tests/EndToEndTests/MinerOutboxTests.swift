import Foundation
import Jobs
import Kernels
import Ledger
import MinerNode
import Signing
import Testing
import Wire

@Suite("The miner's outbox") struct MinerOutboxTests {
    /// A lease, a result of it and the coordinator's signature, made by the real rules.
    struct Sample {
        let chain: ChainID
        let miner: PrivateKey
        let coordinator: PrivateKey
        let lease: Lease
        let entry: OutboxEntry

        init(nonce: Character = "1") throws {
            chain = try ChainID("ait-test")
            miner = try PrivateKey(seed: Array(repeating: 1, count: 32))
            coordinator = try PrivateKey(seed: Array(repeating: 2, count: 32))
            let client = try PrivateKey(seed: Array(repeating: 3, count: 32)).address
            let spec = try JobSpec(
                type: "gemm", params: [:],
                inputs: ["a", "b"].map { InputSpec(try TensorDescriptor(name: $0, dtype: .i8, shape: [2, 2]), .random(seed: SHA256.hash(utf8: $0))) })
            let quote = try Quote.signed(
                by: coordinator, chain: chain, client: client, specHash: spec.hash, salt: Nonce16(String(repeating: "a", count: 32)), computeUnits: 7,
                price: 900,
                parts: 1, expiresHeight: 100)
            lease = Lease(
                id: "lease_1", fence: 3, nonce: try Nonce16(String(repeating: nonce, count: 32)), chain: chain, spec: spec, quote: quote, part: 0,
                payout: miner.address,
                payment: SHA256.hash(utf8: "payment"), deadlineMilliseconds: 2_000, nowMilliseconds: 1_000, heartbeatMilliseconds: 500)
            let output = OutputMetadata(
                specHash: spec.hash, kernel: "gemm", arithmetic: .i32Exact,
                outputs: [OutputTensor(try TensorDescriptor(name: "c", dtype: .i32, shape: [2, 2]), root: SHA256.hash(utf8: "c"))])
            let receipt = SignedReceipt(signing: try lease.terms(miner: miner.address, outputHash: output.hash), with: miner, on: chain)
            let result = LeaseResult(
                fence: 3, output: output, receipt: receipt, timing: WorkTiming(computeMicroseconds: 1, inputMicroseconds: 2, outputMicroseconds: 3),
                device: "test")
            entry = OutboxEntry(
                lease: lease, result: result,
                outputs: [OutboxEntry.Output(root: SHA256.hash(utf8: "c"), byteCount: 16, file: "\(receipt.terms.receiptID.text).0")])
        }

        func claim(by key: PrivateKey? = nil, payment: Digest? = nil) throws -> ReceiptClaim {
            let key = key ?? coordinator
            let payment = payment ?? lease.payment
            let terms = try lease.terms(miner: miner.address, outputHash: entry.result.output.hash)
            return ReceiptClaim(
                terms: terms, payment: payment, minerKey: miner.publicKey, minerSignature: entry.result.receipt.minerSignature, coordinatorKey: key.publicKey,
                coordinatorSignature: key.sign(terms.attestDigest(on: chain, payment: payment)))
        }

        func transaction(_ claim: ReceiptClaim, nonce: Int64 = 1) -> Transaction {
            .signed(by: miner, chain: chain, nonce: nonce, fee: 10, payload: .receiptClaim(claim))
        }
    }

    @Test("From computed to paid") func road() throws {
        let sample = try Sample()
        var entry = sample.entry
        #expect(entry.step == .deliver)
        let claim = try sample.claim()
        try entry.apply(.accepted(claim))
        #expect(entry.step == .prepareClaim)
        try entry.apply(.prepared(sample.transaction(claim)))
        #expect(entry.step == .followClaim)
        try entry.apply(.unprepared)
        #expect(entry.phase == .attested(claim))
        try entry.apply(.prepared(sample.transaction(claim, nonce: 2)))
        try entry.apply(.settled(height: 12))
        #expect(entry.phase == .paid(claim, height: 12))
        #expect(entry.step == .nothing)
        // Told again, nothing changes.
        try entry.apply(.settled(height: 12))
    }

    /// What the disk gives back of an entry.
    static func reread(_ entry: OutboxEntry, _ document: JSON? = nil) throws -> OutboxEntry {
        try OutboxEntry(
            document: JSON.parse((document ?? entry.document).canonicalBytes), phase: entry.phase.name,
            progress: JSON.parse(entry.progress.canonicalBytes), bytes: entry.bytesHere)
    }

    @Test("Every phase survives the disk, and what never changes is the same in all of them") func roundTrip() throws {
        let sample = try Sample()
        let claim = try sample.claim()
        var entry = sample.entry
        let first = entry.document
        #expect(try Self.reread(entry) == entry)
        for event in [OutboxEntry.Event.accepted(claim), .prepared(sample.transaction(claim)), .settled(height: 5)] {
            try entry.apply(event, at: 9)
            #expect(entry.document == first)
            #expect(try Self.reread(entry) == entry)
        }
        var keyless = sample.entry
        try keyless.apply(.accepted(claim))
        try keyless.apply(.prepared(.signed(by: sample.miner, chain: sample.chain, nonce: 3, fee: 11, payload: .receiptClaim(claim), namesKey: false)))
        #expect(try Self.reread(keyless) == keyless)
        var refused = sample.entry
        try refused.apply(.refused(Problem(.verificationFailed, "cell (0, 0)")))
        #expect(refused.document == first)
        #expect(try Self.reread(refused) == refused)
    }

    @Test("A signature that isn't the quote's coordinator's, or is for other terms, is not taken") func foreignSignature() throws {
        let sample = try Sample()
        let stranger = try PrivateKey(seed: Array(repeating: 9, count: 32))
        for claim in [
            try sample.claim(by: stranger), try sample.claim(payment: SHA256.hash(utf8: "another payment")), try Sample(nonce: "2").claim(),
            try forged(sample),
        ] {
            var entry = sample.entry
            #expect(throws: Problem.self) { try entry.apply(.accepted(claim)) }
            #expect(entry == sample.entry)
        }
    }

    /// The right terms and key, with a signature over something else.
    private func forged(_ sample: Sample) throws -> ReceiptClaim {
        let good = try sample.claim()
        return ReceiptClaim(
            terms: good.terms, payment: good.payment, minerKey: good.minerKey, minerSignature: good.minerSignature, coordinatorKey: good.coordinatorKey,
            coordinatorSignature: sample.coordinator.sign(SHA256.hash(utf8: "else")))
    }

    @Test("Events out of their turn change nothing") func outOfTurn() throws {
        let sample = try Sample()
        let claim = try sample.claim()
        let transaction = sample.transaction(claim)
        var attested = sample.entry
        try attested.apply(.accepted(claim))
        var paid = attested
        try paid.apply(.settled(height: 1))
        var rejected = sample.entry
        try rejected.apply(.refused(Problem(.leaseExpired, "late")))
        let wrong: [(OutboxEntry, OutboxEntry.Event)] = [
            (sample.entry, .prepared(transaction)), (sample.entry, .settled(height: 1)), (sample.entry, .unprepared), (attested, .accepted(claim)),
            (attested, .unprepared), (paid, .refused(Problem(.leaseExpired, ""))), (paid, .settled(height: 2)), (rejected, .accepted(claim)),
            (rejected, .settled(height: 1)), (attested, .prepared(sample.transaction(try Sample(nonce: "3").claim()))),
        ]
        for (entry, event) in wrong {
            var copy = entry
            #expect(throws: Problem.self) { try copy.apply(event) }
            #expect(copy == entry)
        }
    }

    @Test("The store keeps entries in their order, in FULL mode, over a restart") func store() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-outbox-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("miner.db").path
        let samples = try ["1", "2", "3"].map { try Sample(nonce: Character($0)) }
        do {
            let store = try OutboxStore(path: path)
            #expect(try store.synchronousMode() == 2)
            for sample in samples { try store.save(sample.entry) }
            var first = samples[0].entry
            try first.apply(.accepted(try samples[0].claim()))
            try store.save(first)
        }
        let store = try OutboxStore(path: path)
        #expect(try store.entries(in: ["computed"]).map(\.id) == [samples[1].entry.id, samples[2].entry.id])
        #expect(try store.entries(in: ["attested", "claiming"]).map(\.id) == [samples[0].entry.id])
        #expect(try store.entry(samples[0].entry.id)?.step == .prepareClaim)
        #expect(try store.counts() == ["computed": 2, "attested": 1])
    }

    @Test("What was written by somebody else is refused, not guessed") func damaged() throws {
        let entry = try Sample().entry
        let object = try #require(entry.document.objectValue)
        #expect(try Self.reread(entry, .object(object)) == entry)
        for (key, value) in [("version", JSON.integer(3)), ("phase", "computed"), ("coordinator", "00"), ("extra", 1)] {
            #expect(throws: Problem.self) { try Self.reread(entry, .object(object.setting(key, to: value))) }
        }
        let outside: JSON = ["root": .string(SHA256.hash(utf8: "c").hex), "bytes": 16, "file": "../../etc/passwd"]
        #expect(throws: Problem.self) { try Self.reread(entry, .object(object.setting("outputs", to: [outside]))) }
        let progress = try #require(entry.progress.objectValue)
        for (phase, key, value) in [
            ("lost", "times", entry.timeline.json), ("attested", "times", entry.timeline.json), ("computed", "times", "now"), ("computed", "height", 1),
        ] {
            #expect(throws: Problem.self) {
                try OutboxEntry(document: entry.document, phase: phase, progress: .object(progress.setting(key, to: value)), bytes: [:])
            }
        }
    }

    @Test("Pauses double to their bound and start again") func pauses() {
        var pauses = Pauses(first: .milliseconds(100), longest: .milliseconds(350))
        #expect(
            [pauses.next(), pauses.next(), pauses.next(), pauses.next()] == [.milliseconds(100), .milliseconds(200), .milliseconds(350), .milliseconds(350)])
        pauses.reset()
        #expect(pauses.next() == .milliseconds(100))
    }
}
