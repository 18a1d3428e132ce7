import Kernels
import TestSupport
import Wire

/// Rows or tiles left out, moved, copied or taken from elsewhere; signs and single cells changed.
struct MovedCheat: Cheat {
    enum Kind: String, CaseIterable {
        case zeroRow = "a row left out", copiedRow = "a row copied from the next", staleRow = "a row of another job", zeroTile = "a tile left out"
        case copiedTile = "a tile copied", permuted = "all rows moved by one", swapped = "two rows swapped", stale = "the output of another job or worker"
        case sign = "the sign of one cell flipped", cell = "one cell off by 1 % of its row's RMS (integers: by 1)", shape = "another shape"
        case dtype = "another dtype"
    }

    let kind: Kind
    var name: String { kind.rawValue }

    func outputs(of job: CheatedJob, _ random: inout TestRandom) throws -> [Tensor]? {
        guard let first = job.right.first, let other = job.others.first else { return nil }
        var rows = Rows(first)
        let old = Rows(other)
        guard rows.rows > 1, rows.columns > 1 else { return nil }
        let row = Int(random.next() % UInt64(rows.rows))
        let next = (row + 1) % rows.rows
        let all = 0..<rows.columns
        let (height, width) = (min(16, rows.rows / 2), 0..<min(16, rows.columns))
        let place = row * rows.columns + Int(random.next() % UInt64(rows.columns))
        func copy(_ row: Int, from: Int, _ columns: Range<Int>, of source: Rows) {
            rows.bytes.replaceSubrange(rows.range(row, columns), with: source.bytes[source.range(from, columns)])
        }
        let source = rows
        switch kind {
        case .zeroRow: for byte in rows.range(row, all) { rows.bytes[byte] = 0 }
        case .copiedRow: copy(row, from: next, all, of: source)
        case .staleRow: copy(row, from: row, all, of: old)
        case .zeroTile: for line in 0..<height { for byte in rows.range((row + line) % rows.rows, width) { rows.bytes[byte] = 0 } }
        case .copiedTile: for line in 0..<height { copy((row + line) % rows.rows, from: (row + line + height) % rows.rows, width, of: source) }
        case .permuted: for line in 0..<rows.rows { copy(line, from: (line + 1) % rows.rows, all, of: source) }
        case .swapped:
            copy(row, from: next, all, of: source)
            copy(next, from: row, all, of: source)
        case .stale: return job.others
        case .sign:
            // A cell that counts in its row.
            guard abs(rows.value(place)) >= rows.rms(row) / 2 else { return nil }
            rows.set(place, -rows.value(place))
        case .cell: rows.set(place, rows.value(place) + (first.dtype == .i32 ? 1 : rows.rms(row) / 100))
        case .shape:
            let shape = Array(first.shape.dropLast(2)) + [rows.columns, first.shape[first.shape.count - 2]]
            guard shape != first.shape else { return nil }
            return [try Tensor(try TensorDescriptor(name: first.name, dtype: first.dtype, shape: shape), first.buffer)]
        case .dtype:
            let dtype: DType = first.dtype == .f64 ? .i64 : first.dtype == .f32 ? .i32 : .f32
            return [try Tensor(try TensorDescriptor(name: first.name, dtype: dtype, shape: first.shape), first.buffer)]
        }
        return [try rows.made()] + job.right.dropFirst()
    }
}

/// Cheaper arithmetic passed off.
struct CheaperCheat: Cheat {
    let name: String

    func outputs(of job: CheatedJob, _ random: inout TestRandom) throws -> [Tensor]? { try job.cheaper.first { $0.name == name }?.outputs() }
}

/// One cell off by a share of its row's root mean square.
struct CellCheat: Cheat {
    let share: Double
    var name: String { "one cell off by \(share) of its row's RMS" }

    func outputs(of job: CheatedJob, _ random: inout TestRandom) throws -> [Tensor]? {
        guard let first = job.right.first else { return nil }
        var rows = Rows(first)
        guard rows.rows > 0, rows.columns > 0 else { return nil }
        let place = Int(random.next() % UInt64(rows.rows * rows.columns))
        rows.set(place, rows.value(place) + share * rows.rms(place / rows.columns))
        return [try rows.made()] + job.right.dropFirst()
    }
}
