import TestSupport
import Testing
import Wire

@Suite struct HashingTests {
    @Test(.enabled(if: Vectors.present, Vectors.missing), arguments: [("SHA256ShortMsg.rsp", 65), ("SHA256LongMsg.rsp", 64)])
    func nistSHA256(file: String, count: Int) throws {
        var length = 0
        var message: [UInt8] = []
        var checked = 0
        for line in String(decoding: try Vectors.bytes("sha256-nist/" + file), as: UTF8.self).split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: " = ")
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "Len": length = Int(parts[1]) ?? 0
            case "Msg": message = Array((Hex.decode(String(parts[1])) ?? []).prefix(length / 8))
            case "MD":
                #expect(SHA256.hash(message).hex == parts[1])
                checked += 1
            default: break
            }
        }
        #expect(checked == count)
    }

    @Test func digestsAreFixedSize() {
        #expect(Digest(hex: "00") == nil)
        #expect(Digest(bytes: [UInt8](repeating: 0, count: 33)) == nil)
        #expect(Digest(hex: String(repeating: "A", count: 64)) == nil)
        let digest = SHA256.hash(utf8: "abc")
        #expect(Digest(hex: digest.hex) == digest)
        #expect(digest.bit(0) == (digest.bytes[0] & 0x80 != 0))
        #expect(digest.bit(255) == (digest.bytes[31] & 1 != 0))
    }

    @Test(.enabled(if: Vectors.present, Vectors.missing)) func merkleRoots() throws {
        let cases = try Vectors.protocolCases("merkle")
        #expect(cases.count == 12)
        for entry in cases {
            let leaves = try #require(entry["leaves"]?.arrayValue).map { Hex.decode($0.stringValue ?? "?") ?? [] }
            #expect(MerkleTree.root(leaves).hex == entry["root"]?.stringValue)
        }
    }

    @Test(.enabled(if: Vectors.present, Vectors.missing)) func rfc6962ReferenceTree() throws {
        let tree = try Vectors.json("certificate-transparency/rfc6962_reference_tree.json")
        let leaves = try #require(tree["leaf_inputs_hex"]?.arrayValue).map { Hex.decode($0.stringValue ?? "?") ?? [] }
        let roots = try #require(tree["roots_by_size_1_to_8"]?.arrayValue)
        #expect(MerkleTree.root([]).hex == tree["empty_root"]?.stringValue)
        for size in 1...8 { #expect(MerkleTree.root(Array(leaves.prefix(size))).hex == roots[size - 1].stringValue) }
        let hashes = leaves.map { MerkleTree.leafHash($0) }
        let paths = try #require(tree["inclusion_paths_leaf_is_1_based"]?.arrayValue)
        #expect(paths.count == 6)
        for entry in paths {
            let leaf = Int(try #require(entry["leaf"]?.integerValue))
            let size = Int(try #require(entry["tree_size"]?.integerValue))
            let path = try #require(entry["path_hex"]?.arrayValue).compactMap { Digest(hex: $0.stringValue ?? "") }
            // Leaf 0 of no leaves: there is nothing to prove.
            #expect(MerkleTree.inclusionProof(index: leaf - 1, leafHashes: Array(hashes.prefix(size))) == path)
            guard leaf > 0, leaf <= size, let root = Digest(hex: roots[size - 1].stringValue ?? "") else { continue }
            #expect(MerkleTree.verify(proof: path, index: leaf - 1, count: size, leafHash: hashes[leaf - 1], root: root))
        }
    }

    @Test func inclusionProofsHoldForTheirLeafAlone() {
        for count in [1, 2, 3, 5, 7, 8, 9, 64, 65, 100] {
            let hashes = (0..<count).map { MerkleTree.leafHash([UInt8($0)]) }
            let root = MerkleTree.root(leafHashes: hashes)
            for index in 0..<count {
                let proof = MerkleTree.inclusionProof(index: index, leafHashes: hashes)
                #expect(MerkleTree.verify(proof: proof, index: index, count: count, leafHash: hashes[index], root: root))
                #expect(!MerkleTree.verify(proof: proof, index: index, count: count, leafHash: MerkleTree.leafHash([255]), root: root))
                #expect(!MerkleTree.verify(proof: proof + [root], index: index, count: count, leafHash: hashes[index], root: root))
                if count > 1 { #expect(!MerkleTree.verify(proof: Array(proof.dropLast()), index: index, count: count, leafHash: hashes[index], root: root)) }
                if count > 1 { #expect(!MerkleTree.verify(proof: proof, index: (index + 1) % count, count: count, leafHash: hashes[index], root: root)) }
            }
            #expect(!MerkleTree.verify(proof: [], index: count, count: count, leafHash: hashes[0], root: root))
            #expect(!MerkleTree.verify(proof: [], index: -1, count: count, leafHash: hashes[0], root: root))
        }
    }

    @Test(.enabled(if: Vectors.present, Vectors.missing)) func tensorRoots() throws {
        let cases = try Vectors.protocolCases("tensor_roots")
        #expect(cases.count == 6)
        for entry in cases {
            let seed = try #require(Hex.decode(entry["keystream_seed"]?.stringValue ?? "?"))
            let bytes = ChaCha20(key: seed).bytes(Int(try #require(entry["bytes"]?.integerValue)))
            #expect(TensorRoot.root(of: bytes).hex == entry["root"]?.stringValue)
            var hasher = TensorHasher()
            var rest = bytes[...]
            var piece = 1
            while !rest.isEmpty {
                hasher.update(Array(rest.prefix(piece)))
                rest = rest.dropFirst(piece)
                piece = piece * 7 % 200_003 + 1
            }
            let streamed = hasher.finish()
            #expect(streamed.root.hex == entry["root"]?.stringValue)
            #expect(streamed.byteCount == bytes.count)
        }
    }

    /// Enough leaves for several threads.
    @Test func manyLeavesHashAlike() {
        let bytes = ChaCha20(key: SHA256.hash(utf8: "many")).bytes(50 * TensorRoot.leafSize + 17)
        var hasher = TensorHasher()
        hasher.update(bytes)
        #expect(hasher.finish().root == TensorRoot.root(of: bytes))
    }

    /// RFC 8439 appendix A.1, test vector 1: key, nonce and counter zero.
    @Test func chaCha20Keystream() {
        let expected = "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
        let zero = [UInt8](repeating: 0, count: 32)
        #expect(Hex.encode(ChaCha20(key: zero).bytes(64)) == expected)
        let words = ChaCha20(key: zero)
        var bytes: [UInt8] = []
        for _ in 0..<3000 { bytes += littleEndian(UInt64(words.nextUInt32()), 4) }
        bytes += littleEndian(words.nextUInt64(), 8)
        bytes += words.bytes(100)
        #expect(bytes == ChaCha20(key: zero).bytes(12_108))
    }

    private func littleEndian(_ word: UInt64, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
}
