package import Kernels
package import Ledger
package import Wire

/// The proof that one element of a paid product is wrong, or that it isn't: checked by a pure function, the same on every machine.
///
/// It holds the leaves of A, B and C that the element depends on, each with its path to the root that spec and output metadata name; the
/// receipt on the chain names the output's hash, and that the spec's. A tensor that the spec draws at random needs no leaves.
package struct ElementEvidence: Sendable, Equatable {
    static let kind = "adit.evidence.v1"
    /// The most leaves of one tensor: 1 GiB. A column of a row-major matrix lies in all of them.
    static let maxLeaves = 1 << 14
    /// The largest tensor that is drawn at random to be looked at.
    static let maxRandomBytes = 1 << 30

    package let receipt: ReceiptID
    package let spec: JobSpec
    package let output: OutputMetadata
    /// The product of a batch; 0 without one.
    package let batch: Int
    package let row: Int
    package let column: Int
    package let a: TensorExcerpt
    package let b: TensorExcerpt
    package let c: TensorExcerpt

    /// Checks everything but the receipt itself, and decides.
    ///
    /// - Parameter terms: of the chain's receipt of this name.
    /// - Throws: `output_mismatch`, `missing_field`, `out_of_range`, `bad_params`, … where the evidence itself is not sound: that says
    ///   nothing about the element.
    package func verdict(_ terms: ReceiptTerms) throws(Problem) -> ElementCheck.Verdict {
        guard terms.receiptID == receipt else { throw Problem(.outputMismatch, "the evidence is about receipt \(receipt)") }
        guard terms.outputHash == output.hash else { throw Problem(.outputMismatch, "the receipt on the chain is for another output") }
        let kernel = try spec.kernel()
        try output.check(spec: spec, kernel: kernel)
        let place = try ElementPlace(kernel, batch: batch, row: row, column: column)
        guard let tensor = output.outputs.first(where: { $0.descriptor.name == place.output }) else {
            throw Problem(.outputMismatch, "the output has no tensor \(place.output)")
        }
        try c.check(root: tensor.root, byteCount: tensor.descriptor.byteCount, place.output)
        return try ElementCheck.verdict(
            place.gemm, row: try input("a", a, place.rowRanges), column: try input("b", b, place.columnRanges), element: try c.bytes([place.elementRange]))
    }

    private func input(_ name: String, _ excerpt: TensorExcerpt, _ ranges: [Range<Int>]) throws(Problem) -> [UInt8] {
        guard let input = spec.inputs.first(where: { $0.name == name }) else { throw Problem(.missingField, "the spec has no input \(name)") }
        switch input.source {
        case .blob(let root):
            try excerpt.check(root: root, byteCount: input.descriptor.byteCount, name)
            return try excerpt.bytes(ranges)
        case .random(let seed):
            let tensor = try RandomTensor(seed: seed, descriptor: input.descriptor).generate(limit: Self.maxRandomBytes)
            return unsafe tensor.buffer.withUnsafeBytes { raw in ranges.flatMap { range in unsafe Array(raw[range]) } }
        }
    }

    /// Reads what `json` wrote; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "evidence")
        guard try fields.string("kind", maxBytes: 64) == Self.kind else { throw Problem(.wrongType, "not a document of kind \(Self.kind)") }
        receipt = try ReceiptID(fields.string("receipt_id"))
        spec = try JobSpec(json: try fields.value("spec"))
        output = try OutputMetadata(json: try fields.value("output"))
        let range = 0...Int64(TensorDescriptor.maximumDimension)
        (batch, row) = (Int(try fields.integer("batch", in: range)), Int(try fields.integer("row", in: range)))
        column = Int(try fields.integer("column", in: range))
        a = try TensorExcerpt(json: try fields.value("a"), maxLeaves: Self.maxLeaves, "a")
        b = try TensorExcerpt(json: try fields.value("b"), maxLeaves: Self.maxLeaves, "b")
        c = try TensorExcerpt(json: try fields.value("c"), maxLeaves: 1, "c")
        try fields.finish()
    }

    package var json: JSON {
        [
            "kind": .string(Self.kind), "receipt_id": .string(receipt.text), "spec": spec.json, "output": output.json,
            "batch": .integer(Int64(batch)), "row": .integer(Int64(row)), "column": .integer(Int64(column)), "a": a.json, "b": b.json, "c": c.json,
        ]
    }

    /// From the whole tensors, which the caller has checked against their roots.
    ///
    /// - Throws: `bad_params` where the job is no matrix product; `out_of_range` where there is no such element, or it takes too many leaves.
    package init(
        receipt: ReceiptID, spec: JobSpec, output: OutputMetadata, batch: Int = 0, row: Int, column: Int, inputs: [Tensor], outputs: [Tensor]
    ) throws(Problem) {
        let place = try ElementPlace(try spec.kernel(), batch: batch, row: row, column: column)
        func excerpt(_ name: String, of tensors: [Tensor], _ ranges: [Range<Int>]) throws(Problem) -> TensorExcerpt {
            guard let tensor = tensors.first(where: { $0.name == name }) else { throw Problem(.missingField, "there is no tensor \(name)") }
            let isDrawn = spec.inputs.contains { $0.name == name && $0.root == nil }
            let found = try unsafe tensor.buffer.withUnsafeBytes { raw throws(Problem) in try unsafe TensorExcerpt(of: raw, ranges: isDrawn ? [] : ranges) }
            guard found.leaves.count <= Self.maxLeaves else { throw Problem(.outOfRange, "the element depends on \(found.leaves.count) leaves of \(name)") }
            return found
        }
        (self.receipt, self.spec, self.output) = (receipt, spec, output)
        (self.batch, self.row, self.column) = (batch, row, column)
        a = try excerpt("a", of: inputs, place.rowRanges)
        b = try excerpt("b", of: inputs, place.columnRanges)
        c = try excerpt(place.output, of: outputs, [place.elementRange])
    }
}

/// Where the row, the column and the element of a product lie in the bytes of their tensors.
struct ElementPlace {
    let gemm: GEMM
    /// The output that is the plain product.
    let output: String
    let rowRanges: [Range<Int>]
    let columnRanges: [Range<Int>]
    let elementRange: Range<Int>

    init(_ kernel: any Kernel, batch: Int, row: Int, column: Int) throws(Problem) {
        guard let product = kernel as? GEMMKernel else { throw Problem(.badParams, "evidence is about an element of a matrix product, not of \(kernel.name)") }
        let gemm = product.gemm
        guard (0..<gemm.count).contains(batch), (0..<gemm.m).contains(row), (0..<gemm.n).contains(column) else {
            throw Problem(.outOfRange, "the product has no element [\(batch), \(row), \(column)]")
        }
        self.gemm = gemm
        output = product.intermediates.first ?? "c"
        let (size, wide) = (gemm.inputDType.byteCount, gemm.outputDType.byteCount)
        let (startA, startB) = (batch * gemm.m * gemm.k, batch * gemm.k * gemm.n)
        rowRanges = Self.ranges(start: startA + (gemm.transposeA ? row : row * gemm.k), stride: gemm.transposeA ? gemm.m : 1, count: gemm.k, size)
        columnRanges = Self.ranges(
            start: startB + (gemm.transposeB ? column * gemm.k : column), stride: gemm.transposeB ? 1 : gemm.n, count: gemm.k, size)
        let element = (batch * gemm.m + row) * gemm.n + column
        elementRange = element * wide..<(element + 1) * wide
    }

    /// Bytes of `count` elements of `size` bytes, `stride` apart; no overflow, since all of them lie in a tensor.
    private static func ranges(start: Int, stride: Int, count: Int, _ size: Int) -> [Range<Int>] {
        if stride == 1 { return [start * size..<(start + count) * size] }
        return (0..<count).map { (start + $0 * stride) * size..<(start + $0 * stride + 1) * size }
    }
}
