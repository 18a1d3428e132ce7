import Kernels
import TestSupport
import Wire

@testable import Kernels

extension CheatingKit {
    /// Probed, grouped and recomputed convolutions.
    static let convolutions: [KitEntry] = [
        convolution("F32, numeric", .f32, channels: 12...24, outputs: 34...48), convolution("I8, exact", .i8, channels: 12...24, outputs: 34...48),
        convolution("F32, numeric, two groups", .f32, channels: 6...12, outputs: 32...40, groups: 2),
        convolution("F32, depthwise, recomputed", .f32, channels: 1...1, outputs: 1...1, groups: 24),
        convolution("I8, depthwise, recomputed", .i8, channels: 1...1, outputs: 1...1, groups: 24),
    ]

    /// - Parameters: channels, outputs: of a group.
    private static func convolution(_ title: String, _ dtype: DType, channels: ClosedRange<Int>, outputs: ClosedRange<Int>, groups: Int = 1) -> KitEntry {
        let (from, to) = ("\(channels.lowerBound) to \(channels.upperBound) channels", "\(outputs.lowerBound) to \(outputs.upperBound) outputs")
        let sizes = "3 × 3 over two images of 9 to 13 rows and columns, groups: \(groups), each of \(from) and \(to), padding 1"
        return KitEntry("conv2d", title, sizes) { workshop, random in
            let (channels, outputs) = (random.draw(channels), random.draw(outputs))
            let side = (random.draw(9...13), random.draw(9...13))
            let x = try TensorDescriptor(name: "x", dtype: dtype, shape: [2, channels * groups, side.0, side.1])
            let w = try TensorDescriptor(name: "w", dtype: dtype, shape: [outputs * groups, channels, 3, 3])
            func kernel(_ x: TensorDescriptor, padding: Int) throws -> any Kernel {
                let pair = JSON.array([.integer(Int64(padding)), .integer(Int64(padding))])
                return try workshop.kernel(Conv2DKernel.name, [("padding", pair), ("groups", .integer(Int64(groups)))], [x, w])
            }
            let right = try kernel(x, padding: 1)
            let inputs = try workshop.normal([x, w], &random)
            let others = try workshop.run(right, inputs, with: try workshop.normal([x], &random)[0])
            let k = Double(channels * 9)
            // Recomputed: k·u·Σ|x·w|, of about √k times the root mean square of the sum.
            let limit = outputs < 32 ? 4 * k * k.squareRoot() * 0x1p-24 : 2 * Rule.rowLimit(.f32, n: outputs, k: channels * 9)
            var job = try CheatedJob(right, inputs, others: others, workshop) { _ in dtype == .i8 ? .always : .cells(limit: limit) }
            let weights = inputs[1]
            job.special = Cheat.lowerPrecisions(right, inputs, ["x", "w"], workshop)
            job.special += [
                .passedOff("the edge repeated in place of zeros") {
                    let padded = try edgePadded(inputs[0])
                    return try workshop.run(try kernel(padded.descriptor, padding: 0), [padded, weights])
                },
                .passedOff("a filter left out") { try workshop.run(right, inputs, with: try filters(weights) { $0 == 3 ? nil : $0 }) },
                .passedOff("two filters swapped") { try workshop.run(right, inputs, with: try filters(weights) { $0 == 3 ? 4 : $0 == 4 ? 3 : $0 }) },
                .passedOff("one tap of every filter left out") { try workshop.run(right, inputs, with: try withoutTap(weights)) },
                .passedOff("filters upside down") { try workshop.run(right, inputs, with: try flipped(weights)) },
            ]
            if groups > 1 {
                job.special.append(
                    .passedOff("two groups swapped") {
                        try workshop.run(right, inputs, with: try filters(weights) { $0 < outputs ? $0 + outputs : $0 < 2 * outputs ? $0 - outputs : $0 })
                    })
            }
            return job
        }
    }

    /// The filters that `source` says; nil leaves zeros.
    private static func filters(_ w: Tensor, _ source: (Int) -> Int?) throws -> Tensor {
        let (old, size) = (w.buffer.bytes, w.descriptor.byteCount / w.shape[0])
        return try made(w) { bytes in
            for filter in 0..<w.shape[0] {
                for byte in 0..<size { bytes[filter * size + byte] = source(filter).map { old[$0 * size + byte] } ?? 0 }
            }
        }
    }

    private static func withoutTap(_ w: Tensor) throws -> Tensor {
        let size = w.dtype.byteCount
        return try made(w) { bytes in for place in 0..<bytes.count where place / size % 9 == 7 { bytes[place] = 0 } }
    }

    private static func flipped(_ w: Tensor) throws -> Tensor {
        let (old, size) = (w.buffer.bytes, w.dtype.byteCount)
        return try made(w) { bytes in
            for place in 0..<bytes.count {
                let (element, byte) = (place / size, place % size)
                bytes[place] = old[(element / 9 * 9 + 8 - element % 9) * size + byte]
            }
        }
    }

    /// One pixel more on each side, as its neighbour.
    private static func edgePadded(_ x: Tensor) throws -> Tensor {
        let (h, w, size) = (x.shape[2], x.shape[3], x.dtype.byteCount)
        let padded = try Tensor(zeros: try TensorDescriptor(name: "x", dtype: x.dtype, shape: [x.shape[0], x.shape[1], h + 2, w + 2]))
        let old = x.buffer.bytes
        return try made(padded) { bytes in
            for place in 0..<bytes.count / size {
                let (plane, row, column) = (place / ((h + 2) * (w + 2)), place / (w + 2) % (h + 2), place % (w + 2))
                let source = (plane * h + min(max(row - 1, 0), h - 1)) * w + min(max(column - 1, 0), w - 1)
                for byte in 0..<size { bytes[place * size + byte] = old[source * size + byte] }
            }
        }
    }

    private static func made(_ tensor: Tensor, _ change: (inout [UInt8]) -> Void) throws -> Tensor {
        var bytes = tensor.buffer.bytes
        change(&bytes)
        return try Tensor(tensor.descriptor, try TensorBuffer(bytes))
    }
}
