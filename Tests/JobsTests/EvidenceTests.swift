import Jobs
import Kernels
import Ledger
import Signing
import Testing
import Wire

/// A paid product with all its tensors, honest or with one element changed by a worker that then committed to it.
private struct PaidProduct {
    let spec: JobSpec
    let inputs: [Tensor]
    let outputs: [Tensor]
    let output: OutputMetadata
    let terms: ReceiptTerms

    init(_ dtype: DType, transposeA: Bool = false, transposeB: Bool = false, random: Bool = false, cheatAt element: Int? = nil) throws {
        let (m, n, k) = (130, 67, 300)
        let a = try TensorDescriptor(name: "a", dtype: dtype, shape: transposeA ? [k, m] : [m, k])
        let b = try TensorDescriptor(name: "b", dtype: dtype, shape: transposeB ? [n, k] : [k, n])
        let tensors = try [a, b].map { try RandomTensor(seed: SHA256.hash(utf8: $0.name), descriptor: $0).generate() }
        let specs = zip([a, b], tensors).map { InputSpec($0, random ? .random(seed: SHA256.hash(utf8: $0.name)) : .blob($1.root)) }
        spec = try JobSpec(type: "gemm", params: ["transpose_a": .bool(transposeA), "transpose_b": .bool(transposeB)], inputs: specs)
        inputs = tensors
        let kernel = try spec.kernel()
        outputs = try kernel.reference(tensors)
        if let element {
            outputs[0].withMutableElements(as: UInt32.self) { $0[element] ^= 1 }
        }
        output = OutputMetadata(
            specHash: spec.hash, kernel: "gemm", arithmetic: kernel.arithmetic, outputs: outputs.map { OutputTensor($0.descriptor, root: $0.root) })
        terms = try Samples.lease().terms(miner: try Samples.key(3).address, outputHash: output.hash)
    }

    func evidence(_ row: Int, _ column: Int) throws -> ElementEvidence {
        try ElementEvidence(
            receipt: terms.receiptID, spec: spec, output: output, row: row, column: column, inputs: inputs, outputs: outputs)
    }
}

@Suite struct EvidenceTests {
    @Test(arguments: [DType.i8, .f32], [(false, false), (true, false), (false, true), (true, true)])
    func oneWrongElementIsProvenAndNoOther(_ dtype: DType, _ transposes: (Bool, Bool)) throws {
        let job = try PaidProduct(dtype, transposeA: transposes.0, transposeB: transposes.1, cheatAt: 5 * 67 + 9)
        for (row, column) in [(5, 9), (0, 0), (129, 66), (5, 8)] {
            let evidence = try job.evidence(row, column)
            let read = try ElementEvidence(json: try JSON.parse([UInt8](evidence.json.canonicalString.utf8)))
            #expect(read == evidence)
            #expect(try (read.verdict(job.terms) == .right) == ((row, column) != (5, 9)))
        }
    }

    @Test func whatTheSpecDrawsNeedsNoLeaves() throws {
        let job = try PaidProduct(.f32, random: true, cheatAt: 3)
        let evidence = try job.evidence(0, 3)
        #expect(evidence.a.leaves.isEmpty && evidence.b.leaves.isEmpty)
        #expect(try evidence.verdict(job.terms) != .right)
        #expect(try job.evidence(1, 3).verdict(job.terms) == .right)
    }

    /// Evidence that was tampered with is no evidence: it throws, and says nothing about the element.
    @Test func tamperedEvidenceIsNone() throws {
        let job = try PaidProduct(.f32)
        let evidence = try job.evidence(3, 4).json
        func verdictCode(_ key: String, _ value: JSON) -> Problem.Code? {
            code { _ = try ElementEvidence(json: evidence.with(key, value)).verdict(job.terms) }
        }
        let other = try PaidProduct(.f32, cheatAt: 0)
        #expect(try verdictCode("c", other.evidence(3, 4).json["c"] ?? .null) == .outputMismatch)
        #expect(verdictCode("a", .array([])) == .missingField)
        #expect(verdictCode("b", evidence["a"] ?? .null) == .outputMismatch)
        #expect(verdictCode("output", other.output.json) == .outputMismatch)
        #expect(verdictCode("row", 130) == .outOfRange)
        #expect(verdictCode("more", 1) == .unknownField)
        #expect(verdictCode("kind", "adit.leaf.v1") == .wrongType)
        #expect(verdictCode("receipt_id", .string("rcpt_" + String(repeating: "0", count: 32))) == .outputMismatch)
        #expect(verdictCode("spec", try Samples.spec().json) == .outputMismatch)
        // Another element's leaves don't pass for this one's where they lie in another leaf.
        #expect(code { _ = try ElementEvidence(json: evidence.with("row", 129)).verdict(job.terms) } == .missingField)
    }

    @Test func aLeafIsProvenAgainstTheReceipt() throws {
        let job = try PaidProduct(.f32)
        let tensor = job.outputs[0]
        let leaf = try unsafe tensor.buffer.withUnsafeBytes { raw in
            try unsafe TensorLeafProof(of: raw, leafHashes: TensorRoot.leafHashes(of: raw), index: 0)
        }
        let document = LeafDocument(receipt: job.terms.receiptID, output: job.output, name: "c", leaf: leaf)
        let read = try LeafDocument(json: try JSON.parse([UInt8](document.json.canonicalString.utf8)))
        #expect(read == document)
        try read.check(job.terms)
        let other = try PaidProduct(.f32, cheatAt: 0)
        #expect(code { try document.check(other.terms) } == .outputMismatch)
        #expect(code { try LeafDocument(receipt: job.terms.receiptID, output: job.output, name: "d", leaf: leaf).check(job.terms) } == .outputMismatch)
        #expect(code { try LeafDocument(receipt: job.terms.receiptID, output: other.output, name: "c", leaf: leaf).check(other.terms) } == .outputMismatch)
    }

    @Test func theAuditsSeedFollowsFromEightBlocks() throws {
        let (chain, receipt) = (try ChainID("ait-test-1"), try PaidProduct(.i8).terms.receiptID)
        let blocks = (0..<8).map { SHA256.hash(utf8: "block \($0)") }
        let text = "adit.audit.v1|ait-test-1|\(receipt.text)|" + blocks.map(\.hex).joined(separator: "|")
        #expect(try AuditSeed.digest(chain: chain, receipt: receipt, blocks: blocks) == SHA256.hash(utf8: text))
        #expect(code { _ = try AuditSeed.digest(chain: chain, receipt: receipt, blocks: Array(blocks.dropLast())) } == .outOfRange)
    }
}
