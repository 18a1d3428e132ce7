import CKernels
package import Kernels
import Synchronization
package import Wire

// Bias and activation by our own kernels: the work, and its check.
extension NativeGEMM {
    package func capability(for epilogue: Epilogue) -> Capability? {
        Capability(arithmetic: epilogue.dtype == .f64 ? .f64Panel256 : .f32Panel256)
    }

    package func run(_ epilogue: Epilogue, product: Tensor, bias: Tensor?, into c: Tensor, control: RunControl) throws(Problem) {
        try epilogue.check(product: product, bias: bias, c: c)
        try turn.withLock { _ throws(Problem) in
            try control.step(0)
            let call = KernelCall(instructionSet: instructionSet, threads: threads)
            try unsafe c.buffer.withUnsafeMutableBytes { out throws(Problem) in
                try unsafe withBytes(product, bias) { product, bias throws(Problem) in
                    try unsafe call.run(control, operations: Int64(epilogue.count)) { run in
                        let (rows, n, plane) = (Int64(epilogue.rows), Int64(epilogue.columns), Int64(epilogue.plane))
                        guard let product = unsafe product, let out = out.baseAddress else { return Int32(ADIT_BAD_ARGUMENT) }
                        return epilogue.dtype == .f32
                            ? unsafe adit_epilogue_f32(
                                run, rows, n, plane, product.assumingMemoryBound(to: Float.self), bias?.assumingMemoryBound(to: Float.self),
                                epilogue.activation.code, out.assumingMemoryBound(to: Float.self))
                            : unsafe adit_epilogue_f64(
                                run, rows, n, plane, product.assumingMemoryBound(to: Double.self), bias?.assumingMemoryBound(to: Double.self),
                                epilogue.activation.code, out.assumingMemoryBound(to: Double.self))
                    }
                }
            }
            try control.step(1)
        }
    }
}

extension NativePasses {
    package func firstWrong(_ epilogue: Epilogue, product: Tensor, bias: Tensor?, c: Tensor) throws(Problem) -> Int? {
        try epilogue.check(product: product, bias: bias, c: c)
        var first: Int64 = -1
        var run = unsafe call.quiet
        let status = unsafe c.buffer.withUnsafeBytes { found in
            unsafe withBytes(product, bias) { product, bias in
                let (rows, n, plane) = (Int64(epilogue.rows), Int64(epilogue.columns), Int64(epilogue.plane))
                guard let product = unsafe product, let found = found.baseAddress else { return Int32(ADIT_BAD_ARGUMENT) }
                return epilogue.dtype == .f32
                    ? unsafe adit_epilogue_check_f32(
                        &run, rows, n, plane, product.assumingMemoryBound(to: Float.self), bias?.assumingMemoryBound(to: Float.self),
                        epilogue.activation.code, found.assumingMemoryBound(to: Float.self), &first)
                    : unsafe adit_epilogue_check_f64(
                        &run, rows, n, plane, product.assumingMemoryBound(to: Double.self), bias?.assumingMemoryBound(to: Double.self),
                        epilogue.activation.code, found.assumingMemoryBound(to: Double.self), &first)
            }
        }
        try KernelCall.check(status)
        return first < 0 ? nil : Int(first)
    }
}

/// The bytes of a product and of a bias, or nil where there is none, during the call only.
private func withBytes<R, E: Error>(
    _ product: Tensor, _ bias: Tensor?, _ body: (UnsafeRawPointer?, UnsafeRawPointer?) throws(E) -> R
) throws(E) -> R {
    try unsafe product.buffer.withUnsafeBytes { product throws(E) in
        guard let bias else { return try unsafe body(product.baseAddress, nil) }
        return try unsafe bias.buffer.withUnsafeBytes { bias throws(E) in try unsafe body(product.baseAddress, bias.baseAddress) }
    }
}
