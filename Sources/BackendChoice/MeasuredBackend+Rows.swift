package import Kernels
package import Wire

extension MeasuredBackend {
    package func capability(for rows: RowWork) -> Capability? { capability(Self.work(rows)) { $0.capability(for: rows) } }

    package func run(_ rows: RowWork, x: Tensor, gamma: Tensor?, beta: Tensor?, into y: Tensor, control: RunControl) throws(Problem) {
        try run(Self.work(rows), operations: rows.operations, control) {
            $0.capability(for: rows)
        } _: { member, control throws(Problem) in
            try member.run(rows, x: x, gamma: gamma, beta: beta, into: y, control: control)
        }
    }

    private static func work(_ rows: RowWork) -> WorkClass {
        WorkClass("rows", rows.arithmetic, sizes: [rows.rows, rows.columns], switches: [rows.kind == .softmax])
    }

    package func capability(for reduction: Reduction) -> Capability? { capability(Self.work(reduction)) { $0.capability(for: reduction) } }

    package func run(_ reduction: Reduction, x: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try run(Self.work(reduction), operations: reduction.operations, control) {
            $0.capability(for: reduction)
        } _: { member, control throws(Problem) in
            try member.run(reduction, x: x, into: y, control: control)
        }
    }

    private static func work(_ reduction: Reduction) -> WorkClass {
        WorkClass("reduce \(reduction.step.rawValue)", reduction.arithmetic, sizes: [reduction.outputCount, reduction.reducedCount])
    }

    package func capability(for reduction: ExactReduction) -> Capability? { capability(Self.work(reduction)) { $0.capability(for: reduction) } }

    package func run(_ reduction: ExactReduction, x: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try run(Self.work(reduction), operations: reduction.operations, control) {
            $0.capability(for: reduction)
        } _: { member, control throws(Problem) in
            try member.run(reduction, x: x, into: y, control: control)
        }
    }

    private static func work(_ reduction: ExactReduction) -> WorkClass {
        WorkClass(
            "reduce \(reduction.operation.rawValue) \(reduction.dtype.rawValue)", reduction.arithmetic,
            sizes: [reduction.axes.outputCount, reduction.axes.reducedCount])
    }
}
