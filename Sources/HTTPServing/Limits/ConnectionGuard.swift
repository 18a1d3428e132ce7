import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Wire

/// What Hummingbird leaves out for a connection: times for a head, least speeds for bodies in both directions, room made by
/// idle ones, and a problem document where a request can't be parsed.
///
/// Hummingbird has the idle timeout, the sizes of heads and a connection count; its timeout is renewed by every piece of a
/// body and stands still while an answer is written. All here is on the connection's event loop; one timer looks at everything.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Thrown into a body that comes too slowly.
    struct SlowBody: Error {}

    private let table: ConnectionTable
    private let limits: ConnectionLimits
    private var place: ConnectionTable.Place?
    private var timer: RepeatedTask?
    /// Heads read whose answers aren't written to their end.
    private var answersOwed = 0
    /// When the first byte of a head came that isn't whole yet.
    private var headSince: ContinuousClock.Instant?
    private var upload: Throughput?
    private var download: Throughput?
    /// Set once no more is said here: the connection is closed at this time.
    private var closeAt: ContinuousClock.Instant?
    /// Hummingbird's empty answer to a broken head is being replaced.
    private var isReplacing = false

    init(_ table: ConnectionTable, _ limits: ConnectionLimits) {
        self.table = table
        self.limits = limits
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        let first = NIOLoopBound(self, eventLoop: context.eventLoop)
        // Bytes show that a head has begun before any part of it comes through the parser.
        try? context.pipeline.syncOperations.addHandler(FirstBytes { first.value.bytesCame() }, position: .first)
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func begin(_ context: ChannelHandlerContext) {
        guard place == nil else { return }
        guard let place = table.open(context.channel) else { return context.close(promise: nil) }
        self.place = place
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let look = TimeAmount.nanoseconds(limits.look.nanoseconds)
        timer = context.eventLoop.scheduleRepeatedTask(initialDelay: look, delay: look) { _ in
            let (handler, context) = bound.value
            handler.look(context)
        }
    }

    private func end() {
        timer?.cancel()
        timer = nil
        if let place { table.close(place) }
    }

    // MARK: In

    private func bytesCame() {
        if answersOwed == 0, headSince == nil { headSince = .now }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            answersOwed += 1
            headSince = nil
            place?.idle = nil
            upload = Throughput()
        case .body(let buffer): upload?.add(buffer.readableBytes)
        case .end: upload = nil
        }
        context.fireChannelRead(data)
    }

    /// A read that is asked for is the other end's turn; one that isn't, since nobody takes the body further, is ours.
    func read(context: ChannelHandlerContext) {
        upload?.wait(from: .now)
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        upload?.stop(at: .now)
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A head that parses and still isn't a request is answered like one that doesn't parse.
        context.fireErrorCaught(error is HTTP1TypeConversionError ? HTTPParserError.invalidHeaderToken : error)
    }

    // MARK: Out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        if answersOwed == 0 || isReplacing { return replace(part, context, promise) }
        switch part {
        case .head: download = Throughput()
        case .body(let buffer): download?.add(buffer.readableBytes)
        case .end:
            answersOwed -= 1
            download = nil
            if answersOwed == 0 { place?.idle = .now }
        }
        if !context.channel.isWritable { download?.wait(from: .now) }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { download?.stop(at: .now) } else { download?.wait(from: .now) }
        context.fireChannelWritabilityChanged()
    }

    /// An answer that nobody asked for is Hummingbird's, without a body, to bytes that are no request.
    private func replace(_ part: HTTPResponsePart, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        switch part {
        case .head:
            isReplacing = true
            answer(Problem(.badRequest, "the bytes are not an HTTP/1.1 request with a head of at most \(limits.headBytes) bytes"), context)
            promise?.succeed()
        case .body: promise?.succeed()
        case .end:
            isReplacing = false
            promise?.succeed()
        }
    }

    /// Says why, and closes a moment later.
    private func answer(_ problem: Problem, _ context: ChannelHandlerContext) {
        let body = problem.json.canonicalBytes
        let head = HTTPResponse(
            status: .init(code: problem.code.status),
            headerFields: [.contentType: "application/problem+json", .contentLength: String(body.count), .connection: "close", .cacheControl: "no-store"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        closeAt = .now + limits.linger
    }

    // MARK: The look

    private func look(_ context: ChannelHandlerContext) {
        let now = ContinuousClock.now
        if let closeAt {
            if now >= closeAt { context.close(promise: nil) }
        } else if let headSince, now - headSince > limits.head {
            table.cut(.head)
            answer(Problem(.timeout, "the head of the request came too slowly"), context)
        } else if upload?.isTooSlow(limits.throughput, at: now) == true {
            // Its handler says so; nobody waits for the rest.
            table.cut(.body)
            upload = nil
            context.fireErrorCaught(SlowBody())
            closeAt = now + limits.linger
        } else if download?.isTooSlow(limits.throughput, at: now) == true {
            table.cut(.write)
            context.close(promise: nil)
        }
    }
}

/// Tells that bytes came in, whatever they are.
private final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let tell: () -> Void

    init(_ tell: @escaping () -> Void) { self.tell = tell }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        tell()
        context.fireChannelRead(data)
    }
}
