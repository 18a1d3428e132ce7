import Kernels
import Wire

/// An output as rows of numbers: what lies along its last dimension is a row; a vector's elements are rows of their own.
struct Rows {
    let tensor: Tensor
    var bytes: [UInt8]
    /// The tensor's elements when this was made, not changed by `set`.
    let values: [Double]
    let rows: Int
    let columns: Int

    init(_ tensor: Tensor) {
        self.tensor = tensor
        bytes = tensor.buffer.bytes
        values =
            switch tensor.dtype {
            case .f64: tensor.withElements(as: Double.self) { cells in cells.indices.map { cells[$0] } }
            case .f32: tensor.withElements(as: Float.self) { cells in cells.indices.map { Double(cells[$0]) } }
            case .i64: tensor.withElements(as: Int64.self) { cells in cells.indices.map { Double(cells[$0]) } }
            case .i32: tensor.withElements(as: Int32.self) { cells in cells.indices.map { Double(cells[$0]) } }
            case .bf16: tensor.withElements(as: UInt16.self) { cells in cells.indices.map { Double(Float(bitPattern: UInt32(cells[$0]) << 16)) } }
            case .i8: tensor.withElements(as: Int8.self) { cells in cells.indices.map { Double(cells[$0]) } }
            }
        columns = tensor.shape.count > 1 ? tensor.shape[tensor.shape.count - 1] : 1
        rows = columns > 0 ? values.count / columns : 0
    }

    private var size: Int { tensor.dtype.byteCount }
    var isInteger: Bool { [.i8, .i32, .i64].contains(tensor.dtype) }

    func range(_ row: Int, _ columns: Range<Int>) -> Range<Int> {
        let start = row * self.columns * size
        return start + columns.lowerBound * size..<start + columns.upperBound * size
    }

    func made() throws -> Tensor { try Tensor(tensor.descriptor, try TensorBuffer(bytes)) }

    /// Writes a number into element `place`, rounded to the format.
    mutating func set(_ place: Int, _ value: Double) {
        let bits: UInt64 =
            switch tensor.dtype {
            case .f64: value.bitPattern
            case .f32: UInt64(Float(value).bitPattern)
            case .bf16: UInt64(Float(value).bitPattern >> 16)
            default: UInt64(bitPattern: Int64(max(min(value, 0x1p62), -0x1p62)))
            }
        for byte in 0..<size { bytes[place * size + byte] = UInt8(truncatingIfNeeded: bits >> (8 * UInt64(byte))) }
    }

    /// Changes element `place` by one unit in the last place: the least there is.
    mutating func flipLastBit(_ place: Int) { bytes[place * size] ^= 1 }

    /// Root mean square of a row, of all elements where rows have only one.
    func rms(_ row: Int) -> Double { columns > 1 ? Self.rms(values[row * columns..<(row + 1) * columns]) : rms }
    var rms: Double { Self.rms(values[...]) }

    private static func rms(_ values: ArraySlice<Double>) -> Double {
        var (sum, count) = (0.0, 0)
        for value in values where value.isFinite { (sum, count) = (sum + value * value, count + 1) }
        return count > 0 ? (sum / Double(count)).squareRoot() : 0
    }

    /// Elements that are not as here, and how far each is off: infinitely, where it isn't finite.
    func errors(of other: Rows) -> [(place: Int, error: Double)] {
        guard bytes != other.bytes else { return [] }
        return values.indices.compactMap { place in
            let (right, wrong) = (values[place], other.values[place])
            guard right != wrong, !(right.isNaN && wrong.isNaN) else {
                // Other bits of the same number, such as −0.
                return bytes[place * size..<(place + 1) * size] == other.bytes[place * size..<(place + 1) * size] ? nil : (place, 0)
            }
            let error = (right - wrong).magnitude
            return (place, error.isFinite ? error : .infinity)
        }
    }

    /// The largest error of a row by its root mean square, each row's summed in squares.
    func largestRowError(of other: Rows) -> Double { rowErrors(of: other).values.max() ?? 0 }

    func rowErrors(of other: Rows) -> [Int: Double] {
        var squares: [Int: Double] = [:]
        for (place, error) in errors(of: other) { squares[place / max(columns, 1), default: 0] += error * error }
        return Dictionary(uniqueKeysWithValues: squares.map { row, square in (row, square == 0 ? 0 : square.squareRoot() / rms(row)) })
    }
}
