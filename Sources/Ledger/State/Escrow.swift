package import Signing
package import Wire

/// A job's money on the chain, from its deposit until its last part is claimed or it is refunded (PROTOCOL sections 4 and 5).
package struct Escrow: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable, CaseIterable {
        case open, closing, settled, refunded
    }

    package let jobID: JobID
    package let client: Address
    package let coordinator: PublicKey
    /// The hash of the TRANSFER that opened it.
    package let payment: Digest
    package let computeUnits: Int64
    package let price: Int64
    package let parts: Int64
    /// The claimed parts, ascending.
    package internal(set) var claimed: [Int64]
    /// The height of the block with the deposit.
    package let opened: Int64
    /// The height of the block that pays the money back, before its transactions; 0 unless closing.
    package internal(set) var closingAt: Int64
    /// What the proposer of that block gets of the money, at most all of it; 0 unless closing.
    package internal(set) var refundFee: Int64
    package internal(set) var status: Status

    /// The escrow that a quote's deposit opens.
    init(opening quote: Quote, payment: Digest, height: Int64) {
        jobID = quote.jobID
        client = quote.client
        coordinator = quote.coordinator
        self.payment = payment
        computeUnits = quote.computeUnits
        price = quote.price
        parts = quote.parts
        claimed = []
        opened = height
        closingAt = 0
        refundFee = 0
        status = .open
    }

    /// Whether it still holds its money.
    package var isClaimable: Bool { status == .open || status == .closing }

    /// Whether a valid claim in a block of this height would settle: refunds come before a block's transactions.
    package func isClaimable(at height: Int64) -> Bool { status == .open || (status == .closing && height < closingAt) }

    /// Whether the part has been claimed; by binary search.
    package func isClaimed(_ part: Int64) -> Bool {
        let index = position(of: part)
        return index < claimed.count && claimed[index] == part
    }

    mutating func markClaimed(_ part: Int64) {
        claimed.insert(part, at: position(of: part))
        if claimed.count == Int(parts) { end(.settled) }
    }

    /// Begins a refund, paid at the start of the block of height `due`.
    mutating func close(at due: Int64, fee: Int64) {
        status = .closing
        closingAt = due
        refundFee = fee
    }

    mutating func markRefunded() { end(.refunded) }

    private mutating func end(_ last: Status) {
        status = last
        closingAt = 0
        refundFee = 0
    }

    private func position(of part: Int64) -> Int {
        var low = 0
        var high = claimed.count
        while low < high {
            let middle = (low + high) / 2
            if claimed[middle] < part { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package func units(of part: Int64) throws(Problem) -> Int64 { try Amount.share(of: computeUnits, part: part, parts: parts) }
    package func price(of part: Int64) throws(Problem) -> Int64 { try Amount.share(of: price, part: part, parts: parts) }

    /// The money it still holds: the price less the claimed parts, and nothing once settled or refunded.
    package func holding() throws(Problem) -> Int64 {
        guard isClaimable else { return 0 }
        var holding = price
        for part in claimed { holding = try Amount.subtract(holding, price(of: part)) }
        return holding
    }

    init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "escrow")
        jobID = try fields.jobID("job_id")
        client = try fields.address("client_addr")
        coordinator = try fields.publicKey("coordinator_pubkey")
        payment = try fields.digest("payment_tx")
        computeUnits = try fields.integer("compute_units")
        price = try fields.integer("price", in: 1...JSON.maxInteger)
        parts = try fields.integer("parts", in: 1...Quote.maxParts)
        claimed = []
        for element in try fields.array("claimed", maxCount: Int(parts)) {
            guard case .integer(let part) = element, part < parts, part > claimed.last ?? -1 else {
                throw Problem(.outOfRange, "\"claimed\" is not a list of parts, ascending")
            }
            claimed.append(part)
        }
        opened = try fields.integer("opened")
        closingAt = try fields.integer("closing_at")
        refundFee = try fields.optionalInteger("refund_fee") ?? 0
        guard let status = Status(rawValue: try fields.string("status")) else {
            throw Problem(.outOfRange, "\"status\" is not open, closing, settled or refunded")
        }
        self.status = status
        try fields.finish()
        guard (status == .closing) == (closingAt > 0), refundFee == 0 || status == .closing else {
            throw Problem(.outOfRange, "\"closing_at\" and \"refund_fee\" are a closing escrow's alone")
        }
    }

    /// `refund_fee` is there while closing alone.
    package var json: JSON {
        var members: [(String, JSON)] = [
            ("job_id", .string(jobID.text)),
            ("client_addr", .string(client.text)),
            ("coordinator_pubkey", .string(coordinator.hex)),
            ("payment_tx", .string(payment.hex)),
            ("compute_units", .integer(computeUnits)),
            ("price", .integer(price)),
            ("parts", .integer(parts)),
            ("claimed", .array(claimed.map { .integer($0) })),
            ("opened", .integer(opened)),
            ("closing_at", .integer(closingAt)),
            ("status", .string(status.rawValue)),
        ]
        if status == .closing { members.append(("refund_fee", .integer(refundFee))) }
        return .object(JSONObject(distinct: members))
    }
}
