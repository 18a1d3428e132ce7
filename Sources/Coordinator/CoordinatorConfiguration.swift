package import HTTPServing
package import Jobs
package import Signing
package import Wire

/// What an operator decides about a coordinator.
package struct CoordinatorConfiguration: Sendable {
    package var bind: Bind
    /// Holds the database and the blobs; made if it is not there.
    package var dataDirectory: String
    package var key: PrivateKey
    package var chain: ChainID
    /// In base units a compute unit; a quote is at least 1 base unit.
    package var pricePerUnit: Int64
    /// The host names with port under which clients reach this coordinator, besides its own address on loopback.
    ///
    /// A signed request names its server, so that it can't be sent to another one. Bound beyond loopback and with none
    /// given, any name is taken.
    package var authorities: Set<String> = []
    /// Who pays for unsigned tasks; nobody unless given.
    package var sponsor: Sponsor?
    package var limits = CoordinatorLimits()
    package var serving = HTTPServer.Limits()
    package var policy = JobPolicy()
    package var standing = StandingPolicy()
    package var challenges = ChallengeRules()

    package init(bind: Bind, dataDirectory: String, key: PrivateKey, chain: ChainID, pricePerUnit: Int64) {
        self.bind = bind
        self.dataDirectory = dataDirectory
        self.key = key
        self.chain = chain
        self.pricePerUnit = pricePerUnit
    }
}

/// Somebody who pays for tasks that nobody signed for, up to two caps.
package struct Sponsor: Sendable {
    package let key: PrivateKey
    /// In base units: what is paid within any hour, and ever, fees included.
    package let perHour: Int64
    package let inAll: Int64

    package init(key: PrivateKey, perHour: Int64, inAll: Int64) {
        self.key = key
        self.perHour = perHour
        self.inAll = inAll
    }
}

/// Bounds and times, each with its reason.
package struct CoordinatorLimits: Sendable {
    /// A JSON body. The longest honest one, a task with 256 inputs, has under 128 KiB.
    package var bodyBytes = 256 << 10
    /// One blob; also bounds what one request can put on the disk.
    package var blobBytes = 8 << 30
    /// All blobs that one key uploaded.
    package var blobBytesPerKey = 64 << 30
    /// All blobs together.
    package var blobBytesInAll = 512 << 30
    /// A blob that no open job needs is kept for so long after its last use: for clients to fetch outputs, or to order anew.
    package var blobGraceMilliseconds: Int64 = 86_400_000
    /// How often such blobs are looked for.
    package var blobSweepMilliseconds: Int64 = 600_000
    /// Uploads at one time; each holds a file and up to 2.5 MiB.
    package var uploads = 64
    /// From this size on, what has arrived of an upload stays when its connection ends: a smaller one is sent again.
    package var resumableBytes = 8 << 20
    /// An upload that can be gone on with and has so many bytes goes to the disk past the page cache. Smaller ones are read soon, by the
    /// workers that they are sent to and by the check: their pages are worth keeping.
    package var directBytes = 256 << 20
    /// How long it stays, and how many unfinished ones a key may have.
    package var uploadGraceMilliseconds: Int64 = 21_600_000
    package var partialUploadsPerKey = 64
    /// What blobs leave free of the disk, for the database beside them.
    package var diskReserveBytes = 64 << 20
    /// The least average speed of an upload after its first half minute, so that nobody holds a place by sending drops.
    package var uploadBytesPerSecond = 16 << 10
    /// What a check of one job may hold at once: its tensors, which are mapped or made, and the verifier's own memory. The program
    /// lowers it to half of what this machine has.
    package var jobBytes = 16 << 30
    /// Jobs in memory: quoted, queued or running.
    package var openJobs = 10_000
    /// Quoted and unpaid jobs of one client.
    package var unpaidJobsPerClient = 256
    /// Workers that wait for a lease at one time, each on a connection: well below the connections that the server takes.
    package var waitingWorkers = 512
    /// Event streams at one time, each on a connection likewise.
    package var eventListeners = 256
    /// Registered workers.
    package var workers = 10_000
    /// Leases of any size that a worker with one device may hold; one more with each further device.
    package var leasesPerWorker = 4
    /// Devices that count in this: as many as a machine has places for accelerators. What a worker registers is a claim.
    package var devicesCounted = 16
    /// Leases that one worker may hold while all of them together are the work of a quarter of a second, by its own measurement.
    package var smallLeasesPerWorker = 64
    /// What counts as such work on a worker that has measured nothing, in compute units.
    package var smallUnits: Int64 = 1000
    /// Blocks that a quote lives.
    package var quoteBlocks: Int64 = 300
    /// Blocks between the first sight of an escrow that the store knows nothing of and its refund.
    package var strayEscrowBlocks: Int64 = 60
    /// How often, in rounds of looking at the chain, the open escrows are compared with the store, besides at start and after an outage.
    package var escrowScanRounds = 1200
    /// Without a heartbeat for so long, a lease is over.
    package var leaseMilliseconds: Int64 = 60_000
    /// The longest a lease lasts: so much, and so much more for each compute unit (1 ms: a worker of 1 GFLOP/s).
    package var leaseBaseMilliseconds: Int64 = 600_000
    package var leaseMillisecondsPerUnit: Int64 = 1
    /// A worker not heard of for so long counts as gone.
    package var workerSilenceMilliseconds: Int64 = 300_000
    /// How often expired leases and waits are looked for.
    package var tickMilliseconds: Int64 = 200
    /// How often the chain is looked at.
    package var chainPollMilliseconds: Int64 = 500

    package init() {}

    /// Leases of any size that a worker with this profile may hold.
    func leases(for profile: WorkerProfile) -> Int { leasesPerWorker + min(max(1, profile.devices.count), devicesCounted) - 1 }

    /// The longest life of a lease for so many compute units, in milliseconds.
    func longestLease(units: Int64) -> Int64 {
        let (work, overflow) = units.multipliedReportingOverflow(by: leaseMillisecondsPerUnit)
        // Thirty days at most: far from any overflow when added to a time.
        return overflow ? 2_592_000_000 : min(work, 2_592_000_000 - leaseBaseMilliseconds) + leaseBaseMilliseconds
    }
}
