package import Signing
package import Wire

/// The rules' numbers and the keys they name, as the state holds them (PROTOCOL section 5).
package struct Parameters: Hashable, Sendable {
    /// All of them, defaults filled in.
    private let values: [Parameter: Int64]
    /// Who makes blocks, in turn; at least one.
    package let authorities: [PublicKey]
    /// Whose quotes and attestations count.
    package let coordinators: [PublicKey]
    /// Who may change parameters.
    package let admin: PublicKey

    /// Throws `out_of_range` for a value outside its parameter's range or without an authority.
    package init(
        _ values: [Parameter: Int64] = [:], authorities: [PublicKey], coordinators: [PublicKey], admin: PublicKey
    ) throws(Problem) {
        for (parameter, value) in values { try parameter.check(value) }
        guard !authorities.isEmpty else { throw Problem(.outOfRange, "a chain needs an authority") }
        guard Set(authorities).count == authorities.count, Set(coordinators).count == coordinators.count else {
            throw Problem(.outOfRange, "a key is listed twice")
        }
        guard authorities.count <= PublicKey.maxListed, coordinators.count <= PublicKey.maxListed else {
            throw Problem(.outOfRange, "more than \(PublicKey.maxListed) keys are listed")
        }
        self.values = Dictionary(uniqueKeysWithValues: Parameter.allCases.map { ($0, values[$0] ?? $0.defaultValue) })
        self.authorities = authorities
        self.coordinators = coordinators
        self.admin = admin
    }

    package subscript(parameter: Parameter) -> Int64 { values[parameter] ?? parameter.defaultValue }

    package func isCoordinator(_ key: PublicKey) -> Bool { coordinators.contains(key) }

    /// `base_fee` + `fee_per_byte` × bytes of the canonical payload; throws `out_of_range` when that is over 2^53−1.
    package func minimumFee(payloadSize: Int) throws(Problem) -> Int64 {
        try Amount.add(self[.baseFee], Amount.multiply(self[.feePerByte], Int64(payloadSize)))
    }

    /// The least fee of a transaction with this payload.
    package func minimumFee(for payload: Payload) throws(Problem) -> Int64 {
        try minimumFee(payloadSize: payload.json.canonicalBytes.count)
    }

    /// The integer parameters as one document, in the protocol's names.
    package var json: JSON {
        .object(JSONObject(distinct: Parameter.allCases.map { ($0.rawValue, .integer(self[$0])) }))
    }
}

// As records of kind `param`: one for each integer, and `authorities`, `coordinators` and `admin`.
extension Parameters {
    static let authoritiesID = "authorities"
    static let coordinatorsID = "coordinators"
    static let adminID = "admin"
    static let listIDs: Set<String> = [authoritiesID, coordinatorsID]

    var records: [RecordChange] {
        Parameter.allCases.map { RecordChange(key: RecordKey(.param, $0.rawValue), record: .parameter(.integer(self[$0]))) } + [
            RecordChange(key: RecordKey(.param, Self.authoritiesID), record: .parameter(PublicKey.json(authorities))),
            RecordChange(key: RecordKey(.param, Self.coordinatorsID), record: .parameter(PublicKey.json(coordinators))),
            RecordChange(key: RecordKey(.param, Self.adminID), record: .parameter(.string(admin.hex))),
        ]
    }

    /// The same with some records replaced.
    func setting(_ changed: [String: JSON]) throws(Problem) -> Parameters {
        let known = Dictionary(uniqueKeysWithValues: records.map { ($0.key.id, $0.record?.json) })
        return try Parameters { id in changed[id] ?? known[id] ?? nil }
    }

    /// Reads all parameters by a look-up of `param` records; throws when one is missing or out of range.
    init(reading value: (String) -> JSON?) throws(Problem) {
        var values: [Parameter: Int64] = [:]
        for parameter in Parameter.allCases {
            guard case .integer(let number)? = value(parameter.rawValue) else {
                throw Problem(.badParams, "the state has no integer \(parameter.rawValue)")
            }
            values[parameter] = number
        }
        guard let authorities = value(Self.authoritiesID), let coordinators = value(Self.coordinatorsID),
            case .string(let admin)? = value(Self.adminID)
        else {
            throw Problem(.badParams, "the state has no authorities, coordinators or admin")
        }
        try self.init(
            values, authorities: PublicKey.list(authorities, Self.authoritiesID),
            coordinators: PublicKey.list(coordinators, Self.coordinatorsID), admin: PublicKey(hex: admin, field: Self.adminID))
    }
}
