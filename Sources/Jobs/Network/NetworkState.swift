package import Signing
package import Wire

/// The answer to `GET /network/state`: public, counts only.
package struct NetworkState: Sendable, Equatable {
    package let chain: ChainID
    package let coordinator: PublicKey
    /// The chain's head as the coordinator sees it.
    package let height: Int64
    /// In base units a compute unit: what quotes are made with, the chain's least price included.
    package let pricePerUnit: Int64
    package let maxBlobBytes: Int64
    /// Workers that were heard of lately, by the tier that counts: what they have shown, at most what they claim.
    package let workers: [Tier: Int64]
    /// The same by the tier that they claim; nil where the coordinator doesn't say.
    package let claimed: [Tier: Int64]?
    /// Workers that take no new leases.
    package let draining: Int64
    /// Share of those workers that hold a lease, 0…1.
    package let utilization: Double
    /// Measured F32 speed of those workers together, in FLOP/s.
    package let f32FlopsPerSecond: Int64
    /// Jobs by phase.
    package let jobs: [String: Int64]
    package let totals: NetworkTotals
    /// In base units: what a claim of one unit mints now.
    package let mintPerUnit: Int64
    /// Memory and cores of those workers together.
    package let memoryBytes: Int64
    package let cores: Int64
    /// The share of a price that its claim destroys, in basis points.
    package let burnBps: Int64
    /// What clients paid for within the last day; nil where the coordinator doesn't say.
    package let demand: NetworkDemand?

    package init(
        chain: ChainID, coordinator: PublicKey, height: Int64, pricePerUnit: Int64, maxBlobBytes: Int64, workers: [Tier: Int64],
        draining: Int64, utilization: Double, f32FlopsPerSecond: Int64, jobs: [String: Int64], totals: NetworkTotals = NetworkTotals(),
        mintPerUnit: Int64 = 0, memoryBytes: Int64 = 0, cores: Int64 = 0, burnBps: Int64 = 0, demand: NetworkDemand? = nil, claimed: [Tier: Int64]? = nil
    ) {
        (self.burnBps, self.demand, self.claimed) = (burnBps, demand, claimed)
        self.totals = totals
        self.mintPerUnit = mintPerUnit
        self.memoryBytes = memoryBytes
        self.cores = cores
        self.chain = chain
        self.coordinator = coordinator
        self.height = height
        self.pricePerUnit = pricePerUnit
        self.maxBlobBytes = maxBlobBytes
        self.workers = workers
        self.draining = draining
        self.utilization = utilization
        self.f32FlopsPerSecond = f32FlopsPerSecond
        self.jobs = jobs
    }

    package var workerCount: Int64 { workers.values.reduce(0, +) }

    /// Reads an answer that was parsed with reals allowed.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "network state")
        chain = try ChainID(try fields.string("chainId", maxBytes: 32))
        coordinator = try fields.publicKey("coordinatorPublicKey")
        height = try fields.integer("height")
        pricePerUnit = try fields.integer("pricePerUnit")
        maxBlobBytes = try fields.integer("maxBlobBytes")
        workers = try Self.tiers(try fields.value("workers"), "workers")
        claimed = try fields.optional("claimed").map { (value) throws(Problem) in try Self.tiers(value, "claimed") }
        draining = try fields.integer("draining")
        utilization = try fields.optionalRatio("utilization") ?? 0
        f32FlopsPerSecond = try fields.integer("f32FlopsPerSecond")
        var counts: [String: Int64] = [:]
        for (phase, count) in try fields.value("jobs").objectValue?.members ?? [] { counts[phase] = count.integerValue ?? 0 }
        jobs = counts
        totals = try fields.optional("totals").map { (value) throws(Problem) in try NetworkTotals(json: value) } ?? NetworkTotals()
        mintPerUnit = try fields.optionalInteger("mintPerUnit") ?? 0
        memoryBytes = try fields.optionalInteger("memoryBytes") ?? 0
        cores = try fields.optionalInteger("cores") ?? 0
        burnBps = try fields.optionalInteger("burnBps", in: 0...10_000) ?? 0
        demand = try fields.optional("demand").map { (value) throws(Problem) in try NetworkDemand(json: value) }
    }

    private static func tiers(_ json: JSON, _ what: String) throws(Problem) -> [Tier: Int64] {
        var fields = try JSONFields(json, what)
        var counts: [Tier: Int64] = [:]
        for tier in Tier.allCases { counts[tier] = try fields.optionalInteger(tier.rawValue) ?? 0 }
        return counts
    }

    private static func json(_ tiers: [Tier: Int64]) -> JSON { .members(Tier.allCases.map { ($0.rawValue, .integer(tiers[$0] ?? 0)) }) }

    package var json: JSON {
        .members([
            ("chainId", .string(chain.text)), ("coordinatorPublicKey", .string(coordinator.hex)), ("coordinatorAddress", .string(coordinator.address.text)),
            ("height", .integer(height)), ("pricePerUnit", .integer(pricePerUnit)), ("maxBlobBytes", .integer(maxBlobBytes)),
            ("workers", Self.json(workers)), ("claimed", claimed.map(Self.json)), ("draining", .integer(draining)), ("utilization", .ratio(utilization)),
            ("f32FlopsPerSecond", .integer(f32FlopsPerSecond)), ("jobs", .members(jobs.map { ($0.key, .integer($0.value)) })),
            ("nodes", .integer(workerCount)), ("memoryBytes", .integer(memoryBytes)), ("cores", .integer(cores)), ("mintPerUnit", .integer(mintPerUnit)),
            ("burnBps", .integer(burnBps)), ("totals", totals.json), ("demand", demand?.json),
        ])
    }
}
