import Kernels
import TestSupport
import Wire

/// A job of any kernel with its right outputs and what cheats make others of.
struct CheatedJob {
    /// The class of check and the format, such as `bits F32`: a column of the table.
    let column: String
    let right: [Tensor]
    /// The right outputs of another job of the same shapes: stale work, or somebody else's.
    let others: [Tensor]
    /// Outputs of cheaper arithmetic, by the name of a row of the table.
    let cheaper: [(name: String, outputs: () throws -> [Tensor])]
    let verify: ([Tensor], Challenge) throws -> VerificationReport
}

/// One way to be paid for less than the work, or for other work. It knows a job only by its outputs, so that every kernel can be tried.
protocol Cheat: Sendable {
    var name: String { get }

    /// Altered outputs; nil where the cheat makes no sense.
    func outputs(of job: CheatedJob, _ random: inout TestRandom) throws -> [Tensor]?
}

/// An output as rows of elements, in bytes: what lies along its last dimension is a row.
struct Rows {
    let tensor: Tensor
    var bytes: [UInt8]
    let rows: Int
    let columns: Int

    init(_ tensor: Tensor) {
        self.tensor = tensor
        bytes = tensor.buffer.bytes
        columns = tensor.shape.last ?? 1
        rows = columns > 0 ? tensor.descriptor.elementCount / columns : 0
    }

    private var size: Int { tensor.dtype.byteCount }

    func range(_ row: Int, _ columns: Range<Int>) -> Range<Int> {
        let start = row * self.columns * size
        return start + columns.lowerBound * size..<start + columns.upperBound * size
    }

    func made() throws -> Tensor { try Tensor(tensor.descriptor, try TensorBuffer(bytes)) }

    /// Element `place` of row-major order, as a number.
    func value(_ place: Int) -> Double {
        switch tensor.dtype {
        case .f64: tensor.withElements(as: Double.self) { $0[place] }
        case .f32: Double(tensor.withElements(as: Float.self) { $0[place] })
        default: Double(tensor.withElements(as: Int32.self) { $0[place] })
        }
    }

    /// Writes a number into element `place`, rounded to the format.
    mutating func set(_ place: Int, _ value: Double) {
        let bits: UInt64 =
            switch tensor.dtype {
            case .f64: value.bitPattern
            case .f32: UInt64(Float(value).bitPattern)
            default: UInt64(UInt32(bitPattern: Int32(value)))
            }
        for byte in 0..<size { bytes[place * size + byte] = UInt8(truncatingIfNeeded: bits >> (8 * UInt64(byte))) }
    }

    /// Root mean square of a row.
    func rms(_ row: Int) -> Double {
        var sum = 0.0
        for column in 0..<columns {
            let value = value(row * columns + column)
            sum += value * value
        }
        return (sum / Double(max(columns, 1))).squareRoot()
    }
}
