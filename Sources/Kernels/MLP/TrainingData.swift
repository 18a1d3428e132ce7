package import Wire

/// Rows and what is to be learnt of them, checked against a plan.
package struct TrainingData: Sendable {
    /// F32, examples × inputs.
    package let x: Tensor
    /// Classes of all rows, each one of the outputs; empty for squared errors.
    package let labels: [Int32]
    /// F32, examples × outputs; nil for cross-entropy.
    package let targets: Tensor?

    /// - Parameters: x: F32, examples × inputs. labels: I32 or I64 [examples], or F32 [examples, outputs] for squared errors.
    /// - Throws: `out_of_range` for a label that is no class, naming its place; `shape_mismatch`.
    package init(_ plan: TrainingPlan, x: Tensor, labels: Tensor) throws(Problem) {
        self.x = x
        guard plan.loss == .crossEntropy else {
            (self.labels, targets) = ([], labels)
            return
        }
        targets = nil
        self.labels = try Self.classes(labels, below: plan.layers.sizes.last ?? 1)
    }

    static func classes(_ labels: Tensor, below count: Int) throws(Problem) -> [Int32] {
        func read<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(Problem) -> [Int32] {
            try labels.withElements(as: type) { elements throws(Problem) in
                var classes: [Int32] = []
                classes.reserveCapacity(elements.count)
                for index in elements.indices {
                    guard elements[index] >= 0, elements[index] < count else {
                        throw Problem(.outOfRange, "label \(elements[index]) of row \(index) is not in 0..<\(count)")
                    }
                    classes.append(Int32(truncatingIfNeeded: elements[index]))
                }
                return classes
            }
        }
        return labels.dtype == .i64 ? try read(Int64.self) : try read(Int32.self)
    }
}

/// What came of some steps of training.
package struct TrainingStretch: Sendable, Equatable {
    /// The loss at each step, before its update. Those from a divergence on mean nothing.
    package var losses: [Float]
    /// The step, counted from the training's first, whose loss was not finite; nothing after it was done.
    package var divergedAt: Int?

    package init(losses: [Float], divergedAt: Int? = nil) {
        (self.losses, self.divergedAt) = (losses, divergedAt)
    }
}
