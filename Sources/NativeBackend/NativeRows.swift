import CKernels
import Foundation
package import Kernels
import Synchronization
package import Wire

// Softmax and layer normalisation by our own kernels: the work, and its check.
extension NativeGEMM {
    package func capability(for rows: RowWork) -> Capability? { Capability(arithmetic: rows.arithmetic) }

    package func run(_ rows: RowWork, x: Tensor, gamma: Tensor?, beta: Tensor?, into y: Tensor, control: RunControl) throws(Problem) {
        try rows.check(x: x, gamma: gamma, beta: beta, y: y)
        try turn.withLock { _ throws(Problem) in
            try control.step(0)
            let call = KernelCall(instructionSet: instructionSet, threads: threads)
            try unsafe y.buffer.withUnsafeMutableBytes { out throws(Problem) in
                try unsafe withOperands(x, gamma, beta) { x, gamma, beta throws(Problem) in
                    try unsafe call.run(control, operations: rows.operations) { run in
                        guard let x = unsafe x, let out = out.baseAddress else { return Int32(ADIT_BAD_ARGUMENT) }
                        return unsafe rows.compute(run, count: rows.rows, x, gamma, beta, out)
                    }
                }
            }
            try control.step(1)
        }
    }
}

extension NativePasses {
    /// Expected rows beside the output's: some megabytes of them at a time.
    package func firstWrong(_ work: RowWork, x: Tensor, gamma: Tensor?, beta: Tensor?, y: Tensor) throws(Problem) -> Int? {
        try work.check(x: x, gamma: gamma, beta: beta, y: y)
        let width = work.columns * work.dtype.byteCount
        let group = min(work.rows, max(8, (1 << 22) / width))
        let expected = try TensorBuffer(byteCount: group * width)
        var run = unsafe call.quiet
        return try unsafe withOperands(x, gamma, beta) { x, gamma, beta throws(Problem) in
            try unsafe y.buffer.withUnsafeBytes { found throws(Problem) -> Int? in
                try unsafe expected.withUnsafeMutableBytes { expected throws(Problem) -> Int? in
                    guard let x = unsafe x, let out = expected.baseAddress, let found = found.baseAddress else { return nil }
                    var row = 0
                    while row < work.rows {
                        let count = min(group, work.rows - row)
                        try KernelCall.check(unsafe work.compute(&run, count: count, x + row * width, gamma, beta, out))
                        if unsafe memcmp(out, found + row * width, count * width) != 0 {
                            for byte in 0..<count * width
                            where unsafe out.load(fromByteOffset: byte, as: UInt8.self) != found.load(fromByteOffset: row * width + byte, as: UInt8.self) {
                                return row * work.columns + byte / work.dtype.byteCount
                            }
                        }
                        row += count
                    }
                    return nil
                }
            }
        }
    }
}

extension RowWork {
    fileprivate func compute(
        _ run: UnsafePointer<adit_run>, count: Int, _ x: UnsafeRawPointer, _ gamma: UnsafeRawPointer?, _ beta: UnsafeRawPointer?,
        _ out: UnsafeMutableRawPointer
    ) -> Int32 {
        let (m, n) = (Int64(count), Int64(columns))
        switch (kind, dtype) {
        case (.softmax, .f64):
            return unsafe adit_softmax_f64(run, m, n, x.assumingMemoryBound(to: Double.self), out.assumingMemoryBound(to: Double.self))
        case (.softmax, _):
            return unsafe adit_softmax_f32(run, m, n, x.assumingMemoryBound(to: Float.self), out.assumingMemoryBound(to: Float.self))
        case (.layerNorm(let epsilon, _, _), .f64):
            return unsafe adit_layernorm_f64(
                run, m, n, x.assumingMemoryBound(to: Double.self), gamma?.assumingMemoryBound(to: Double.self),
                beta?.assumingMemoryBound(to: Double.self), epsilon, out.assumingMemoryBound(to: Double.self))
        case (.layerNorm(let epsilon, _, _), _):
            return unsafe adit_layernorm_f32(
                run, m, n, x.assumingMemoryBound(to: Float.self), gamma?.assumingMemoryBound(to: Float.self),
                beta?.assumingMemoryBound(to: Float.self), epsilon, out.assumingMemoryBound(to: Float.self))
        }
    }
}

/// The bytes of the operands, nil for those that are absent, during the call only.
private func withOperands<R>(
    _ x: Tensor, _ gamma: Tensor?, _ beta: Tensor?,
    _ body: (UnsafeRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?) throws(Problem) -> R
) throws(Problem) -> R {
    try unsafe x.buffer.withUnsafeBytes { x throws(Problem) in
        try unsafe withOptional(gamma) { gamma throws(Problem) in
            try unsafe withOptional(beta) { beta throws(Problem) in try unsafe body(x.baseAddress, gamma, beta) }
        }
    }
}

private func withOptional<R>(_ tensor: Tensor?, _ body: (UnsafeRawPointer?) throws(Problem) -> R) throws(Problem) -> R {
    guard let tensor else { return try body(nil) }
    return try unsafe tensor.buffer.withUnsafeBytes { bytes throws(Problem) in try unsafe body(bytes.baseAddress) }
}
