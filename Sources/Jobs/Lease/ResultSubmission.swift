package import Wire

/// A small tensor that travels inside a message instead of by itself: one round trip less for a small job.
package struct InlineTensor: Sendable, Equatable {
    /// All inline tensors of one message together.
    package static let maxBytes = 65_536

    package let root: Digest
    package let bytes: [UInt8]

    /// For bytes whose root is known to be this one.
    package init(root: Digest, bytes: [UInt8]) { (self.root, self.bytes) = (root, bytes) }

    /// Reads `{"root", "bytes"}`, where `bytes` is base64. Throws `blob_mismatch` unless the bytes have the root.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "inline tensor")
        root = try fields.digest("root")
        guard let bytes = Base64.decode(try fields.string("bytes", maxBytes: (Self.maxBytes + 2) / 3 * 4)) else {
            throw Problem(.wrongType, "the bytes of an inline tensor are canonical base64")
        }
        try fields.finish()
        let found = unsafe bytes.withUnsafeBytes { raw in unsafe TensorRoot.root(of: raw) }
        guard found == root else { throw Problem(.blobMismatch, "these \(bytes.count) bytes have the root \(found.hex)") }
        self.bytes = bytes
    }

    package var json: JSON { ["root": .string(root.hex), "bytes": .string(Base64.encode(bytes))] }
}

/// The body of `POST /leases/{id}/result`: the commitment, small outputs' bytes beside it, and whether more work is wanted.
package struct ResultSubmission: Sendable, Equatable {
    package let result: LeaseResult
    /// Outputs that were not uploaded.
    package let tensors: [InlineTensor]
    /// The most leases that the answer may bring, 0…16; nil where the worker doesn't ask.
    package let next: Int?

    package init(_ result: LeaseResult, tensors: [InlineTensor] = [], next: Int? = nil) {
        (self.result, self.tensors, self.next) = (result, tensors, next)
    }

    /// Reads a result's members with `tensors` and `next`; unknown members are refused at every level.
    package init(json: JSON) throws(Problem) {
        guard case .object(let object) = json else { throw Problem(.wrongType, "lease result is not an object") }
        var fields = try JSONFields(json, "lease result")
        var tensors: [InlineTensor] = []
        if fields.optional("tensors") != nil {
            tensors = try JSON.map(try fields.array("tensors", maxCount: 64)) { (item) throws(Problem) in try InlineTensor(json: item) }
        }
        guard tensors.reduce(0, { $0 + $1.bytes.count }) <= InlineTensor.maxBytes else {
            throw Problem(.payloadTooLarge, "inline tensors have at most \(InlineTensor.maxBytes) bytes together; upload larger ones")
        }
        self.tensors = tensors
        next = try fields.optionalInteger("next", in: 0...16).map { Int($0) }
        let members = object.members.filter { $0.key != "tensors" && $0.key != "next" }
        result = try LeaseResult(json: .object(JSONObject(distinct: members.map { ($0.key, $0.value) })))
    }

    package var json: JSON {
        guard var object = result.json.objectValue else { return result.json }
        if !tensors.isEmpty { object = object.setting("tensors", to: .array(tensors.map(\.json))) }
        if let next { object = object.setting("next", to: .integer(Int64(next))) }
        return .object(object)
    }
}

/// The answer to an accepted result: the coordinator's signature, and the leases that were asked for with it.
package struct ResultAnswer: Sendable, Equatable {
    package let result: LeaseResultAnswer
    package let leases: [Lease]

    package init(_ result: LeaseResultAnswer, leases: [Lease] = []) { (self.result, self.leases) = (result, leases) }

    package init(json: JSON) throws(Problem) {
        result = try LeaseResultAnswer(json: json)
        var fields = try JSONFields(json, "lease result answer")
        guard fields.optional("leases") != nil else {
            leases = []
            return
        }
        leases = try JSON.map(try fields.array("leases", maxCount: 16)) { (item) throws(Problem) in try Lease(json: item) }
    }

    /// `leases` is there where there are some.
    package var json: JSON {
        guard !leases.isEmpty, let object = result.json.objectValue else { return result.json }
        return .object(object.setting("leases", to: .array(leases.map(\.json))))
    }
}
