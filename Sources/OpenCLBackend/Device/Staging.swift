import COpenCL
import Wire

/// Rows of bytes in host memory, equally far apart: a block of a matrix.
struct HostRectangle {
    let offset: Int
    let rowBytes: Int
    let rows: Int
    let stride: Int

    var byteCount: Int { rowBytes * rows }

    /// A run of bytes without gaps.
    static func run(_ offset: Int, _ byteCount: Int) -> HostRectangle { HostRectangle(offset: offset, rowBytes: byteCount, rows: 1, stride: byteCount) }
}

/// Pinned host memory through which blocks go to a device and come back, in pieces, while the device computes.
///
/// Two pieces for each way: while one travels the other is filled or emptied. Drivers copy from other memory through such pieces of their
/// own and let nobody overlap that.
///
/// `@unchecked Sendable`: not for two threads at once, and never used so: it is part of a `Workplace`, which `OpenCLBackend` keeps behind a lock.
@safe final class Staging: @unchecked Sendable {
    static let pieceBytes = 8 << 20

    private let session: DeviceSession
    private var outgoing: [Piece] = []
    private var incoming: [Piece] = []

    init(_ session: DeviceSession) { self.session = session }

    /// Gives the pieces back; the next block takes new ones. Not while something travels.
    func drop() { (outgoing, incoming) = ([], []) }

    /// Copies a block into a device's buffer, packed, from `target` on. Returns once the last piece is on its way.
    ///
    /// - Parameter events: what has to be done before the buffer may be written.
    /// - Returns: what is done when everything has arrived; nil for an empty block.
    func send(_ block: HostRectangle, from base: UnsafeRawPointer, to buffer: DeviceBuffer, after events: [Event]) throws(Problem) -> Event? {
        if outgoing.isEmpty { outgoing = [try Piece(session), try Piece(session)] }
        var last: Event?
        var start = 0
        while start < block.byteCount {
            let piece = outgoing[(start / Self.pieceBytes) % 2]
            let bytes = min(Self.pieceBytes, block.byteCount - start)
            if let busy = piece.busy { try session.wait(busy) }
            Self.walk(block, start, bytes) { host, local, count in unsafe (piece.base + local).copyMemory(from: base + host, byteCount: count) }
            let offset = start
            last = try unsafe session.enqueued("clEnqueueWriteBuffer", after: last == nil ? events : []) { count, list, event in
                unsafe session.library.functions.clEnqueueWriteBuffer(
                    session.upload.raw, buffer.memory.raw, cl_bool(CL_FALSE), offset, bytes, piece.base, count, list, event)
            }
            piece.busy = last
            try session.flush(session.upload)
            start += bytes
        }
        return last
    }

    /// Copies a packed block from a device's buffer into host memory. Returns once everything is there.
    func fetch(_ block: HostRectangle, from buffer: DeviceBuffer, to base: UnsafeMutableRawPointer, after events: [Event]) throws(Problem) {
        if incoming.isEmpty { incoming = [try Piece(session), try Piece(session)] }
        var pending: (start: Int, bytes: Int, piece: Piece)?
        var start = 0
        while start < block.byteCount || pending != nil {
            var next: (start: Int, bytes: Int, piece: Piece)?
            if start < block.byteCount {
                let piece = incoming[(start / Self.pieceBytes) % 2]
                let bytes = min(Self.pieceBytes, block.byteCount - start)
                let offset = start
                piece.busy = try unsafe session.enqueued("clEnqueueReadBuffer", after: start == 0 ? events : []) { count, list, event in
                    unsafe session.library.functions.clEnqueueReadBuffer(
                        session.download.raw, buffer.memory.raw, cl_bool(CL_FALSE), offset, bytes, piece.base, count, list, event)
                }
                try session.flush(session.download)
                next = (start, bytes, piece)
                start += bytes
            }
            if let arrived = pending, let event = arrived.piece.busy {
                try session.wait(event)
                Self.walk(block, arrived.start, arrived.bytes) { host, local, count in
                    unsafe (base + host).copyMemory(from: arrived.piece.base + local, byteCount: count)
                }
            }
            pending = next
        }
    }

    /// The runs of host bytes that make up `count` bytes of the packed block from `start` on.
    private static func walk(_ block: HostRectangle, _ start: Int, _ count: Int, _ body: (_ host: Int, _ local: Int, _ count: Int) -> Void) {
        var done = 0
        while done < count {
            let (row, column) = (start + done).quotientAndRemainder(dividingBy: block.rowBytes)
            let run = min(block.rowBytes - column, count - done)
            body(block.offset + row * block.stride + column, done, run)
            done += run
        }
    }

    /// A piece of pinned memory, mapped for as long as it lives.
    @safe private final class Piece {
        let base: UnsafeMutableRawPointer
        /// The last transfer from or to it.
        var busy: Event?
        private let memory: Memory
        private let session: DeviceSession

        init(_ session: DeviceSession) throws(Problem) {
            let library = session.library
            var status: cl_int = 0
            let flags = cl_mem_flags(CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR)
            let raw = unsafe library.functions.clCreateBuffer(session.context.raw, flags, pieceBytes, nil, &status)
            try CLStatus.check(status, "clCreateBuffer of pinned memory")
            guard let raw = unsafe raw else { throw CLStatus.problem(-4, "clCreateBuffer") }
            memory = unsafe Memory(raw) { raw in _ = unsafe library.functions.clReleaseMemObject(raw) }
            let access = cl_map_flags(CL_MAP_READ | CL_MAP_WRITE)
            let mapped = unsafe library.functions.clEnqueueMapBuffer(
                session.upload.raw, raw, cl_bool(CL_TRUE), access, 0, pieceBytes, 0, nil, nil, &status)
            try CLStatus.check(status, "clEnqueueMapBuffer")
            guard let mapped = unsafe mapped else { throw CLStatus.problem(-12, "clEnqueueMapBuffer") }
            unsafe base = unsafe mapped
            self.session = session
        }

        deinit { _ = unsafe session.library.functions.clEnqueueUnmapMemObject(session.upload.raw, memory.raw, base, 0, nil, nil) }
    }
}
