import CCurl
import Synchronization
import Wire

/// One exchange in flight: what libcurl's callbacks read and write.
///
/// `@unchecked Sendable`: after `HTTPClient` has handed it over, the transfer thread alone touches it, until the
/// thread has resumed the caller with the outcome.
final class Transfer: @unchecked Sendable {
    let id: UInt64
    let request: HTTPRequest
    /// What holds its bytes back; nil for a message.
    var bandwidth: (down: Bandwidth, up: Bandwidth)?
    private let sink: (any DownloadSink)?
    private var finish: ((Result<HTTPResponse, Problem>) -> Void)?

    private var sent = 0
    private var status = 0
    private var headers: [(name: String, value: String)] = []
    private var headerBytes = 0
    private var head: HTTPHead?
    private var received = 0
    private var body: [UInt8] = []
    private var failure: Problem?

    /// An answer's headers may take this much in all.
    private static let maxHeaderBytes = 64 << 10
    /// A refusal's body may take this much.
    private static let maxRefusalBytes = 64 << 10

    init(id: UInt64, request: HTTPRequest, sink: (any DownloadSink)?, finish: @escaping (Result<HTTPResponse, Problem>) -> Void) {
        self.id = id
        self.request = request
        self.sink = sink
        self.finish = finish
    }

    /// Ends the exchange with libcurl's verdict; later calls do nothing.
    func complete(_ code: CURLcode) {
        if let failure { return end(.failure(failure)) }
        if code == CURLE_OPERATION_TIMEDOUT {
            return end(.failure(Problem(.timeout, "\(request.method.rawValue) \(request.base)\(request.path) took too long")))
        }
        guard code == CURLE_OK else {
            let reason = unsafe String(cString: curl_easy_strerror(code))
            return end(.failure(Problem(.transportFailed, "\(request.method.rawValue) \(request.base)\(request.path): \(reason)")))
        }
        guard let head else { return end(.failure(Problem(.badAnswer, "an answer without a head"))) }
        end(.success(HTTPResponse(head: head, body: body)))
    }

    func end(_ outcome: Result<HTTPResponse, Problem>) {
        finish?(outcome)
        finish = nil
    }

    // MARK: callbacks

    var mayReceive: Bool { bandwidth?.down.mayMove(id) ?? true }
    var maySend: Bool { bandwidth?.up.mayMove(id) ?? true }

    /// Fills libcurl's send buffer; nil ends the transfer.
    func fill(_ target: UnsafeMutableRawBufferPointer) -> Int? {
        guard let source = request.body else { return 0 }
        do {
            let most = min(target.count, bandwidth?.up.mostAtOnce ?? .max)
            let count = try unsafe source.read(at: sent, into: UnsafeMutableRawBufferPointer(rebasing: target[..<most]))
            sent += count
            bandwidth?.up.didMove(count)
            return count
        } catch {
            failure = error
            return nil
        }
    }

    /// Goes back for a request that is sent again on a fresh connection.
    func seek(to offset: Int) -> Bool {
        guard let source = request.body, (0...source.byteCount).contains(offset) else { return false }
        sent = offset
        return true
    }

    /// Takes one header line, its line end included.
    func header(_ line: UnsafeRawBufferPointer) -> Bool {
        headerBytes += line.count
        guard headerBytes <= Self.maxHeaderBytes else { return fail(Problem(.badAnswer, "the answer's headers are over \(Self.maxHeaderBytes) bytes")) }
        let text = unsafe String(decoding: line, as: UTF8.self).trimmingTail()
        if text.hasPrefix("HTTP/") {
            let parts = text.split(separator: " ", maxSplits: 2)
            guard parts.count >= 2, let number = Int(parts[1]) else { return fail(Problem(.badAnswer, "bad status line")) }
            status = number
            headers = []
        } else if text.isEmpty {
            return status >= 200 && head == nil ? beginBody() : true
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append((text[..<colon].lowercased(), String(value)))
        }
        return true
    }

    private func beginBody() -> Bool {
        let head = HTTPHead(status: status, headers: headers)
        self.head = head
        if head.isSuccess, request.method != .head, let length = head.contentLength, length > request.limits.answerBytes { return failTooLarge() }
        guard head.isSuccess, let sink else { return true }
        do {
            try sink.begin(head)
            return true
        } catch {
            return fail(error)
        }
    }

    /// Takes a part of the body.
    func receive(_ chunk: UnsafeRawBufferPointer) -> Bool {
        guard let head else { return fail(Problem(.badAnswer, "a body before its head")) }
        received += chunk.count
        bandwidth?.down.didMove(chunk.count)
        guard head.isSuccess else {
            // A refusal's body is read for its problem; what is beyond the bound is dropped.
            if received <= Self.maxRefusalBytes { unsafe body.append(contentsOf: chunk) }
            return true
        }
        guard received <= request.limits.answerBytes else { return failTooLarge() }
        guard let sink else {
            unsafe body.append(contentsOf: chunk)
            return true
        }
        do {
            try unsafe sink.receive(chunk)
            return true
        } catch {
            return fail(error)
        }
    }

    private func failTooLarge() -> Bool { fail(Problem(.payloadTooLarge, "the answer is over \(request.limits.answerBytes) bytes")) }

    private func fail(_ problem: Problem) -> Bool {
        failure = failure ?? problem
        return false
    }
}

extension String {
    fileprivate func trimmingTail() -> Substring {
        var rest = self[...]
        while let last = rest.unicodeScalars.last, last == "\r" || last == "\n" || last == " " || last == "\t" { rest.unicodeScalars.removeLast() }
        return rest
    }
}
