import Jobs
package import Kernels
package import Wire

/// One measured rate: on which device, of what, how fast, and how near the most that the device did in the same second.
///
/// All numbers are whole, so that a table can be signed: rates per second, shares and spreads in millionths.
package struct RateRow: Sendable, Equatable {
    /// `cpu`, or the accelerator's backend, such as `opencl:0`.
    package let device: String
    /// Whose kernel: `cpu` for the choice among the CPU's libraries, or a library, or the accelerator's backend.
    package let backend: String
    /// Where the backend chose among several: the one that did the work; nil elsewhere.
    package let member: String?
    package let kind: RateKind
    /// Of a kernel; nil for the rest.
    package let arithmetic: Arithmetic?
    /// Dimensions of the work: m, n, k of a product; n, c, h, w, o, kh, kw of a convolution; batch, heads, length, d of attention; bytes.
    package let size: [Int]
    /// Of the rounds in which the device was disturbed least the median of each round's best, in the kind's unit.
    package let perSecond: Int64
    /// The device's peak, likewise, from the same rounds; nil where none is known.
    package let peakPerSecond: Int64?
    /// The instruction that the peak is made of.
    package let peakName: String?
    /// Likewise of rate over peak, in millionths. May pass 10^6 by the measurement's own error.
    package let shareMillionths: Int64?
    package let rounds: Int
    /// Largest less smallest over the median, of the rounds' shares, or of their rates where no peak is known; in millionths.
    package let spreadMillionths: Int64
    /// Of one run: operations, bytes or times, and the bytes of inputs and outputs together, each counted once.
    package let work: Int64
    package let trafficBytes: Int64

    package init(
        device: String, backend: String, member: String? = nil, kind: RateKind, arithmetic: Arithmetic? = nil, size: [Int], perSecond: Int64,
        peakPerSecond: Int64? = nil, peakName: String? = nil, shareMillionths: Int64? = nil, rounds: Int, spreadMillionths: Int64, work: Int64,
        trafficBytes: Int64
    ) {
        (self.device, self.backend, self.member, self.kind, self.arithmetic, self.size) = (device, backend, member, kind, arithmetic, size)
        (self.perSecond, self.peakPerSecond, self.peakName, self.shareMillionths) = (perSecond, peakPerSecond, peakName, shareMillionths)
        (self.rounds, self.spreadMillionths, self.work, self.trafficBytes) = (rounds, spreadMillionths, work, trafficBytes)
    }

    /// The elements that go in; nil for what isn't a kernel.
    package var dtype: DType? {
        switch arithmetic {
        case .i32Exact: .i8
        case .f32Panel256, .f32: .f32
        case .f64Panel256, .f64: .f64
        case .bf16F32: .bf16
        case nil: nil
        }
    }

    /// Share of the peak, 0 … about 1.
    package var share: Double? { shareMillionths.map { Double($0) / 1e6 } }
    package var spread: Double { Double(spreadMillionths) / 1e6 }

    /// Operations for each byte that has to move at least: where a kernel stands under the roofline. Nil for what isn't a kernel.
    package var intensity: Double? { kind.isKernel && trafficBytes > 0 ? Double(work) / Double(trafficBytes) : nil }

    /// Whether two rows measured the same thing, perhaps at another time or on another machine.
    package func isSameWork(as other: RateRow) -> Bool {
        device == other.device && backend == other.backend && kind == other.kind && arithmetic == other.arithmetic && size == other.size
    }
}

extension RateRow {
    /// Reads a row; unknown members are refused. Throws `out_of_range` and the like.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "rate")
        device = try fields.string("device", maxBytes: 64)
        backend = try fields.string("backend", maxBytes: 64)
        member = try fields.optionalString("member", maxBytes: 256)
        let what = try fields.string("what", maxBytes: 32)
        guard let kind = RateKind(rawValue: what) else { throw Problem(.outOfRange, "no rate of \"\(what)\" is known") }
        self.kind = kind
        arithmetic = try fields.optionalString("arithmetic", maxBytes: 32).map { (name) throws(Problem) in
            guard let arithmetic = Arithmetic(rawValue: name) else { throw Problem(.outOfRange, "no arithmetic is called \"\(name)\"") }
            return arithmetic
        }
        guard kind.isKernel == (arithmetic != nil) else { throw Problem(.outOfRange, "a rate of a kernel has an arithmetic, others have none") }
        size = try JSON.map(try fields.array("size", maxCount: 8)) { (item) throws(Problem) in
            guard let number = item.integerValue, number < 1 << 40 else { throw Problem(.outOfRange, "a size is a number below 2^40") }
            return Int(number)
        }
        perSecond = try fields.integer("perSecond")
        peakPerSecond = try fields.optionalInteger("peakPerSecond")
        peakName = try fields.optionalString("peakName", maxBytes: 64)
        shareMillionths = try fields.optionalInteger("shareMillionths", in: 0...1_000_000_000)
        guard (peakPerSecond == nil) == (shareMillionths == nil) else { throw Problem(.missingField, "a share and its peak come together") }
        rounds = Int(try fields.integer("rounds", in: 1...1_000_000))
        spreadMillionths = try fields.integer("spreadMillionths", in: 0...1_000_000_000)
        work = try fields.integer("work")
        trafficBytes = try fields.integer("trafficBytes")
        try fields.finish()
    }

    package var json: JSON {
        .members([
            ("device", .string(device)), ("backend", .string(backend)), ("member", member.map { .string($0) }), ("what", .string(kind.rawValue)),
            ("arithmetic", (arithmetic?.rawValue).map { .string($0) }), ("size", .array(size.map { .integer(Int64($0)) })),
            ("perSecond", .integer(perSecond)), ("peakPerSecond", peakPerSecond.map { .integer($0) }), ("peakName", peakName.map { .string($0) }),
            ("shareMillionths", shareMillionths.map { .integer($0) }), ("rounds", .integer(Int64(rounds))),
            ("spreadMillionths", .integer(spreadMillionths)), ("work", .integer(work)), ("trafficBytes", .integer(trafficBytes)),
        ])
    }
}
