import CKernels
package import Kernels
import Synchronization
package import Wire

// Reductions along axes by our own kernels: the work, and its check.
extension NativeGEMM {
    package func capability(for reduction: Reduction) -> Capability? { Capability(arithmetic: reduction.arithmetic) }

    package func run(_ reduction: Reduction, x: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try reduction.check(x: x, y: y)
        try turn.withLock { _ throws(Problem) in
            try control.step(0)
            let call = KernelCall(instructionSet: instructionSet, threads: threads)
            try unsafe call.run(control, operations: reduction.operations) { run in unsafe reduction.compute(run, x, y) }
            try control.step(1)
        }
    }
}

extension NativePasses {
    package func firstWrong(_ reduction: Reduction, x: Tensor, y: Tensor) throws(Problem) -> Int? {
        try reduction.check(x: x, y: y)
        let expected = try Tensor(zeros: y.descriptor)
        var run = unsafe call.quiet
        try KernelCall.check(unsafe reduction.compute(&run, x, expected))
        return Self.firstDifference(expected, y, upTo: reduction.axes.outputCount)
    }

    /// The first of `count` elements whose bits differ; both tensors have the same dtype and at least so many.
    static func firstDifference(_ expected: Tensor, _ found: Tensor, upTo count: Int) -> Int? {
        func look<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Int? {
            expected.withElements(as: type) { expected in found.withElements(as: type) { found in (0..<count).first { expected[$0] != found[$0] } } }
        }
        return switch expected.dtype.byteCount {
        case 8: look(UInt64.self)
        case 4: look(UInt32.self)
        default: look(UInt8.self)
        }
    }
}

extension Reduction {
    fileprivate func compute(_ run: UnsafePointer<adit_run>, _ x: Tensor, _ y: Tensor) -> Int32 {
        var kept = adit_axes(keptDimensions)
        var reduced = adit_axes(reducedDimensions)
        return unsafe x.buffer.withUnsafeBytes { x in
            unsafe y.buffer.withUnsafeMutableBytes { y in
                guard let x = x.baseAddress, let y = y.baseAddress else { return Int32(ADIT_BAD_ARGUMENT) }
                return dtype == .f64
                    ? unsafe adit_reduce_f64(
                        run, Int32(step.code), &kept, &reduced, x.assumingMemoryBound(to: Double.self), y.assumingMemoryBound(to: Double.self))
                    : unsafe adit_reduce_f32(
                        run, Int32(step.code), &kept, &reduced, x.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Float.self))
            }
        }
    }
}

extension adit_axes {
    init(_ dimensions: [(size: Int, stride: Int)]) {
        self.init()
        count = Int32(dimensions.count)
        unsafe withUnsafeMutableBytes(of: &size) { bytes in
            for (index, dimension) in dimensions.enumerated() { unsafe bytes.storeBytes(of: Int64(dimension.size), toByteOffset: 8 * index, as: Int64.self) }
        }
        unsafe withUnsafeMutableBytes(of: &stride) { bytes in
            for (index, dimension) in dimensions.enumerated() { unsafe bytes.storeBytes(of: Int64(dimension.stride), toByteOffset: 8 * index, as: Int64.self) }
        }
    }
}
