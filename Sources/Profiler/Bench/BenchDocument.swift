import Jobs
package import Signing
package import Wire

/// A benchmark's outcome as a file: the machine, its rates, and products that can be computed again.
package struct BenchDocument: Sendable, Equatable {
    /// Unix seconds at the end of the measurement, by the machine's clock.
    package let at: Int64
    package let softwareVersion: String
    package let machine: BenchMachine
    package let rates: RateTable
    package let products: [ReplayProduct]

    package init(at: Int64, softwareVersion: String, machine: BenchMachine, rates: RateTable, products: [ReplayProduct]) {
        (self.at, self.softwareVersion, self.machine, self.rates, self.products) = (at, softwareVersion, machine, rates, products)
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "bench")
        _ = try fields.integer("version", in: 1...1)
        // Until the year 9999, which is as far as a date is written.
        at = try fields.integer("at", in: 0...253_402_300_799)
        softwareVersion = try fields.string("software", maxBytes: 64)
        machine = try BenchMachine(json: try fields.value("machine"))
        rates = try RateTable(json: try fields.value("rates"))
        products = try JSON.map(try fields.array("products", maxCount: 16)) { (item) throws(Problem) in try ReplayProduct(json: item) }
        try fields.finish()
    }

    package var json: JSON {
        [
            "version": 1, "at": .integer(at), "software": .string(softwareVersion), "machine": machine.json, "rates": rates.json,
            "products": .array(products.map(\.json)),
        ]
    }
}

/// What `adit bench --json` writes, and what a certificate is: the same with a key and its signature.
package struct BenchFile: Sendable, Equatable {
    package let document: BenchDocument
    /// Who signed it; nil for a plain file. Checked when it is read.
    package let signer: PublicKey?
    private let signature: Signature?

    /// Larger files aren't read: 1,024 rows of at most some 600 bytes, and the notes.
    package static let largestBytes = 1 << 20

    /// A plain file.
    package init(_ document: BenchDocument) { (self.document, signer, signature) = (document, nil, nil) }

    /// A certificate.
    package init(_ document: BenchDocument, key: PrivateKey) {
        self.document = document
        signer = key.publicKey
        signature = key.sign(Self.digest(document.json, key.publicKey))
    }

    /// Reads either. Throws `bad_signature` for one that doesn't hold; the document's own problems.
    package init(bytes: [UInt8]) throws(Problem) {
        guard bytes.count <= Self.largestBytes else { throw Problem(.payloadTooLarge, "a benchmark's file has at most \(Self.largestBytes) bytes") }
        var fields = try JSONFields(try JSON.parse(bytes), "benchmark's file")
        let body = try fields.value("bench")
        let key = try fields.optionalString("publicKey", maxBytes: 64).map { (hex) throws(Problem) in try PublicKey(hex: hex, field: "publicKey") }
        let signature = try fields.optionalString("signature", maxBytes: 128).map { (hex) throws(Problem) in try Signature(hex: hex, field: "signature") }
        try fields.finish()
        guard (key == nil) == (signature == nil) else { throw Problem(.badSignature, "a key and a signature come together") }
        // The signature is about what stands there, before anything of it is understood.
        if let key, let signature, !key.verifies(signature, of: Self.digest(body, key)) {
            throw Problem(.badSignature, "the signature doesn't hold: the file was changed, or another key signed it")
        }
        document = try BenchDocument(json: body)
        (signer, self.signature) = (key, signature)
    }

    package var json: JSON {
        .members([("bench", document.json), ("publicKey", (signer?.hex).map { .string($0) }), ("signature", (signature?.hex).map { .string($0) })])
    }

    /// What is signed: a tag for kind and version, the key, the document's canonical form by its hash.
    private static func digest(_ body: JSON, _ key: PublicKey) -> Digest { SHA256.hash(utf8: "adit.bench.v1|\(key.hex)|\(body.canonicalDigest.hex)") }
}
