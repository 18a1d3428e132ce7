package import Wire

// A backend offers only what it says: convolutions are no backend's duty.
extension ComputeBackend {
    package func capability(for convolution: Convolution) -> Capability? { nil }

    package func run(_ convolution: Convolution, x: Tensor, w: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        throw Problem(.unsupportedDtype, "\(name) does not run conv2d")
    }
}
