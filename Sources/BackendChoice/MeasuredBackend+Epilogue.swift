package import Kernels
package import Wire

extension MeasuredBackend {
    package func capability(for epilogue: Epilogue) -> Capability? { capability(Self.work(epilogue)) { $0.capability(for: epilogue) } }

    package func run(_ epilogue: Epilogue, product: Tensor, bias: Tensor?, into c: Tensor, control: RunControl) throws(Problem) {
        let operations = Int64(epilogue.count)
        try run(Self.work(epilogue), operations: operations, control) {
            $0.capability(for: epilogue)
        } _: { member, control throws(Problem) in
            try member.run(epilogue, product: product, bias: bias, into: c, control: control)
        }
    }

    private static func work(_ epilogue: Epilogue) -> WorkClass {
        WorkClass(
            "epilogue", epilogue.dtype == .f64 ? .f64Panel256 : .f32Panel256, sizes: [epilogue.rows * epilogue.plane, epilogue.columns],
            switches: [epilogue.hasBias, epilogue.activation != .none])
    }
}
