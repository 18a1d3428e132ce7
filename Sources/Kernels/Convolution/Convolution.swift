package import Wire

/// One two-dimensional convolution (as neural networks say; a cross-correlation): its shape, its windows and its arithmetic.
///
/// Y[i, o, r, s] = Σ over channels l of o's group and taps (a, b) of X[i, l, r·stride + a·dilation − padding, …]·W[o, l, a, b]. X is
/// n × c × h × w, W o × c/groups × kh × kw, Y n × o × oh × ow, all packed; X is surrounded by `padding` zeros on both sides. Every size
/// is at least 1, and all products of sizes that anything here needs fit their types.
package struct Convolution: Sendable, Hashable {
    /// The longest F32 sum: what the statistical bound was calibrated for (docs/VERIFICATION.md).
    package static let longestF32 = 16_384
    /// Below this many output channels in a group the output is recomputed: a probe would save nothing.
    package static let fewestProbed = 32

    /// What both directions of the image have.
    package struct Windows: Sendable, Hashable {
        package let stride: Int
        package let padding: Int
        package let dilation: Int

        /// - Throws: `bad_params` unless stride and dilation are 1 … 2^31−1 and the padding 0 … 2^31−1.
        package init(stride: Int = 1, padding: Int = 0, dilation: Int = 1) throws(Problem) {
            let most = TensorDescriptor.maximumDimension
            guard (1...most).contains(stride), (0...most).contains(padding), (1...most).contains(dilation) else {
                throw Problem(.badParams, "a stride and a dilation are at least 1, a padding at least 0, all below 2^31")
            }
            (self.stride, self.padding, self.dilation) = (stride, padding, dilation)
        }

        /// How many windows of `kernel` taps fit; 0 or fewer where none does. Sizes below 2^31, so that nothing here overflows.
        func count(size: Int, kernel: Int) -> Int {
            let room = size + 2 * padding - dilation * (kernel - 1) - 1
            return room < 0 ? 0 : room / stride + 1
        }
    }

    package let batch: Int
    package let channels: Int
    package let height: Int
    package let width: Int
    /// Output channels.
    package let outputs: Int
    package let kernelHeight: Int
    package let kernelWidth: Int
    package let groups: Int
    package let vertical: Windows
    package let horizontal: Windows
    package let arithmetic: Arithmetic
    package let outputHeight: Int
    package let outputWidth: Int
    /// 2·n·o·oh·ow·(c/groups)·kh·kw.
    package let operations: Int64

    /// - Parameters: x: n, c, h, w. w: o, c/groups, kh, kw. arithmetic: `i32Exact` or `f32`.
    /// - Throws: `shape_mismatch` for shapes that disagree or leave nothing to compute; `bad_params` for groups that don't divide the
    ///   channels; `too_long` for sums beyond 131,071 (I8) or 16,384 (F32) terms; `unsupported_dtype`; `out_of_range`.
    package init(x: [Int], w: [Int], groups: Int = 1, vertical: Windows, horizontal: Windows, arithmetic: Arithmetic) throws(Problem) {
        guard arithmetic == .i32Exact || arithmetic == .f32 else { throw Problem(.unsupportedDtype, "no convolution in \(arithmetic.rawValue)") }
        guard x.count == 4, w.count == 4 else { throw Problem(.shapeMismatch, "x and w must have four dimensions: n, c, h, w and o, c/groups, kh, kw") }
        for size in x + w {
            guard (0...TensorDescriptor.maximumDimension).contains(size) else { throw Problem(.outOfRange, "dimension \(size) is not below 2^31") }
            guard size > 0 else { throw Problem(.shapeMismatch, "a dimension of 0 leaves nothing to compute: x is \(x), w is \(w)") }
        }
        guard groups >= 1 else { throw Problem(.badParams, "there is at least one group") }
        guard x[1] % groups == 0, w[0] % groups == 0 else {
            throw Problem(.badParams, "\(groups) groups don't divide \(x[1]) channels and \(w[0]) outputs")
        }
        guard x[1] / groups == w[1] else { throw Problem(.shapeMismatch, "a group has \(x[1] / groups) channels of x, and \(w[1]) of w") }
        let (oh, ow) = (vertical.count(size: x[2], kernel: w[2]), horizontal.count(size: x[3], kernel: w[3]))
        guard oh > 0, ow > 0 else { throw Problem(.shapeMismatch, "a kernel of \(w[2])×\(w[3]) doesn't fit into \(x[2])×\(x[3]) with its padding") }
        let depth = try Checked.product(try Checked.product(w[1], w[2], "a sum's length"), w[3], "a sum's length")
        let longest = arithmetic == .i32Exact ? GEMM.longestI8 : Self.longestF32
        guard depth <= longest else { throw Problem(.tooLong, "sums of \(depth) terms are over \(longest)") }
        // As tensors: their elements and bytes.
        var cells = 0
        for shape in [x, w, [x[0], w[0], oh, ow]] { cells = try TensorDescriptor(name: "y", dtype: .f64, shape: shape).elementCount }
        operations = Int64(try Checked.product(try Checked.product(cells, depth, "n·o·oh·ow·k"), 2, "2·n·o·oh·ow·k"))
        (batch, channels, height, width) = (x[0], x[1], x[2], x[3])
        (outputs, kernelHeight, kernelWidth, self.groups) = (w[0], w[2], w[3], groups)
        (self.vertical, self.horizontal, self.arithmetic) = (vertical, horizontal, arithmetic)
        (outputHeight, outputWidth) = (oh, ow)
    }

    package var inputDType: DType { arithmetic == .i32Exact ? .i8 : .f32 }
    package var outputDType: DType { arithmetic == .i32Exact ? .i32 : .f32 }
    package var shapeX: [Int] { [batch, channels, height, width] }
    package var shapeW: [Int] { [outputs, groupChannels, kernelHeight, kernelWidth] }
    package var shapeY: [Int] { [batch, outputs, outputHeight, outputWidth] }

    /// Channels that one output reads.
    package var groupChannels: Int { channels / groups }
    package var groupOutputs: Int { outputs / groups }
    /// Terms of one sum: (c/groups)·kh·kw.
    package var depth: Int { groupChannels * kernelHeight * kernelWidth }
    /// Positions of one output image.
    package var positions: Int { outputHeight * outputWidth }
    /// Rows of the linear map: a position of an image and a group reads one row of inputs for all the group's outputs.
    package var rows: Int { batch * groups * positions }

    /// Throws `shape_mismatch` unless the tensors are this convolution's. Backends call it before they touch memory.
    package func check(x: Tensor, w: Tensor, y: Tensor) throws(Problem) {
        for (tensor, dtype, shape) in [(x, inputDType, shapeX), (w, inputDType, shapeW), (y, outputDType, shapeY)] {
            guard tensor.dtype == dtype, tensor.shape == shape else {
                throw Problem(
                    .shapeMismatch, "tensor \(tensor.name) is \(tensor.dtype.rawValue) \(tensor.shape), the convolution needs \(dtype.rawValue) \(shape)")
            }
        }
    }

    // MARK: as a linear map

    /// A row of the linear map: a position of one image, for one group. Numbered by image, then group, then position.
    struct Row: Hashable {
        let image: Int
        let group: Int
        let position: Int
    }

    func row(_ index: Int) -> Row {
        Row(image: index / positions / groups, group: index / positions % groups, position: index % positions)
    }

    /// Where in Y the output `output` of the row's group lies.
    func cell(_ row: Row, output: Int) -> Int { (row.image * outputs + row.group * groupOutputs + output) * positions + row.position }

    /// The row and the output, within its group, of an element of Y.
    func place(_ cell: Int) -> (row: Row, output: Int) {
        let (plane, position) = (cell / positions, cell % positions)
        let (image, output) = (plane / outputs, plane % outputs)
        return (Row(image: image, group: output / groupOutputs, position: position), output % groupOutputs)
    }

    /// Gives each term of a row that lies inside the image: its place in W's line, and in X.
    func terms(_ row: Row, _ body: (_ term: Int, _ element: Int) -> Void) {
        let (top, left) = (row.position / outputWidth * vertical.stride - vertical.padding, row.position % outputWidth * horizontal.stride - horizontal.padding)
        for channel in 0..<groupChannels {
            let plane = (row.image * channels + row.group * groupChannels + channel) * height
            for a in 0..<kernelHeight {
                let y = top + a * vertical.dilation
                guard (0..<height).contains(y) else { continue }
                for b in 0..<kernelWidth {
                    let x = left + b * horizontal.dilation
                    guard (0..<width).contains(x) else { continue }
                    body((channel * kernelHeight + a) * kernelWidth + b, (plane + y) * width + x)
                }
            }
        }
    }

    /// W as matrices of a group's outputs × terms, on the same bytes.
    func weights(_ w: Tensor) throws(Problem) -> Tensor {
        try Tensor(try TensorDescriptor(name: w.name, dtype: w.dtype, shape: [groups, groupOutputs, depth]), w.buffer)
    }
}
