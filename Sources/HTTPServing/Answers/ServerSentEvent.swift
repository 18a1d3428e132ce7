package import Hummingbird
import NIOCore
package import Wire

/// One event of a `text/event-stream` answer, or a comment that keeps the connection alive.
package enum ServerSentEvent: Sendable {
    /// `id` comes back as `Last-Event-ID` when the client connects again. None of the texts may have a line break.
    case event(id: String, name: String, data: JSON)
    /// Nothing that a client sees; it finds connections whose other end is gone.
    case beat

    var bytes: ByteBuffer {
        switch self {
        // Canonical JSON escapes line breaks, so the data is one line.
        case .event(let id, let name, let data): ByteBuffer(string: "id: \(id)\nevent: \(name)\ndata: \(data.canonicalString)\n\n")
        case .beat: ByteBuffer(string: ": beat\n\n")
        }
    }
}

extension Response {
    /// An answer that goes on for as long as `events` does. What a client does not take waits in the stream, which its owner bounds.
    package static func events(_ events: AsyncStream<ServerSentEvent>) -> Response {
        let body = ResponseBody { writer in
            // At once, so that the client sees the head and knows how long to wait before it connects again.
            try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
            for await event in events { try await writer.write(event.bytes) }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body)
    }
}
