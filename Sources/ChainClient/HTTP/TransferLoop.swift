import CCurl
import Foundation
import Synchronization
import Wire

/// One thread that drives every transfer of a client over one libcurl multi handle, which also keeps connections alive.
///
/// No call of libcurl that can wait runs on Swift's shared pool. `@unchecked Sendable`: `inbox` is behind a lock,
/// `curl_multi_wakeup` may be called from any thread, and all else belongs to the thread.
@safe final class TransferLoop: @unchecked Sendable {
    private struct Inbox {
        var arrivals: [Transfer] = []
        var cancellations: [UInt64] = []
        var isStopped = false
    }

    private let inbox = Mutex(Inbox())
    private let multi: UnsafeMutableRawPointer
    /// By the address of the easy handle, which is how libcurl names it.
    private var running: [UInt: EasyHandle] = [:]
    /// Bytes per second in each direction that long transfers share; 0 for any number.
    private let rate = Atomic<Int64>(0)
    private let down = Bandwidth()
    private let up = Bandwidth()

    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    /// Starts the thread; nil where libcurl has no memory.
    init?(maxConnections: Int) {
        guard Self.isLibraryReady, let multi = unsafe curl_multi_init() else { return nil }
        unsafe self.multi = unsafe multi
        _ = unsafe adit_curl_multi_setopt_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, maxConnections)
        _ = unsafe adit_curl_multi_setopt_long(multi, CURLMOPT_MAXCONNECTS, maxConnections)
        let thread = Thread { self.run() }
        thread.name = "adit-http"
        thread.stackSize = 512 << 10
        thread.start()
    }

    /// Hands a transfer over; it ends as canceled if the loop has stopped.
    func submit(_ transfer: Transfer) {
        let accepted = inbox.withLock { inbox in
            guard !inbox.isStopped else { return false }
            inbox.arrivals.append(transfer)
            _ = unsafe curl_multi_wakeup(multi)
            return true
        }
        if !accepted { transfer.end(.failure(Problem(.canceled, "the client was closed"))) }
    }

    /// Ends the transfer with this id, if it was submitted before and is still running.
    func cancel(_ id: UInt64) {
        inbox.withLock { inbox in
            guard !inbox.isStopped else { return }
            inbox.cancellations.append(id)
            _ = unsafe curl_multi_wakeup(multi)
        }
    }

    /// Has long transfers share so many bytes per second in each direction, from now on; nil for any number.
    func limit(bytesPerSecond: Int64?) {
        rate.store(max(0, bytesPerSecond ?? 0), ordering: .relaxed)
        inbox.withLock { inbox in if !inbox.isStopped { _ = unsafe curl_multi_wakeup(multi) } }
    }

    /// Cancels everything and ends the thread, which frees the handle: so every wake-up is made inside the lock and
    /// after a look at `isStopped`.
    func stop() {
        inbox.withLock { inbox in
            guard !inbox.isStopped else { return }
            inbox.isStopped = true
            _ = unsafe curl_multi_wakeup(multi)
        }
    }

    // MARK: the thread

    private func run() {
        while true {
            let (arrivals, cancellations, isStopped) = inbox.withLock { inbox in
                defer { (inbox.arrivals, inbox.cancellations) = ([], []) }
                return (inbox.arrivals, inbox.cancellations, inbox.isStopped)
            }
            for transfer in arrivals { start(transfer) }
            for id in cancellations { abort(id, "canceled") }
            if isStopped { break }
            let rate = rate.load(ordering: .relaxed)
            for id in down.turn(bytesPerSecond: rate) + up.turn(bytesPerSecond: rate) { handle(of: id)?.goOn() }
            var active: Int32 = 0
            _ = unsafe curl_multi_perform(multi, &active)
            for id in down.waiting + up.waiting { handle(of: id)?.isSlowByOrder() }
            collect()
            let pause = min(down.pause ?? .seconds(1), up.pause ?? .seconds(1), .seconds(1))
            var ready: Int32 = 0
            _ = unsafe curl_multi_poll(multi, nil, 0, Int32(pause.wholeMilliseconds), &ready)
        }
        for handle in Array(running.values) { abort(handle.transfer.id, "the client was closed") }
        _ = unsafe curl_multi_cleanup(multi)
    }

    private func start(_ transfer: Transfer) {
        // Messages stay as quick as they are: a heartbeat must not wait behind a tensor.
        if transfer.request.isLong { transfer.bandwidth = (down, up) }
        guard let handle = EasyHandle(transfer), unsafe curl_multi_add_handle(multi, handle.pointer) == CURLM_OK else {
            return transfer.end(.failure(Problem(.transportFailed, "libcurl can't start a transfer")))
        }
        running[handle.address] = handle
    }

    private func handle(of id: UInt64) -> EasyHandle? { running.values.first { $0.transfer.id == id } }

    private func abort(_ id: UInt64, _ reason: String) {
        guard let handle = handle(of: id) else { return }
        remove(handle)
        handle.transfer.end(.failure(Problem(.canceled, reason)))
    }

    private func remove(_ handle: EasyHandle) {
        _ = unsafe curl_multi_remove_handle(multi, handle.pointer)
        running[handle.address] = nil
    }

    /// Ends the transfers that libcurl reports as done.
    private func collect() {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE, let easy = unsafe message.pointee.easy_handle, let handle = running[UInt(bitPattern: easy)] else {
                continue
            }
            // Read before the handle goes: the message lives in it.
            let code = unsafe message.pointee.data.result
            remove(handle)
            handle.transfer.complete(code)
        }
    }
}
