package import Wire

/// A reduction whose results are integers, checked once: sums, least and largest of integers, and places of the least or largest of any numbers.
///
/// - `sum` of I8, I32 or I64 is the integer itself, as I64. One of I8 or I32 always fits: at most 2^56 elements of magnitude 2^7 at most, or 2^32 of
///   2^31, are taken, and −2^63 is an I64. One of I64 may not fit; then the work has no answer.
/// - `min` and `max` of I8, I32 or I64 have their format.
/// - `argmin` and `argmax`, of F32 and F64 too, are over one axis: the place along it, from 0, as I64; of several the first. A NaN counts as less
///   and as larger than any number, so that the first one wins, as NumPy has it; −0 equals +0.
package struct ExactReduction: Sendable, Hashable {
    package enum Operation: String, CaseIterable, Sendable {
        case sum, min, max, argmin, argmax

        /// Whether the result is a place.
        package var isPlace: Bool { self == .argmin || self == .argmax }
    }

    package static let integers: [DType] = [.i8, .i32, .i64]

    package let operation: Operation
    /// The input's.
    package let dtype: DType
    package let axes: ReducedAxes

    /// - Throws: `unsupported_dtype`; `bad_params` for no axis, one twice, or a place along several; `out_of_range` for an axis that isn't there;
    ///   `shape_mismatch` for the least or largest of nothing; `too_long` for sums of so many elements that they might not fit.
    package init(_ operation: Operation, dtype: DType, shape: [Int], axes: [Int], keepsDimensions: Bool) throws(Problem) {
        guard Self.integers.contains(dtype) || operation.isPlace && (dtype == .f32 || dtype == .f64) else {
            throw Problem(.unsupportedDtype, "no exact \(operation.rawValue) of \(dtype.rawValue)")
        }
        (self.operation, self.dtype) = (operation, dtype)
        self.axes = try ReducedAxes(shape, axes, keepsDimensions: keepsDimensions)
        guard !operation.isPlace || axes.count == 1 else { throw Problem(.badParams, "\(operation.rawValue) is over one axis, not over \(axes.count)") }
        guard self.axes.reducedCount > 0 || operation == .sum else {
            throw Problem(.shapeMismatch, "there is no \(operation.rawValue) of nothing: an axis is empty")
        }
        guard operation != .sum || dtype == .i64 || self.axes.reducedCount <= Self.longest(dtype) else {
            throw Problem(.tooLong, "a sum of \(self.axes.reducedCount) elements of \(dtype.rawValue) might not fit I64")
        }
    }

    /// As many elements of I8 or I32 as surely have a sum in I64.
    static func longest(_ dtype: DType) -> Int { dtype == .i8 ? 1 << 56 : 1 << 32 }

    package var outputDType: DType { operation == .sum || operation.isPlace ? .i64 : dtype }
    package var arithmetic: Arithmetic { .i32Exact }
    package var operations: Int64 { Int64(axes.elementCount) }

    /// Throws `shape_mismatch` unless the tensors are this work's. Backends and passes call it before they touch memory.
    package func check(x: Tensor, y: Tensor) throws(Problem) {
        guard x.dtype == dtype, x.shape == axes.shape, y.dtype == outputDType, y.descriptor.elementCount == axes.outputCount else {
            throw Problem(.shapeMismatch, "tensors \(x.shape) and \(y.shape) are not this reduction's")
        }
    }

    /// What a run says of the first cell that has no answer.
    package func overflow(cell: Int) -> Problem { Problem(.sumsOverflow, "the sum of y's element \(cell) is beyond I64") }
}

// MARK: the definition

extension ExactReduction {
    /// The bits of an output's cell, widened with zeros; nil for a sum beyond I64.
    func bits(_ x: Tensor, cell: Int) -> UInt64? {
        switch dtype {
        case .f64: place(Double.self, x, cell)
        case .f32: place(Float.self, x, cell)
        case .i64: integer(Int64.self, x, cell)
        case .i32: integer(Int32.self, x, cell)
        default: integer(Int8.self, x, cell)
        }
    }

    /// The sum of I64 of an output's cell: below 2^63 elements keep it within 127 bits.
    func wideSum(_ x: Tensor, cell: Int) -> Int128 { sum(Int64.self, x, cell) }

    private func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, _ x: Tensor, _ cell: Int) -> UInt64? {
        switch operation {
        case .argmin, .argmax: return place(type, x, cell)
        case .sum: return Int64(exactly: sum(type, x, cell)).map { UInt64(bitPattern: $0) }
        case .min, .max:
            // As the element at its place.
            let index = Int(place(type, x, cell))
            return x.widenedBits(axes.places(ofCell: cell)(index))
        }
    }

    private func sum<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, _ x: Tensor, _ cell: Int) -> Int128 {
        let place = axes.places(ofCell: cell)
        return x.withElements(as: type) { elements in (0..<axes.reducedCount).reduce(Int128(0)) { $0 + Int128(elements[place($1)]) } }
    }

    /// Where the least or largest is, in row-major order of the reduced axes.
    private func place<T: Comparable & BitwiseCopyable>(_ type: T.Type, _ x: Tensor, _ cell: Int) -> UInt64 {
        let (place, isLeast) = (axes.places(ofCell: cell), operation == .argmin || operation == .min)
        return x.withElements(as: type) { elements in
            var (best, value) = (0, elements[place(0)])
            // What doesn't equal itself is NaN.
            for index in 0..<axes.reducedCount where value == value {
                let other = elements[place(index)]
                if other != other || (isLeast ? other < value : other > value) { (best, value) = (index, other) }
            }
            return UInt64(best)
        }
    }
}

extension ComputeBackend {
    package func capability(for reduction: ExactReduction) -> Capability? { nil }

    package func run(_ reduction: ExactReduction, x: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        throw Problem(.unsupportedDtype, "\(name) does not run reductions to integers")
    }
}

/// The definition, which passes without a faster way use.
extension VerifierPasses {
    package func firstWrong(_ reduction: ExactReduction, x: Tensor, y: Tensor) throws(Problem) -> Int? {
        try reduction.check(x: x, y: y)
        return (0..<reduction.axes.outputCount).first { y.widenedBits($0) != reduction.bits(x, cell: $0) }
    }
}
