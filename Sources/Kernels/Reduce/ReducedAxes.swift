package import Wire

/// Which axes of a tensor a reduction takes away, and where the elements of each cell that it leaves lie; checked once.
package struct ReducedAxes: Sendable, Hashable {
    package let shape: [Int]
    /// Ascending.
    package let axes: [Int]
    package let keepsDimensions: Bool
    /// Elements of the whole tensor.
    package let elementCount: Int

    /// - Throws: `bad_params` for no axis or one twice; `out_of_range` for one that isn't there, and for sizes whose product overflows.
    package init(_ shape: [Int], _ axes: [Int], keepsDimensions: Bool) throws(Problem) {
        guard !axes.isEmpty, Set(axes).count == axes.count else { throw Problem(.badParams, "axes are one or more, each once") }
        guard axes.allSatisfy({ shape.indices.contains($0) }) else { throw Problem(.outOfRange, "an axis is not in 0..<\(shape.count)") }
        guard shape.allSatisfy({ $0 >= 0 }) else { throw Problem(.outOfRange, "no tensor has a negative size") }
        // Every product of some of the sizes is at most this one, also where another size is 0.
        var largest = 1
        for size in shape { largest = try Checked.product(largest, max(size, 1), "the product of the sizes") }
        (self.shape, self.axes, self.keepsDimensions) = (shape, axes.sorted(), keepsDimensions)
        elementCount = shape.reduce(1, *)
    }

    package var outputShape: [Int] {
        keepsDimensions ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] } : kept.map { shape[$0] }
    }

    private var kept: [Int] { shape.indices.filter { !axes.contains($0) } }
    /// Elements of each cell's reduction.
    package var reducedCount: Int { axes.reduce(1) { $0 * shape[$1] } }
    package var outputCount: Int { kept.reduce(1) { $0 * shape[$1] } }

    /// Sizes and strides in elements, outermost first.
    package var keptDimensions: [(size: Int, stride: Int)] { dimensions(kept) }
    package var reducedDimensions: [(size: Int, stride: Int)] { dimensions(axes) }

    private func dimensions(_ axes: [Int]) -> [(size: Int, stride: Int)] {
        axes.map { axis in (shape[axis], shape[(axis + 1)...].reduce(1, *)) }
    }

    /// Where the element of place `index`, in row-major order of the reduced axes, of an output's cell lies.
    func places(ofCell cell: Int) -> (Int) -> Int {
        let (base, reduced) = (Self.offset(cell, keptDimensions), reducedDimensions)
        return { base + Self.offset($0, reduced) }
    }

    /// Where place `index`, in row-major order of the dimensions, lies.
    private static func offset(_ index: Int, _ dimensions: [(size: Int, stride: Int)]) -> Int {
        var (rest, offset) = (index, 0)
        for (size, stride) in dimensions.reversed() {
            offset += rest % size * stride
            rest /= size
        }
        return offset
    }
}
