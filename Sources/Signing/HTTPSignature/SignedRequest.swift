import Wire

/// The parts of a request that its signature covers (RFC 9421 section 2.2).
package struct SignedRequest: Sendable {
    package let method: String
    /// Host and port as sent, lower case.
    package let authority: String
    package let path: String
    /// The query without its "?"; empty when there is none.
    package let query: String

    package init(method: String, authority: String, path: String, query: String) {
        self.method = method
        self.authority = authority.lowercased()
        self.path = path
        self.query = query
    }

    /// The value of a covered component, or nil for one that we don't sign.
    func value(of component: String, contentDigest: String?) -> String? {
        switch component {
        case "@method": method
        case "@authority": authority
        case "@path": path
        // RFC 9421 section 2.2.7: an absent query is "?" alone.
        case "@query": "?" + query
        case "content-digest": contentDigest
        default: nil
        }
    }

    /// The signature base of RFC 9421 section 2.5: one line a component, then the parameters.
    func base(components: [String], parameters: String, contentDigest: String?) -> [UInt8]? {
        var lines: [String] = []
        for component in components {
            guard let value = value(of: component, contentDigest: contentDigest) else { return nil }
            lines.append("\"\(component)\": \(value)")
        }
        lines.append("\"@signature-params\": \(parameters)")
        return Array(lines.joined(separator: "\n").utf8)
    }
}

/// How the body is bound to the signature.
package enum BodyBinding: Sendable {
    /// There is none.
    case none
    /// By `Content-Digest` (RFC 9530).
    case bytes([UInt8])
    /// By the path, which names its hash: a blob's PUT.
    case boundByPath
}

/// What a good signature says about its request.
package struct VerifiedRequest: Sendable, Equatable {
    package let address: Address
    package let key: PublicKey
    /// 32 hex digits, to be remembered until `expires` so that the request can't be sent twice.
    package let nonce: String
    /// Unix seconds.
    package let created: Int64
    package let expires: Int64
}
