import Kernels
package import Ledger
package import Wire

/// One leaf of a paid job's output, provable to anybody who has the chain: what `adit prove` writes.
///
/// The receipt on the chain names the output's hash, that hash the outputs' roots, and a root its leaves.
package struct LeafDocument: Sendable, Equatable {
    static let kind = "adit.leaf.v1"

    package let receipt: ReceiptID
    package let output: OutputMetadata
    /// The output's name.
    package let name: String
    package let leaf: TensorLeafProof

    package init(receipt: ReceiptID, output: OutputMetadata, name: String, leaf: TensorLeafProof) {
        (self.receipt, self.output, self.name, self.leaf) = (receipt, output, name, leaf)
    }

    /// Throws `output_mismatch` unless the leaf is one of the output that the receipt's terms name.
    ///
    /// - Parameter terms: of the chain's receipt of this name.
    package func check(_ terms: ReceiptTerms) throws(Problem) {
        guard terms.receiptID == receipt else { throw Problem(.outputMismatch, "the document is about receipt \(receipt)") }
        guard terms.outputHash == output.hash else { throw Problem(.outputMismatch, "the receipt on the chain is for another output") }
        guard let tensor = output.outputs.first(where: { $0.descriptor.name == name }) else {
            throw Problem(.outputMismatch, "the output has no tensor \"\(name.prefix(64))\"")
        }
        guard leaf.byteCount == tensor.descriptor.byteCount, leaf.holds(under: tensor.root) else {
            throw Problem(.outputMismatch, "leaf \(leaf.index) does not belong to the root of \(tensor.descriptor.name)")
        }
    }

    /// Reads what `json` wrote; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "leaf document")
        guard try fields.string("kind", maxBytes: 64) == Self.kind else { throw Problem(.wrongType, "not a document of kind \(Self.kind)") }
        receipt = try ReceiptID(fields.string("receipt_id"))
        output = try OutputMetadata(json: try fields.value("output"))
        name = try fields.string("name", maxBytes: 256)
        leaf = try TensorLeafProof(json: try fields.value("leaf"))
        try fields.finish()
    }

    package var json: JSON {
        ["kind": .string(Self.kind), "receipt_id": .string(receipt.text), "output": output.json, "name": .string(name), "leaf": leaf.json]
    }
}
