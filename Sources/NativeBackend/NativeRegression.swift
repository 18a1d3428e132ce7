import CKernels
package import Kernels
import Synchronization
package import Wire

// A regression's passes by our own kernels: for its solver, and for the check of its answer.
extension NativeGEMM {
    package func capability(for data: RegressionData) -> Capability? { Capability(arithmetic: .f64, operationsPerSecond: doubleSpeed) }

    package func slope(
        at point: RegressionPoint, x: Tensor, y: Tensor, squares: Bool, weighs: Bool, control: RunControl
    ) throws(Problem) -> RegressionSlope {
        try turn.withLock { _ throws(Problem) in
            try KernelCall(instructionSet: instructionSet, threads: threads).slope(point, x, y, squares, weighs, control)
        }
    }

    package func gram(x: Tensor, last: Tensor?, centre: [Double], weights: [Double]?, control: RunControl) throws(Problem) -> [Double] {
        try PlainRegression.check(x, last, centre, weights)
        var gram = [Double](repeating: 0, count: centre.count * centre.count)
        try turn.withLock { _ throws(Problem) in
            try KernelCall(instructionSet: instructionSet, threads: threads).gram(x, last, centre, weights, control, &gram)
        }
        return gram
    }
}

extension NativePasses {
    package func slope(
        at point: RegressionPoint, x: Tensor, y: Tensor, squares: Bool, weighs: Bool, control: RunControl
    ) throws(Problem) -> RegressionSlope {
        try call.slope(point, x, y, squares, weighs, control)
    }
}

extension KernelCall {
    fileprivate func slope(
        _ point: RegressionPoint, _ x: Tensor, _ y: Tensor, _ squares: Bool, _ weighs: Bool, _ control: RunControl
    ) throws(Problem) -> RegressionSlope {
        try point.check(x: x, y: y)
        let (m, k) = (x.shape[0], x.shape[1])
        let zeros = [Double](repeating: 0, count: k)
        var (gradient, square) = (zeros, squares ? zeros : [])
        var weights = [Double](repeating: 0, count: weighs ? m : 0)
        var sums = adit_slope_sums()
        try unsafe withDoubles(x) { x throws(Problem) in
            try unsafe withDoubles(y) { y throws(Problem) in
                try unsafe run(control, operations: 4 * Int64(m) * Int64(k)) { run in
                    unsafe point.w.withUnsafeBufferPointer { w in
                        unsafe point.centre.withUnsafeBufferPointer { centre in
                            unsafe square.withUnsafeMutableBufferPointer { square in
                                unsafe weights.withUnsafeMutableBufferPointer { weights in
                                    var inC = unsafe adit_slope_point(
                                        kind: point.kind.rawValue, w: w.baseAddress, centre: centre.baseAddress, intercept: point.intercept)
                                    return unsafe adit_slope(
                                        run, Int64(m), Int64(k), x, y, &inC, &gradient, squares ? square.baseAddress : nil,
                                        weighs ? weights.baseAddress : nil, &sums)
                                }
                            }
                        }
                    }
                }
            }
        }
        return RegressionSlope(
            gradient: gradient, squares: square, weights: weights, residuals: sums.residuals, objective: sums.objective, largest: sums.largest)
    }

    fileprivate func gram(
        _ x: Tensor, _ last: Tensor?, _ centre: [Double], _ weights: [Double]?, _ control: RunControl, _ gram: inout [Double]
    ) throws(Problem) {
        let (m, n) = (Int64(x.shape[0]), Int64(centre.count))
        try unsafe withDoubles(x) { x throws(Problem) in
            try unsafe withDoubles(last) { last throws(Problem) in
                try unsafe run(control, operations: m * n * n) { run in
                    guard let weights else { return unsafe adit_gram(run, m, n - 1, x, last, centre, nil, &gram) }
                    return unsafe adit_gram(run, m, n - 1, x, last, centre, weights, &gram)
                }
            }
        }
    }
}

/// A pointer to a tensor's numbers, or nil where there is none, during the call only.
private func withDoubles<R, E: Error>(_ tensor: Tensor?, _ body: (UnsafePointer<Double>?) throws(E) -> R) throws(E) -> R {
    guard let tensor else { return try body(nil) }
    return try unsafe tensor.buffer.withUnsafeBytes { raw throws(E) in try unsafe body(raw.baseAddress?.assumingMemoryBound(to: Double.self)) }
}
