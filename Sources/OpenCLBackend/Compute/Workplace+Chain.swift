import Kernels
import Wire

extension Workplace {
    /// y = chain(x); tensors are checked.
    ///
    /// - Throws: `unsupported_dtype` for a step that isn't known here.
    mutating func compute(_ chain: ComputeChain, _ x: Tensor, _ operands: [Tensor] = [], into y: Tensor, _ control: RunControl) throws(Problem) {
        guard let source = ChainSource.program(chain) else { throw Problem(.unsupportedDtype, "OpenCL does not run this chain") }
        try control.step(0)
        let run = ChainRun(session: try open().session, staging: try open().staging, chain: chain, operands: operands, control: control)
        if chain.reduction == nil {
            try unsafe x.buffer.withUnsafeBytes { from throws(Problem) in
                try unsafe y.buffer.withUnsafeMutableBytes { to throws(Problem) in
                    if let base = to.baseAddress, unsafe !from.isEmpty { try unsafe run.run(source, from, into: base) }
                }
            }
        } else if chain.dtype == .f64 {
            let panels = try panels(Double.self, chain, x, source, run)
            y.withMutableElements(as: UInt64.self) { $0[0] = chain.bits(joining: panels, operands) }
        } else {
            let panels = try panels(Float.self, chain, x, source, run)
            y.withMutableElements(as: UInt32.self) { $0[0] = UInt32(truncatingIfNeeded: chain.bits(joining: panels, operands)) }
        }
        try control.step(1)
    }

    /// The accumulators of all panels: a 256th of the tensor.
    private func panels<T: BinaryFloatingPoint & BitwiseCopyable>(
        _ type: T.Type, _ chain: ComputeChain, _ x: Tensor, _ source: ProgramSource, _ run: ChainRun
    ) throws(Problem) -> [T] {
        var panels = [T](repeating: 0, count: (chain.count + ChainRun.panel - 1) / ChainRun.panel)
        // The rethrown type of the array's own method is any error's; the problem goes round it.
        var problem: Problem?
        unsafe panels.withUnsafeMutableBytes { to in
            guard let base = to.baseAddress else { return }
            do throws(Problem) {
                try unsafe x.buffer.withUnsafeBytes { from throws(Problem) in try unsafe run.run(source, from, into: base) }
            } catch {
                problem = error
            }
        }
        if let problem { throw problem }
        return panels
    }
}
