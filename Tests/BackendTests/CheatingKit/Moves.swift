import Kernels
import TestSupport
import Wire

/// Cheats that know nothing of a kernel: each spoils one of its outputs, or says what it isn't.
enum Move: String, CaseIterable {
    case zeroRow = "a row left out", copiedRow = "a row copied from the next", staleRow = "a row of another job", zeroTile = "a tile left out"
    case copiedTile = "a tile copied", permuted = "all rows moved by one", swapped = "two rows swapped", negatedRow = "a row negated"
    case staleOutput = "one output of another job", stale = "all outputs of another job", rounded = "an output rounded to fewer bits"
    case sign = "the sign of one cell flipped", cell = "one cell off by 1 % of its row's RMS (integers: by 1)", lastBit = "the last bit of one cell"
    case notANumber = "one cell not a number", infinite = "one cell infinite"
    case shape = "a shape lied about", flat = "the right bytes, flattened", dtype = "a dtype lied about", name = "an output under another name"
    case missing = "an output missing", short = "a shape with fewer elements"

    /// Whether it lies about what a tensor is: a typed refusal, whatever the numbers are.
    var isMetadata: Bool { [.shape, .flat, .dtype, .name, .missing, .short].contains(self) }

    static var cheats: [Cheat] { allCases.map { move in Cheat(move.rawValue) { job, random in try move.outputs(job, &random) } } }

    private func outputs(_ job: CheatedJob, _ random: inout TestRandom) throws -> [Tensor]? {
        if self == .stale { return job.others }
        let place = Int(random.next() % UInt64(job.right.count))
        guard let made = isMetadata ? try lie(job.right[place]) : try spoiled(job.rows[place], Rows(job.others[place]), &random) else { return nil }
        return Array(job.right[..<place]) + made + Array(job.right[(place + 1)...])
    }

    /// Nothing, or a tensor that is another.
    private func lie(_ right: Tensor) throws -> [Tensor]? {
        let shape = right.shape
        switch self {
        case .shape:
            let other = shape.count > 1 ? Array(shape.dropLast(2)) + [shape[shape.count - 1], shape[shape.count - 2]] : [1] + shape
            return other == shape ? nil : [try right.renamed(shape: other)]
        case .flat: return shape.count == 1 ? nil : [try right.renamed(shape: [right.descriptor.elementCount])]
        case .dtype:
            let dtype: DType = right.dtype == .f64 ? .i64 : right.dtype == .i64 ? .f64 : right.dtype == .f32 ? .i32 : .f32
            return [try right.renamed(dtype: dtype)]
        case .name: return [try right.renamed("other")]
        case .missing: return []
        default:
            guard let last = shape.last, last > 1 else { return nil }
            return [try Tensor(zeros: try TensorDescriptor(name: right.name, dtype: right.dtype, shape: shape.dropLast() + [last - 1]))]
        }
    }

    private func spoiled(_ right: Rows, _ old: Rows, _ random: inout TestRandom) throws -> [Tensor]? {
        guard right.values.count > 0 else { return nil }
        var rows = right
        let row = Int(random.next() % UInt64(right.rows))
        let next = (row + 1) % right.rows
        let all = 0..<right.columns
        let (height, width) = (min(16, right.rows / 2), 0..<min(16, right.columns))
        let place = row * right.columns + Int(random.next() % UInt64(right.columns))
        func copy(_ row: Int, from: Int, _ columns: Range<Int>, of source: Rows) {
            rows.bytes.replaceSubrange(rows.range(row, columns), with: source.bytes[source.range(from, columns)])
        }
        func clear(_ row: Int, _ columns: Range<Int>) { for byte in rows.range(row, columns) { rows.bytes[byte] = 0 } }
        switch self {
        case .zeroRow: clear(row, all)
        case .copiedRow: copy(row, from: next, all, of: right)
        case .staleRow: copy(row, from: row, all, of: old)
        case .zeroTile: for line in 0..<height { clear((row + line) % right.rows, width) }
        case .copiedTile: for line in 0..<height { copy((row + line) % right.rows, from: (row + line + height) % right.rows, width, of: right) }
        case .permuted: for line in 0..<right.rows { copy(line, from: (line + 1) % right.rows, all, of: right) }
        case .swapped:
            copy(row, from: next, all, of: right)
            copy(next, from: row, all, of: right)
        case .negatedRow: for column in all { rows.set(row * right.columns + column, 0 - right.values[row * right.columns + column]) }
        case .staleOutput: rows.bytes = old.bytes
        case .rounded: for index in right.values.indices { rows.set(index, Self.narrow(right, right.values[index])) }
        case .sign:
            // A cell that counts in its row.
            guard right.values[place].magnitude >= right.rms(row) / 2 else { return nil }
            rows.set(place, -right.values[place])
        case .cell: rows.set(place, right.values[place] + (right.isInteger ? 1 : right.rms(row) / 100))
        case .lastBit: rows.flipLastBit(place)
        case .notANumber, .infinite:
            if right.isInteger { return nil }
            rows.set(place, self == .infinite ? .infinity : .nan)
        default: return nil
        }
        return [try rows.made()]
    }

    /// F64 to F32, F32 to TF32's 10 bits, integers to multiples of 256.
    private static func narrow(_ rows: Rows, _ value: Double) -> Double {
        if rows.isInteger { return (value / 256).rounded() * 256 }
        if rows.tensor.dtype == .f64 { return Double(Float(value)) }
        let bits = Float(value).bitPattern
        return Double(Float(bitPattern: bits &+ 0x1000 & ~0x1fff))
    }
}
