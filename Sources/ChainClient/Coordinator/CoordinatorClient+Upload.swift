import Signing
package import Wire

extension CoordinatorClient {
    /// From this size on an upload that was cut is gone on with; a smaller one is sent again.
    package static let resumableBytes = 8 << 20

    /// Uploads a tensor's bytes under their root, over as many connections as it takes.
    ///
    /// A large upload whose connection ends goes on where it was: the client says the hashes of all leaves, is told how much is there,
    /// and sends the rest, each leaf of which the coordinator checks as it arrives. The requests are signed without a digest of the
    /// body: the path holds the root (PROTOCOL section 10).
    ///
    /// - Parameter patience: how long it tries without getting further, pauses of up to five seconds between; a coordinator that still
    ///   holds the broken connection for a living one lets go of it within half a minute.
    /// - Throws: `blob_mismatch`, `quota_exceeded`, `payload_too_large` from the coordinator; the last passing failure; `canceled`.
    package func putBlob(_ root: Digest, _ source: any UploadSource, patience: Duration = .seconds(60)) async throws(Problem) {
        var leaves: BytesSource?
        var furthest = 0
        var deadline = ContinuousClock.now + patience
        var pause = Duration.milliseconds(200)
        while true {
            let received: Result<Int, Problem> = if let leaves { await declare(root, source.byteCount, leaves) } else { .success(0) }
            if case .success(let received) = received, received > furthest {
                furthest = received
                deadline = .now + patience
                pause = .milliseconds(200)
            }
            let problem: Problem
            switch received {
            case .success(source.byteCount) where leaves != nil: return
            case .success(let received):
                switch await send(root, source, from: received, isResuming: leaves != nil) {
                case .success: return
                case .failure(let failure): problem = failure
                }
            case .failure(let failure): problem = failure
            }
            guard problem.isTransient || (problem.code == .blobIncomplete && leaves != nil), .now < deadline else { throw problem }
            do { try await Task.sleep(for: pause) } catch { throw Problem(.canceled, "stopped before the blob was sent") }
            pause = min(pause * 2, .seconds(5))
            if leaves == nil, source.byteCount >= Self.resumableBytes { leaves = BytesSource(try await Self.leafHashes(of: source)) }
        }
    }

    /// Sends the bytes from `offset` to the end.
    private func send(_ root: Digest, _ source: any UploadSource, from offset: Int, isResuming: Bool) async -> Result<Void, Problem> {
        let path = "/blobs/\(root.hex)"
        guard isResuming else { return await put(path, source).map { _ in } }
        do throws(Problem) {
            let range = try ContentRange(first: offset, last: source.byteCount - 1, total: source.byteCount)
            return await put(path, RestOfSource(source, from: offset), headers: [("Content-Range", range.text)]).map { _ in }
        } catch {
            return .failure(error)
        }
    }

    /// Says the leaves' hashes, and is told how many bytes are there.
    private func declare(_ root: Digest, _ byteCount: Int, _ leaves: BytesSource) async -> Result<Int, Problem> {
        await put("/blobs/\(root.hex)/leaves", query: "?bytes=\(byteCount)", leaves).flatMap { answer in
            do throws(Problem) {
                let received = try Problem.reading("leaves") { () throws(Problem) in
                    var fields = try JSONFields(answer, "answer")
                    return try fields.integer("received")
                }
                guard (0...Int64(byteCount)).contains(received) else { throw Problem(.badAnswer, "\(received) of \(byteCount) bytes can't be there") }
                return .success(Int(received))
            } catch {
                return .failure(error)
            }
        }
    }

    private func put(
        _ path: String, query: String = "", _ body: any UploadSource, headers: [(name: String, value: String)] = []
    ) async -> Result<JSON, Problem> {
        let all = signature(.put, path, query, .boundByPath) + [("Content-Type", "application/octet-stream")] + headers
        let request = HTTPRequest(.put, base, path: path, query: query, headers: all, body: body, limits: .bulk(answerBytes: 1 << 20))
        do throws(Problem) {
            return .success(try await http.send(request).checked().json())
        } catch {
            return .failure(error)
        }
    }

    /// The hashes of all leaves, one behind the other. Reads the source once, a MiB at a time, and gives way to others between.
    private static func leafHashes(of source: any UploadSource) async throws(Problem) -> [UInt8] {
        var hashes: [UInt8] = []
        hashes.reserveCapacity(32 * TensorRoot.leafCount(byteCount: source.byteCount))
        var offset = 0
        while offset < source.byteCount {
            let bytes = try piece(of: source, at: offset, count: min(16 * TensorRoot.leafSize, source.byteCount - offset))
            for leaf in unsafe bytes.withUnsafeBytes({ unsafe TensorRoot.leafHashes(of: $0) }) { hashes += leaf.bytes }
            offset += bytes.count
            await Task.yield()
        }
        return hashes
    }

    private static func piece(of source: any UploadSource, at offset: Int, count: Int) throws(Problem) -> [UInt8] {
        var failure: Problem?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(Problem) {
                while filled < count {
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<count])
                    let got = try unsafe source.read(at: offset + filled, into: rest)
                    if got == 0 { throw Problem(.ioFailed, "what is to be sent is shorter than it said") }
                    filled += got
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

/// A source's bytes from some place on.
private struct RestOfSource: UploadSource {
    let source: any UploadSource
    let start: Int

    init(_ source: any UploadSource, from start: Int) {
        self.source = source
        self.start = start
    }

    var byteCount: Int { source.byteCount - start }

    func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Problem) -> Int {
        try unsafe source.read(at: start + offset, into: target)
    }
}
