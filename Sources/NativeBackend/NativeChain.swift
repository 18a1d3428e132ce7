import CKernels
package import Kernels
import Synchronization
package import Wire

// Chains of element-wise operations and their reductions by our own kernels: the work, and its check.
extension NativeGEMM {
    package func capability(for chain: ComputeChain) -> Capability? { Capability(arithmetic: chain.arithmetic) }

    package func run(_ chain: ComputeChain, x: Tensor, operands: [Tensor], into y: Tensor, control: RunControl) throws(Problem) {
        try chain.check(x: x, operands: operands, y: y)
        try turn.withLock { _ throws(Problem) in
            try control.step(0)
            let call = KernelCall(instructionSet: instructionSet, threads: threads)
            if chain.reduction != nil {
                let bits = try unsafe chain.reduced(x, operands) { body throws(Problem) in
                    try unsafe call.run(control, operations: chain.operations) { run in unsafe body(run) }
                }
                y.write([bits])
            } else {
                try unsafe call.run(control, operations: chain.operations) { run in
                    unsafe chain.withCall(x, operands) { chain, x in
                        unsafe y.buffer.withUnsafeMutableBytes { out in
                            guard let out = out.baseAddress else { return Int32(ADIT_OK) }
                            return y.dtype == .f64
                                ? unsafe adit_chain_f64(run, chain, x.assumingMemoryBound(to: Double.self), out.assumingMemoryBound(to: Double.self))
                                : unsafe adit_chain_f32(run, chain, x.assumingMemoryBound(to: Float.self), out.assumingMemoryBound(to: Float.self))
                        }
                    }
                }
            }
            try control.step(1)
        }
    }
}

extension NativePasses {
    package func firstWrong(_ chain: ComputeChain, x: Tensor, operands: [Tensor], y: Tensor) throws(Problem) -> Int? {
        try chain.check(x: x, operands: operands, y: y)
        var run = unsafe call.quiet
        guard chain.reduction == nil else {
            let bits = try unsafe chain.reduced(x, operands) { body throws(Problem) in try KernelCall.check(unsafe body(&run)) }
            return bits == y.widenedBits(0) ? nil : 0
        }
        var first: Int64 = -1
        let status = unsafe chain.withCall(x, operands) { chain, x in
            unsafe y.buffer.withUnsafeBytes { found in
                guard let found = found.baseAddress else { return Int32(ADIT_OK) }
                return y.dtype == .f64
                    ? unsafe adit_chain_check_f64(&run, chain, x.assumingMemoryBound(to: Double.self), found.assumingMemoryBound(to: Double.self), &first)
                    : unsafe adit_chain_check_f32(&run, chain, x.assumingMemoryBound(to: Float.self), found.assumingMemoryBound(to: Float.self), &first)
            }
        }
        try KernelCall.check(status)
        return first < 0 ? nil : Int(first)
    }
}

extension ComputeChain {
    /// The bits of the reduction's one element: panels by the C kernels, joined by the definition.
    ///
    /// - Parameter perform: calls what it is given once, with a run.
    fileprivate func reduced(
        _ x: Tensor, _ operands: [Tensor], _ perform: ((UnsafePointer<adit_run>) -> Int32) throws(Problem) -> Void
    ) throws(Problem) -> UInt64 {
        let count = (count + Self.panel - 1) / Self.panel
        if dtype == .f64 {
            var panels = [Double](repeating: 0, count: count)
            try unsafe perform { run in
                unsafe withCall(x, operands) { chain, x in unsafe adit_chain_f64(run, chain, x.assumingMemoryBound(to: Double.self), &panels) }
            }
            return bits(joining: panels, operands)
        }
        var panels = [Float](repeating: 0, count: count)
        try unsafe perform { run in
            unsafe withCall(x, operands) { chain, x in unsafe adit_chain_f32(run, chain, x.assumingMemoryBound(to: Float.self), &panels) }
        }
        return bits(joining: panels, operands)
    }

    private static var panel: Int { 256 }

    /// The chain and x as C takes them, during the call only; nothing is called for a tensor without elements.
    fileprivate func withCall(_ x: Tensor, _ operands: [Tensor], _ body: (UnsafePointer<adit_chain>, UnsafeRawPointer) -> Int32) -> Int32 {
        unsafe withPointers(operands[...], []) { pointers in
            let steps = unsafe elementwise.map { unsafe step($0, pointers) }
            return unsafe steps.withUnsafeBufferPointer { steps in
                var chain = unsafe adit_chain(
                    steps: steps.baseAddress, step_count: Int32(steps.count), reduction: reduction.map { Int32($0.code) } ?? Int32(ADIT_NO_REDUCTION),
                    count: Int64(count))
                return unsafe x.buffer.withUnsafeBytes { x in
                    guard count > 0, let x = x.baseAddress else { return Int32(ADIT_OK) }
                    return unsafe body(&chain, x)
                }
            }
        }
    }

    private func step(_ operation: ComputeOperation, _ pointers: [UnsafeRawPointer?]) -> adit_chain_step {
        var step = unsafe adit_chain_step()
        func rounded(_ value: Double) -> Double { dtype == .f64 ? value : Double(Float(value)) }
        switch operation {
        case .step(let name): unsafe step.code = Int32(name.code)
        case .combine(let combination, let operand):
            unsafe step.code = combination.code
            switch operand {
            case .constant(let value): unsafe step.a = rounded(value)
            case .tensor(let index):
                unsafe step.data = pointers[index]
                unsafe step.period = Int64(operandCounts[index])
            }
        case .power(let exponent):
            unsafe step.code = Int32(ADIT_POW)
            unsafe step.exponent = Int32(exponent)
        case .clamp(let low, let high):
            unsafe step.code = Int32(ADIT_CLAMP)
            unsafe (step.a, step.b) = (rounded(low), rounded(high))
        case .leakyRelu(let slope):
            unsafe step.code = Int32(ADIT_LEAKY_RELU)
            unsafe step.a = rounded(slope)
        }
        return unsafe step
    }
}

extension ComputeOperation.Combination {
    fileprivate var code: Int32 {
        let code =
            switch self {
            case .add: ADIT_WITH_ADD
            case .sub: ADIT_WITH_SUB
            case .mul: ADIT_WITH_MUL
            case .div: ADIT_WITH_DIV
            case .min: ADIT_WITH_MIN
            case .max: ADIT_WITH_MAX
            }
        return Int32(code)
    }
}

/// Where the tensors' bytes are, during the call only.
private func withPointers<R>(_ tensors: ArraySlice<Tensor>, _ pointers: [UnsafeRawPointer?], _ body: ([UnsafeRawPointer?]) -> R) -> R {
    guard let first = tensors.first else { return unsafe body(pointers) }
    return unsafe first.buffer.withUnsafeBytes { bytes in unsafe withPointers(tensors.dropFirst(), pointers + [bytes.baseAddress], body) }
}
