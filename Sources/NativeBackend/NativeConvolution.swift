import CKernels
package import Kernels
import Synchronization
package import Wire

// Convolutions by our own kernels: every shape, exact in I8, free in F32.
extension NativeGEMM {
    package func capability(for convolution: Convolution) -> Capability? { Capability(arithmetic: convolution.arithmetic) }

    package func run(_ convolution: Convolution, x: Tensor, w: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try convolution.check(x: x, w: w, y: y)
        try turn.withLock { _ throws(Problem) in
            try control.step(0)
            let call = KernelCall(instructionSet: instructionSet, threads: threads)
            try unsafe convolution.withInputs(x, w) { x, w throws(Problem) in
                try unsafe y.buffer.withUnsafeMutableBytes { y throws(Problem) in
                    guard let y = y.baseAddress else { return }
                    try unsafe call.run(control, operations: convolution.operations) { run in
                        var shape = convolution.shape
                        return convolution.arithmetic == .i32Exact
                            ? unsafe adit_conv_i8(
                                run, &shape, x.assumingMemoryBound(to: Int8.self), w.assumingMemoryBound(to: Int8.self), y.assumingMemoryBound(to: Int32.self))
                            : unsafe adit_conv_f32(
                                run, &shape, x.assumingMemoryBound(to: Float.self), w.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Float.self)
                            )
                    }
                }
            }
            try control.step(1)
        }
    }
}

extension Convolution {
    /// As the C kernels see it.
    var shape: adit_convolution {
        adit_convolution(
            n: Int64(batch), c: Int64(channels), h: Int64(height), w: Int64(width), o: Int64(outputs), kh: Int64(kernelHeight), kw: Int64(kernelWidth),
            groups: Int64(groups), stride_h: Int64(vertical.stride), stride_w: Int64(horizontal.stride), pad_h: Int64(vertical.padding),
            pad_w: Int64(horizontal.padding), dilation_h: Int64(vertical.dilation), dilation_w: Int64(horizontal.dilation))
    }

    /// The bytes of two tensors, during the call only: no convolution has an empty one.
    func withInputs<R>(_ x: Tensor, _ w: Tensor, _ body: (UnsafeRawPointer, UnsafeRawPointer) throws(Problem) -> R) throws(Problem) -> R {
        try unsafe x.buffer.withUnsafeBytes { x throws(Problem) in
            try unsafe w.buffer.withUnsafeBytes { w throws(Problem) in
                guard let x = x.baseAddress, let w = w.baseAddress else { throw Problem(.internalError, "a convolution's tensor is empty") }
                return try unsafe body(x, w)
            }
        }
    }
}
