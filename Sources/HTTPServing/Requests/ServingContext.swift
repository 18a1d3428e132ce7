package import Hummingbird
import Logging
import NIOCore
import Synchronization
package import Wire

/// What a handler knows of its request besides the request itself: its id, its peer, its route's parameters and a logger.
package struct ServingContext: RequestContext {
    package var coreContext: CoreRequestContextStorage

    /// Names this request in the answer (`x-request-id`), in the log and in problem documents; unique within the process.
    package let requestID: String

    /// The other end's address without its port, as text; nil for a Unix socket.
    package let peer: String?

    /// The connection's own.
    let eventLoop: any EventLoop

    package init(source: ApplicationRequestContextSource) {
        requestID = RequestIDs.next()
        eventLoop = source.channel.eventLoop
        peer = source.channel.remoteAddress?.ipAddress
        coreContext = CoreRequestContextStorage(source: source)
        // Hummingbird's own id lives in the log handler alone, and not every handler keeps metadata.
        logger[metadataKey: "hb.request.id"] = nil
        logger[metadataKey: "request_id"] = "\(requestID)"
    }

    /// A parameter of the route's template, percent-decoded: `hash` of `/getTx/{hash}`.
    ///
    /// - Throws: `bad_request` when the template has no such parameter or its text is longer than 256 bytes.
    package func parameter(_ name: String) throws(Problem) -> String {
        guard let text = parameters.get(name), text.utf8.count <= 256 else {
            throw Problem(.badRequest, "the path's \(name) is missing or too long")
        }
        return text
    }
}

/// Request ids: a random start of the process, then a count.
private enum RequestIDs {
    private static let process = Hex.encode((0..<6).map { _ in UInt8.random(in: .min ... .max) })
    private static let count = Atomic<UInt64>(0)

    static func next() -> String { process + "-" + String(count.add(1, ordering: .relaxed).newValue) }
}

extension Request {
    /// A member of the query, percent-decoded; nil where it is absent.
    package func query(_ name: String) -> String? {
        uri.queryParameters[Substring(name)].map(String.init)
    }

    /// A header's value by its name in any case; nil where it is absent.
    package func header(_ name: String) -> String? {
        for field in headers where field.name.canonicalName == name.lowercased() { return field.value }
        return nil
    }
}
