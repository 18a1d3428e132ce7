import Wire

/// NaN and infinity in a convolution's inputs: what is admitted.
struct NonFiniteConvolution {
    private let convolution: Convolution
    private let x: Tensor?
    private let w: Tensor?

    /// A tensor that is finite by construction may be left out.
    init(_ convolution: Convolution, x: Tensor?, w: Tensor?) {
        (self.convolution, self.x, self.w) = (convolution, x, w)
    }

    /// - Throws: `non_finite_input` if over 5 % of Y's cells read a NaN or an infinity.
    func admit() throws(Problem) {
        let (badOutputs, badRows) = (outputs.count, x.map { rows(of: $0) } ?? 0)
        // A group's outputs are counted as if the bad ones were spread evenly.
        let share =
            Double(badRows) / Double(convolution.rows)
            + Double(badOutputs) / Double(convolution.outputs) * (1 - Double(badRows) / Double(convolution.rows))
        guard share <= NonFinite.admittedShare else {
            throw Problem(.nonFiniteInput, "\(badRows) positions of x and \(badOutputs) outputs of w hold a NaN or an infinity: over 5 % of the cells")
        }
    }

    /// The outputs whose weights aren't all finite.
    var outputs: Set<Int> {
        guard let w else { return [] }
        return w.withElements(as: Float.self) { w in
            Set(
                (0..<convolution.outputs).filter { output in
                    (output * convolution.depth..<(output + 1) * convolution.depth).contains { !w[$0].isFinite }
                })
        }
    }

    /// How many rows read an element of X that isn't finite; counted until they are over 5 %.
    private func rows(of x: Tensor) -> Int {
        let limit = Int(NonFinite.admittedShare * Double(convolution.rows)) + 1
        var found: Set<Int> = []
        x.withElements(as: Float.self) { x in
            for element in x.indices where !x[element].isFinite {
                for row in readers(of: element) { found.insert(row) }
                if found.count > limit { return }
            }
        }
        return found.count
    }

    /// The rows that read an element of X.
    private func readers(of element: Int) -> [Int] {
        let (plane, place) = (element / (convolution.height * convolution.width), element % (convolution.height * convolution.width))
        let (image, channel) = (plane / convolution.channels, plane % convolution.channels)
        let first = (image * convolution.groups + channel / convolution.groupChannels) * convolution.positions
        let down = convolution.vertical.readers(
            of: place / convolution.width, kernel: convolution.kernelHeight, count: convolution.outputHeight)
        let across = convolution.horizontal.readers(of: place % convolution.width, kernel: convolution.kernelWidth, count: convolution.outputWidth)
        return down.flatMap { row in across.map { first + row * convolution.outputWidth + $0 } }
    }
}

extension Convolution.Windows {
    /// The windows, of `count`, with a tap on `element`.
    fileprivate func readers(of element: Int, kernel: Int, count: Int) -> [Int] {
        (0..<kernel).compactMap { tap in
            let start = element + padding - tap * dilation
            guard start >= 0, start % stride == 0, start / stride < count else { return nil }
            return start / stride
        }
    }
}
