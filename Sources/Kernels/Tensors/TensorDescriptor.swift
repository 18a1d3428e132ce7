package import Wire

/// A tensor's name, element format and shape: everything about it but its bytes.
///
/// Shapes are row-major and packed; a dimension may be 0, no dimension at all is a scalar. Rank is at most 8,
/// the name 1 to 256 bytes. A descriptor exists only if its element and byte counts fit in an `Int`,
/// so that nothing made from it can overflow.
package struct TensorDescriptor: Sendable, Hashable {
    package static let maximumRank = 8
    package static let maximumDimension = Int(Int32.max)

    package let name: String
    package let dtype: DType
    package let shape: [Int]
    /// The product of the shape; 1 for a scalar.
    package let elementCount: Int
    /// `elementCount` × bytes of one element.
    package let byteCount: Int

    /// - Throws: `out_of_range` for a bad rank, dimension or name, or a product that overflows.
    package init(name: String, dtype: DType, shape: [Int]) throws(Problem) {
        guard (1...256).contains(name.utf8.count) else { throw Problem(.outOfRange, "a tensor's name has 1 to 256 bytes") }
        guard shape.count <= Self.maximumRank else { throw Problem(.outOfRange, "tensor \(name) has more than \(Self.maximumRank) dimensions") }
        var elements = 1
        for dimension in shape {
            guard (0...Self.maximumDimension).contains(dimension) else {
                throw Problem(.outOfRange, "tensor \(name): dimension \(dimension) is not in 0...\(Self.maximumDimension)")
            }
            elements = try Checked.product(elements, dimension, "the size of tensor \(name)")
        }
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.elementCount = elements
        self.byteCount = try Checked.product(elements, dtype.byteCount, "the size of tensor \(name)")
    }

    /// Reads the members `name`, `dtype` and `shape` of an object that may have others; the caller calls `finish`.
    package init(reading fields: inout JSONFields) throws(Problem) {
        let name = try fields.string("name", maxBytes: 256)
        let dtype = try DType(reading: &fields)
        try self.init(name: name, dtype: dtype, shape: try Self.shape(reading: &fields))
    }

    /// `{"name", "dtype", "shape"}`, as in a job's spec and in output metadata.
    package var json: JSON { ["name": .string(name), "dtype": .string(dtype.rawValue), "shape": shapeJSON] }

    package var shapeJSON: JSON { .array(shape.map { .integer(Int64($0)) }) }

    /// Reads a `shape` member: an array of at most 8 integers in 0...2^31−1.
    package static func shape(reading fields: inout JSONFields) throws(Problem) -> [Int] {
        var shape: [Int] = []
        for element in try fields.array("shape", maxCount: maximumRank) {
            guard case .integer(let dimension) = element else { throw Problem(.notAnInteger, "shape holds something that is not an integer") }
            guard (0...Int64(maximumDimension)).contains(dimension) else {
                throw Problem(.outOfRange, "dimension \(dimension) is not in 0...\(maximumDimension)")
            }
            shape.append(Int(dimension))
        }
        return shape
    }
}

extension DType {
    /// Reads a `dtype` member. Throws `unsupported_dtype` for a format that is not one of ours.
    package init(reading fields: inout JSONFields) throws(Problem) {
        let text = try fields.string("dtype", maxBytes: 16)
        guard let dtype = DType(rawValue: text) else { throw Problem(.unsupportedDtype, "no dtype \(text)") }
        self = dtype
    }
}

/// Arithmetic on sizes that comes from outside: an overflow is an answer, never a trap.
enum Checked {
    static func product(_ a: Int, _ b: Int, _ what: String) throws(Problem) -> Int {
        let (result, overflow) = a.multipliedReportingOverflow(by: b)
        guard !overflow else { throw Problem(.outOfRange, "\(what) overflows") }
        return result
    }

    /// a·b, or the largest integer where that overflows: for estimates of memory.
    static func saturating(_ a: Int, _ b: Int) -> Int {
        let (result, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? Int.max : result
    }

    static func sum(_ a: Int, _ b: Int, _ what: String) throws(Problem) -> Int {
        let (result, overflow) = a.addingReportingOverflow(b)
        guard !overflow else { throw Problem(.outOfRange, "\(what) overflows") }
        return result
    }
}
