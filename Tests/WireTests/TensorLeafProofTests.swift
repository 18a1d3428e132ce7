import Testing

@testable import Wire

@Suite struct TensorLeafProofTests {
    private static let sizes = [1, 65_535, 65_536, 65_537, 3 * 65_536, 5 * 65_536 + 3]

    private func bytes(_ count: Int) -> [UInt8] { ChaCha20(key: SHA256.hash(utf8: "leaf \(count)")).bytes(count) }

    private func proofs(_ bytes: [UInt8]) throws -> [TensorLeafProof] {
        try unsafe bytes.withUnsafeBytes { raw in
            let hashes = unsafe TensorRoot.leafHashes(of: raw)
            return try hashes.indices.map { try unsafe TensorLeafProof(of: raw, leafHashes: hashes, index: $0) }
        }
    }

    @Test(arguments: sizes) func everyLeafHoldsUnderItsRootAlone(_ size: Int) throws {
        let bytes = bytes(size)
        let root = TensorRoot.root(of: bytes)
        let proofs = try proofs(bytes)
        #expect(proofs.count == TensorRoot.leafCount(byteCount: size))
        #expect(proofs.flatMap(\.bytes) == bytes)
        for proof in proofs {
            #expect(proof.holds(under: root) && !proof.holds(under: SHA256.hash(utf8: "another")))
            let read = try TensorLeafProof(json: JSON.parse([UInt8](proof.json.canonicalString.utf8)))
            #expect(read == proof)
        }
    }

    @Test func whatIsChangedDoesNotHold() throws {
        let bytes = bytes(5 * 65_536 + 3)
        let root = TensorRoot.root(of: bytes)
        let proof = try proofs(bytes)[2]
        func changed(_ key: String, _ value: JSON) throws -> TensorLeafProof {
            let members = proof.json.objectValue?.members.map { ($0.key, $0.key == key ? value : $0.value) } ?? []
            return try TensorLeafProof(json: .object(JSONObject(distinct: members)))
        }
        #expect(try !changed("leaf", 3).holds(under: root))
        #expect(try !changed("byteCount", .integer(Int64(9 * 65_536))).holds(under: root))
        var other = proof.bytes
        other[70] ^= 1
        #expect(try !changed("bytes", .string(Base64.encode(other))).holds(under: root))
        #expect(try !changed("path", .array(proof.path.dropLast().map { .string($0.hex) })).holds(under: root))
        #expect(try !changed("path", .array(proof.path.reversed().map { .string($0.hex) })).holds(under: root))
    }

    @Test func badDocumentsAreRefused() throws {
        let proof = try proofs(bytes(70_000))[1]
        func code(_ change: (inout [(String, JSON)]) -> Void) -> Problem.Code? {
            var members = proof.json.objectValue?.members.map { ($0.key, $0.value) } ?? []
            change(&members)
            do throws(Problem) {
                _ = try TensorLeafProof(json: .object(JSONObject(distinct: members)))
                return nil
            } catch { return error.code }
        }
        func set(_ key: String, _ value: JSON) -> Problem.Code? { code { members in members = members.map { ($0.0, $0.0 == key ? value : $0.1) } } }
        #expect(code { $0.append(("more", 1)) } == .unknownField)
        #expect(code { $0.removeLast() } == .missingField)
        #expect(set("leaf", 2) == .outOfRange, "there are two leaves")
        #expect(set("byteCount", 0) == .outOfRange)
        #expect(set("bytes", "AAAA") == .outOfRange, "too short for the leaf")
        #expect(set("bytes", "????") == .badJSON)
        #expect(set("path", ["zz"]) == .badHex)
        #expect(set("path", .array(Array(repeating: .string(Digest.zero.hex), count: 65))) == .outOfRange)
        #expect(throws: Problem.self) { try unsafe bytes(3).withUnsafeBytes { try unsafe TensorLeafProof(of: $0, leafHashes: [], index: 0) } }
    }
}
