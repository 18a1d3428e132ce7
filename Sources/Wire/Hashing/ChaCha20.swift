private import CCrypto

/// The ChaCha20 keystream of RFC 8439 with nonce 0 and counter 0: the one source of seeded randomness in the protocol.
///
/// One owner draws from it in order; it is not meant to be shared.
@safe package final class ChaCha20 {
    private let context: OpaquePointer?
    private var buffer: [UInt8] = []
    private var position = 0

    /// - Parameter key: 32 bytes.
    package init(key: [UInt8]) {
        precondition(key.count == 32, "a ChaCha20 key has 32 bytes")
        unsafe context = EVP_CIPHER_CTX_new()
        // OpenSSL's 16-byte IV is the counter followed by the nonce.
        let started = unsafe EVP_EncryptInit_ex2(context, EVP_chacha20(), key, [UInt8](repeating: 0, count: 16), nil)
        precondition(started == 1, "OpenSSL can't compute ChaCha20")
    }

    package convenience init(key: Digest) { self.init(key: key.bytes) }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    /// Fills `memory` with the next bytes of the keystream.
    package func next(into memory: UnsafeMutableRawBufferPointer) {
        var rest = unsafe memory[...]
        if position < buffer.count {
            let taken = min(buffer.count - position, unsafe rest.count)
            unsafe UnsafeMutableRawBufferPointer(rebasing: rest.prefix(taken)).copyBytes(from: buffer[position..<position + taken])
            position += taken
            unsafe rest = rest.dropFirst(taken)
        }
        while unsafe !rest.isEmpty {
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: rest.prefix(1 << 24))
            unsafe generate(part)
            unsafe rest = rest.dropFirst(part.count)
        }
    }

    package func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        unsafe bytes.withUnsafeMutableBytes { unsafe next(into: $0) }
        return bytes
    }

    /// The next four bytes as a little-endian word.
    package func nextUInt32() -> UInt32 { UInt32(truncatingIfNeeded: word(4)) }

    /// The next eight bytes as a little-endian word.
    package func nextUInt64() -> UInt64 { word(8) }

    private func word(_ count: Int) -> UInt64 {
        if position + count > buffer.count {
            // Refill behind what is left, so that no byte of the stream is skipped.
            let left = Array(buffer[position...])
            var fresh = [UInt8](repeating: 0, count: 4096)
            unsafe fresh.withUnsafeMutableBytes { unsafe generate($0) }
            buffer = left + fresh
            position = 0
        }
        var word: UInt64 = 0
        for index in (0..<count).reversed() { word = word << 8 | UInt64(buffer[position + index]) }
        position += count
        return word
    }

    /// The keystream is the encryption of zeros.
    private func generate(_ memory: UnsafeMutableRawBufferPointer) {
        guard let base = memory.baseAddress else { return }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        var written: Int32 = 0
        let bytes = unsafe base.assumingMemoryBound(to: UInt8.self)
        let done = unsafe EVP_EncryptUpdate(context, bytes, &written, bytes, Int32(memory.count))
        precondition(done == 1 && Int(written) == memory.count, "OpenSSL can't compute ChaCha20")
    }
}
