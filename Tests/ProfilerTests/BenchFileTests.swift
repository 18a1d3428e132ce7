import Kernels
import Signing
import Testing
import Wire

@testable import Profiler

@Suite("A benchmark's certificate") struct BenchFileTests {
    static let machine = BenchMachine(
        cpu: "Test CPU", cores: 2, isa: ["avx2"], memoryBytes: 8 << 30, devices: ["cpu: portable, 2 threads"], blasCore: "Zen")

    static func document(_ products: [ReplayProduct] = []) -> BenchDocument {
        BenchDocument(at: 1_795_822_200, softwareVersion: "0.1.0", machine: machine, rates: RateTableTests.table, products: products)
    }

    @Test("Reads what it writes, signed or not, to the byte") func roundTrip() throws {
        let product = try #require(try ReplayProduct.run(.i32Exact, n: 16, seed: SHA256.hash(utf8: "x"), on: Plain(), limit: 1 << 20, runs: 1))
        let key = try PrivateKey.generate()
        for file in [BenchFile(Self.document([product])), BenchFile(Self.document([product]), key: key)] {
            let bytes = file.json.canonicalBytes
            let read = try BenchFile(bytes: bytes)
            #expect(read == file)
            #expect(read.json.canonicalBytes == bytes)
        }
        #expect(BenchFile(Self.document(), key: key).signer == key.publicKey)
        #expect(BenchFile(Self.document()).signer == nil)
    }

    @Test("A digit changed, a key replaced, a signature of another document: none of them holds") func tampered() throws {
        let (key, other) = (try PrivateKey.generate(), try PrivateKey.generate())
        let text = BenchFile(Self.document(), key: key).json.canonicalString
        let signed = BenchFile(Self.document(), key: other).json
        let faster = text.replacing(#""perSecond":5,"#, with: #""perSecond":6,"#)
        let renamed = text.replacing("Test CPU", with: "Best CPU")
        let stolen = text.replacing(key.publicKey.hex, with: other.publicKey.hex)
        let own = try #require(BenchFile(Self.document(), key: key).json["signature"]?.stringValue)
        let mixed = text.replacing(own, with: try #require(signed["signature"]?.stringValue))
        for changed in [faster, renamed, stolen, mixed] {
            #expect(changed != text)
            let problem = #expect(throws: Problem.self) { try BenchFile(bytes: [UInt8](changed.utf8)) }
            #expect(problem?.code == .badSignature)
        }
    }

    @Test("A signature without a key, a key without one, a member too many") func incomplete() throws {
        let object = try #require(BenchFile(Self.document(), key: try PrivateKey.generate()).json.objectValue)
        for missing in ["signature", "publicKey", "bench"] {
            let rest = JSON.object(JSONObject(distinct: object.members.filter { $0.key != missing }.map { ($0.key, $0.value) }))
            #expect(throws: Problem.self, "\(missing)") { try BenchFile(bytes: rest.canonicalBytes) }
        }
        #expect(throws: Problem.self) { try BenchFile(bytes: JSON.object(object.setting("more", to: 1)).canonicalBytes) }
    }

    @Test("Truncated anywhere, it is refused") func truncated() throws {
        let bytes = BenchFile(Self.document(), key: try PrivateKey.generate()).json.canonicalBytes
        for length in stride(from: 0, to: bytes.count, by: 13) {
            #expect(throws: Problem.self, "\(length)") { try BenchFile(bytes: Array(bytes.prefix(length))) }
        }
        #expect(throws: Problem.self) { try BenchFile(bytes: [UInt8](repeating: 0x20, count: BenchFile.largestBytes + 1)) }
    }

    @Test("A replay gives the same root from the same seed, and another from another") func replay() throws {
        let seed = SHA256.hash(utf8: "seed")
        let first = try #require(try ReplayProduct.run(.f32Panel256, n: 24, seed: seed, on: Plain(), limit: 1 << 20, runs: 1))
        let again = try #require(try ReplayProduct.run(.f32Panel256, n: 24, seed: seed, on: Plain(), limit: 1 << 20, runs: 1))
        let other = try #require(try ReplayProduct.run(.f32Panel256, n: 24, seed: SHA256.hash(utf8: "other"), on: Plain(), limit: 1 << 20, runs: 1))
        #expect(first.root == again.root)
        #expect(first.root != other.root)
        #expect(first.perSecond > 0)
        #expect(try ReplayProduct(json: first.json) == first)
        let object = try #require(first.json.objectValue)
        // Nobody computes 2^40 operations for a stranger, nor compares bits that differ from machine to machine.
        for (key, value) in [("n", 4_097), ("n", 0), ("arithmetic", "bf16-f32"), ("seed", "00")] as [(String, JSON)] {
            #expect(throws: Problem.self, "\(key)") { try ReplayProduct(json: .object(object.setting(key, to: value))) }
        }
        #expect(throws: Problem.self) { try ReplayProduct.run(.f32Panel256, n: 24, seed: seed, on: Plain(), limit: 100) }
    }
}

/// The plain definition.
private struct Plain: ComputeBackend {
    let name = "plain"
    let device = "definition"
    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }
    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        let kernel = try GEMMKernel(params: [:], inputs: [a.descriptor, b.descriptor])
        let made = try kernel.reference([a, b])[0]
        unsafe c.buffer.withUnsafeMutableBytes { to in unsafe made.buffer.withUnsafeBytes { unsafe to.copyMemory(from: $0) } }
    }
}
