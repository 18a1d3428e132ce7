package import Kernels
import Wire

/// Which jobs a worker wants at all: what its operator allows. It says so with each call for leases, so that others aren't offered to it.
package struct WorkWishes: Sendable, Equatable {
    /// Kernels by name, 1…64 different ones; nil for any.
    package var kernels: [String]?
    /// Formats of a job's first input, at least one; nil for any.
    package var dtypes: [DType]?
    /// The least price, in base units per compute unit; nil for any.
    package var minPricePerUnit: Int64?

    /// Everything is welcome.
    package static let none = WorkWishes()

    static let maxKernels = 64

    package init(kernels: [String]? = nil, dtypes: [DType]? = nil, minPricePerUnit: Int64? = nil) {
        (self.kernels, self.dtypes, self.minPricePerUnit) = (kernels, dtypes, minPricePerUnit)
    }

    /// Reads its members of a call for leases.
    init(reading fields: inout JSONFields) throws(Problem) {
        if fields.optional("kernels") != nil {
            let names = try JSON.map(try fields.array("kernels", maxCount: Self.maxKernels)) { (item) throws(Problem) in
                guard case .string(let name) = item else { throw Problem(.wrongType, "\"kernels\" holds names") }
                return try Identifier.check(name, "a kernel's name")
            }
            guard !names.isEmpty, Set(names).count == names.count else { throw Problem(.outOfRange, "\"kernels\" names at least one, and each once") }
            kernels = names
        }
        if fields.optional("dtypes") != nil {
            let formats = try JSON.map(try fields.array("dtypes", maxCount: DType.allCases.count)) { (item) throws(Problem) in
                guard case .string(let name) = item, let format = DType(rawValue: name) else {
                    throw Problem(.outOfRange, "\"dtypes\" holds some of \(DType.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                return format
            }
            guard !formats.isEmpty, Set(formats).count == formats.count else { throw Problem(.outOfRange, "\"dtypes\" names at least one, and each once") }
            dtypes = formats
        }
        minPricePerUnit = try fields.optionalInteger("minPricePerUnit")
    }

    var members: [(String, JSON?)] {
        [
            ("kernels", kernels.map { .array($0.map { .string($0) }) }),
            ("dtypes", dtypes.map { .array($0.map { .string($0.rawValue) }) }),
            ("minPricePerUnit", minPricePerUnit.map { .integer($0) }),
        ]
    }

    /// Why a job isn't wanted; nil if it is.
    ///
    /// - Parameters:
    ///   - dtype: the format of the job's first input.
    ///   - units, price: of the whole job, as its quote has them.
    package func obstacle(kernel: String, dtype: DType?, units: Int64, price: Int64) -> WorkReason? {
        if let kernels, !kernels.contains(kernel) { return .kernelNotAllowed }
        if let dtypes, let dtype, !dtypes.contains(dtype) { return .kernelNotAllowed }
        guard let minPricePerUnit else { return nil }
        let (floor, overflow) = minPricePerUnit.multipliedReportingOverflow(by: units)
        return overflow || price < floor ? .belowPriceFloor : nil
    }
}
