import Hummingbird
import HummingbirdCore
import HTTPTypes
import NIOCore

/// Holds a long answer's source to what the connection takes.
///
/// NIO's async writer learns from the event loop that a connection can't take more. While that loop is busy elsewhere, its
/// answer to a write stands out and a source on another thread could put a whole tensor into its queue. A turn of the loop
/// after every `piece` bytes bounds the queue by that piece and NIO's own watermark, at one hop for a MiB.
struct PacedBodyMiddleware: RouterMiddleware {
    /// Bytes between two turns of the loop: answers up to this length go as they are.
    static let piece = 1 << 20

    func handle(
        _ request: Request, context: ServingContext, next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        var answer = try await next(request, context)
        let body = answer.body
        if let length = body.contentLength, length <= Self.piece { return answer }
        let loop = context.eventLoop
        answer.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(PacedWriter(writer: writer, loop: loop))
        }
        return answer
    }
}

/// A body's writer that lets the connection's event loop turn after each piece.
private struct PacedWriter: ResponseBodyWriter {
    var writer: any ResponseBodyWriter
    let loop: any EventLoop
    private var written = 0

    init(writer: any ResponseBodyWriter, loop: any EventLoop) {
        self.writer = writer
        self.loop = loop
    }

    mutating func write(_ buffer: ByteBuffer) async throws {
        try await writer.write(buffer)
        written += buffer.readableBytes
        guard written >= PacedBodyMiddleware.piece else { return }
        written = 0
        try await loop.submit {}.get()
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws { try await writer.finish(trailingHeaders) }
}
