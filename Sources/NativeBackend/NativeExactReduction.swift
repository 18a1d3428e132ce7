import CKernels
package import Kernels
import Synchronization
package import Wire

// Reductions to integers by our own kernels: the work, and its check.
extension NativeGEMM {
    package func capability(for reduction: ExactReduction) -> Capability? { Capability(arithmetic: reduction.arithmetic) }

    package func run(_ reduction: ExactReduction, x: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try reduction.check(x: x, y: y)
        try turn.withLock { _ throws(Problem) in
            try control.step(0)
            let call = KernelCall(instructionSet: instructionSet, threads: threads)
            var overflow: Int64 = -1
            try unsafe call.run(control, operations: reduction.operations) { run in unsafe reduction.compute(run, x, y, &overflow) }
            guard overflow < 0 else { throw reduction.overflow(cell: Int(overflow)) }
            try control.step(1)
        }
    }
}

extension NativePasses {
    package func firstWrong(_ reduction: ExactReduction, x: Tensor, y: Tensor) throws(Problem) -> Int? {
        try reduction.check(x: x, y: y)
        let expected = try Tensor(zeros: y.descriptor)
        var run = unsafe call.quiet
        var overflow: Int64 = -1
        try KernelCall.check(unsafe reduction.compute(&run, x, expected, &overflow))
        // Up to the first cell without an answer.
        let count = overflow < 0 ? reduction.axes.outputCount : Int(overflow)
        let wrong = Self.firstDifference(expected, y, upTo: count)
        return wrong ?? (overflow < 0 ? nil : count)
    }
}

extension ExactReduction {
    private var code: Int {
        switch operation {
        case .sum: ADIT_TOTAL
        case .min: ADIT_LEAST
        case .max: ADIT_LARGEST
        case .argmin: ADIT_PLACE_OF_LEAST
        case .argmax: ADIT_PLACE_OF_LARGEST
        }
    }

    private var format: Int {
        switch dtype {
        case .f64: ADIT_OF_F64
        case .f32: ADIT_OF_F32
        case .i64: ADIT_OF_I64
        case .i32: ADIT_OF_I32
        case .i8, .bf16: ADIT_OF_I8
        }
    }

    fileprivate func compute(_ run: UnsafePointer<adit_run>, _ x: Tensor, _ y: Tensor, _ overflow: inout Int64) -> Int32 {
        var kept = adit_axes(axes.keptDimensions)
        var reduced = adit_axes(axes.reducedDimensions)
        return unsafe x.buffer.withUnsafeBytes { x in
            unsafe y.buffer.withUnsafeMutableBytes { y in
                guard let x = x.baseAddress, let y = y.baseAddress else { return Int32(ADIT_BAD_ARGUMENT) }
                return unsafe adit_reduce_exact(run, Int32(code), Int32(format), &kept, &reduced, x, y, &overflow)
            }
        }
    }
}
