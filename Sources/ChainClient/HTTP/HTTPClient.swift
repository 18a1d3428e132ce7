import Synchronization
package import Wire

/// HTTP/1.1 over libcurl: keep-alive, streamed bodies, bounds on everything, `http` and `https` only, no redirects, no proxy.
///
/// All transfers of a client share one thread of their own; an `await` here never holds a thread of Swift's pool.
/// Cancelling the awaiting task ends the transfer. Share one client: connections are kept in it.
package final class HTTPClient: Sendable {
    private let loop: TransferLoop
    private let counter = Atomic<UInt64>(0)

    /// - Parameter maxConnections: in all; transfers beyond it wait their turn, within their own limits.
    /// - Throws: `transport_failed` where libcurl can't be started.
    package init(maxConnections: Int = 64) throws(Problem) {
        guard let loop = TransferLoop(maxConnections: maxConnections) else { throw Problem(.transportFailed, "libcurl can't be started") }
        self.loop = loop
    }

    deinit { loop.stop() }

    /// Cancels every transfer and ends the thread; later requests are refused as `canceled`.
    package func close() { loop.stop() }

    /// Has transfers of tensors share so many bytes per second in each direction, those on their way too; nil for any number. Messages are not counted.
    package func limit(bytesPerSecond: Int64?) { loop.limit(bytesPerSecond: bytesPerSecond) }

    /// Sends a request and waits for the whole answer, whatever its status.
    ///
    /// - Parameter sink: takes the body of a 2xx answer as it arrives; nil keeps it in memory.
    /// - Throws: `transport_failed`, `timeout`, `payload_too_large` (the answer), `canceled`, `bad_answer`, or what the body's source or the sink threw.
    package func send(_ request: HTTPRequest, sink: (any DownloadSink)? = nil) async throws(Problem) -> HTTPResponse {
        try request.validate()
        guard !Task.isCancelled else { throw Problem(.canceled, "canceled before it was sent") }
        let id = counter.add(1, ordering: .relaxed).newValue
        let outcome: Result<HTTPResponse, Problem> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.submit(Transfer(id: id, request: request, sink: sink) { continuation.resume(returning: $0) })
                // A cancellation that came before the transfer was there found nothing to end.
                if Task.isCancelled { loop.cancel(id) }
            }
        } onCancel: {
            loop.cancel(id)
        }
        return try outcome.get()
    }
}
