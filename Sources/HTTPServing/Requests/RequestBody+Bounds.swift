package import Hummingbird
package import NIOCore
package import Wire

/// A request's body, chunk by chunk as it arrives, never longer than its bound.
///
/// Refused as `payload_too_large` when the declared length or the bytes counted so far are over the bound, and as
/// `bad_request` when the sender hangs up early, so that half a body never passes for a whole one.
package struct BoundedBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    let body: RequestBody
    let limit: Int
    let declared: Int?

    package struct AsyncIterator: AsyncIteratorProtocol {
        var base: RequestBody.AsyncIterator
        let limit: Int
        let declared: Int?
        var count = 0

        package mutating func next() async throws -> ByteBuffer? {
            let chunk: ByteBuffer?
            do {
                chunk = try await base.next()
            } catch {
                if error is CancellationError { throw error }
                if error is ConnectionGuard.SlowBody { throw Problem(.timeout, "the body came too slowly") }
                throw Problem(.badRequest, "the body could not be read to its end")
            }
            guard let chunk else {
                if let declared, declared != count { throw Problem(.badRequest, "the body ended before its declared length") }
                return nil
            }
            guard chunk.readableBytes <= limit - count else { throw BoundedBody.tooLarge(limit) }
            count += chunk.readableBytes
            return chunk
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: body.makeAsyncIterator(), limit: limit, declared: declared)
    }

    static func tooLarge(_ limit: Int) -> Problem {
        Problem(.payloadTooLarge, "the body may have at most \(limit) bytes here")
    }
}

extension Request {
    /// The declared length; nil when the body is chunked.
    ///
    /// - Throws: `bad_request` when the header isn't a plain decimal number.
    package func declaredLength() throws(Problem) -> Int? {
        guard let text = headers[.contentLength] else { return nil }
        guard let length = Int(text), length >= 0 else { throw Problem(.badRequest, "Content-Length is not a number") }
        return length
    }

    /// The body as a stream of at most `limit` bytes; a longer declared length is refused before a byte is read.
    ///
    /// - Throws: `payload_too_large`, `bad_request`.
    package func bounded(limit: Int) throws(Problem) -> BoundedBody {
        let declared = try declaredLength()
        if let declared, declared > limit { throw BoundedBody.tooLarge(limit) }
        return BoundedBody(body: body, limit: limit, declared: declared)
    }

    /// The whole body, at most `limit` bytes.
    ///
    /// - Parameter patience: what the sender gets for it. It is looked at whenever bytes come; the connection's guard
    ///   ends a sender that sends none, or too few.
    /// - Throws: `payload_too_large`, `bad_request`, `timeout`, `unavailable` when all bodies together take too much memory.
    package func readBody(limit: Int, patience: Duration = .seconds(30)) async throws -> [UInt8] {
        let chunks = try bounded(limit: limit)
        let deadline = ContinuousClock.now + patience
        var bytes: [UInt8] = []
        let account = BodyAccount.current
        var taken = 0
        for try await chunk in chunks {
            if bytes.count + chunk.readableBytes > taken {
                // Doubled while it is needed, as the array itself grows; never more than the bound.
                let more = min(limit, max(4096, (bytes.count + chunk.readableBytes) * 2)) - taken
                try account?.take(more)
                taken += more
            }
            guard ContinuousClock.now <= deadline else { throw Problem(.timeout, "the body came too slowly") }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        return bytes
    }

    /// The whole body as strict JSON, at most `limit` bytes.
    ///
    /// - Throws: `payload_too_large`, `bad_request`, and what `JSON.parse` refuses.
    package func readJSON(limit: Int, reals: Bool = false) async throws -> JSON {
        try JSON.parse(try await readBody(limit: limit), reals: reals)
    }
}
