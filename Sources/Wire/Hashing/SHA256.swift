private import CCrypto

/// SHA-256 (FIPS 180-4) by OpenSSL's EVP, which uses the CPU's SHA instructions where there are any.
@safe package struct SHA256: ~Copyable {
    private let context: OpaquePointer?

    /// Fetched once: an implicit fetch at each hash costs as much as a short message. Immutable, so it may be shared.
    private nonisolated(unsafe) static let algorithm: OpaquePointer? = unsafe EVP_MD_fetch(nil, "SHA256", nil)

    package init() {
        unsafe context = EVP_MD_CTX_new()
        let started = unsafe EVP_DigestInit_ex2(context, Self.algorithm, nil)
        precondition(started == 1, "OpenSSL can't compute SHA-256")
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    package mutating func update(_ raw: UnsafeRawBufferPointer) {
        let done = unsafe EVP_DigestUpdate(context, raw.baseAddress, raw.count)
        precondition(done == 1, "OpenSSL can't compute SHA-256")
    }

    package mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    package consuming func finalize() -> Digest {
        unsafe Digest { memory in
            let done = unsafe EVP_DigestFinal_ex(context, memory.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
            precondition(done == 1, "OpenSSL can't compute SHA-256")
        }
    }

    /// SHA-256 of one byte and two digests: a node of a tree, without an array in between.
    package static func hash(_ prefix: UInt8, _ left: Digest, _ right: Digest) -> Digest {
        unsafe withUnsafeTemporaryAllocation(byteCount: 65, alignment: 8) { memory in
            unsafe memory[0] = prefix
            unsafe left.write(to: UnsafeMutableRawBufferPointer(rebasing: memory[1...]))
            unsafe right.write(to: UnsafeMutableRawBufferPointer(rebasing: memory[33...]))
            return unsafe hash(UnsafeRawBufferPointer(memory))
        }
    }

    package static func hash(_ raw: UnsafeRawBufferPointer) -> Digest {
        unsafe Digest { memory in
            // One call for a whole message: no context that lives longer.
            let done = unsafe EVP_Digest(raw.baseAddress, raw.count, memory.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, algorithm, nil)
            precondition(done == 1, "OpenSSL can't compute SHA-256")
        }
    }

    package static func hash(_ bytes: [UInt8]) -> Digest {
        unsafe bytes.withUnsafeBytes { unsafe hash($0) }
    }

    package static func hash(utf8 text: String) -> Digest { hash(Array(text.utf8)) }
}
