package import Kernels
package import Wire

extension MeasuredBackend {
    package func capability(for convolution: Convolution) -> Capability? { capability(Self.work(convolution)) { $0.capability(for: convolution) } }

    package func run(_ convolution: Convolution, x: Tensor, w: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try run(Self.work(convolution), operations: convolution.operations, control) {
            $0.capability(for: convolution)
        } _: { member, control throws(Problem) in
            try member.run(convolution, x: x, w: w, into: y, control: control)
        }
    }

    private static func work(_ convolution: Convolution) -> WorkClass {
        let c = convolution
        return WorkClass(
            "conv2d", c.arithmetic, sizes: [c.batch, c.channels, c.outputs, c.groups, c.outputHeight, c.outputWidth, c.kernelHeight, c.kernelWidth],
            switches: [c.vertical.stride > 1, c.horizontal.stride > 1, c.vertical.dilation > 1 || c.horizontal.dilation > 1])
    }
}
