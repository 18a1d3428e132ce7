import Foundation
package import Wire

/// A request's body: bytes of known count that can be read again from any place, as a reconnect may need.
///
/// Read on the transfer thread, so a read must not wait for anything but memory or a local disk.
package protocol UploadSource: Sendable {
    var byteCount: Int { get }
    /// Copies up to `target.count` bytes from `offset` on; the count copied is 0 only at the end.
    func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Problem) -> Int
}

/// A body held in memory.
package struct BytesSource: UploadSource {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var byteCount: Int { bytes.count }

    package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Problem) -> Int {
        let count = max(0, min(target.count, bytes.count - offset))
        guard count > 0 else { return 0 }
        unsafe bytes.withUnsafeBytes { all in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[offset..<(offset + count)]))
        }
        return count
    }
}

/// A range of a file, read as it is sent.
///
/// The descriptor is opened once and closed with the last reference; reads are positional, so copies don't disturb each other.
package final class FileSource: UploadSource {
    private let descriptor: Int32
    private let start: Int
    package let byteCount: Int

    /// Opens `path`; `length` nil means up to the end as it is now.
    ///
    /// - Throws: `io_failed` if the file can't be read or is shorter than asked.
    package init(path: String, offset: Int = 0, length: Int? = nil) throws(Problem) {
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { throw Problem(.ioFailed, "\(path) can't be opened: \(unsafe String(cString: strerror(errno)))") }
        var info = stat()
        guard unsafe fstat(opened, &info) == 0, offset >= 0, info.st_size >= offset, (length ?? 0) >= 0, Int(info.st_size) - offset >= (length ?? 0) else {
            close(opened)
            throw Problem(.ioFailed, "\(path) is shorter than it should be")
        }
        descriptor = opened
        start = offset
        byteCount = length ?? (Int(info.st_size) - offset)
    }

    deinit { close(descriptor) }

    package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Problem) -> Int {
        let count = max(0, min(target.count, byteCount - offset))
        guard count > 0 else { return 0 }
        let got = unsafe pread(descriptor, target.baseAddress, count, off_t(start + offset))
        guard got > 0 else {
            let reason = got < 0 ? unsafe String(cString: strerror(errno)) : "it has become shorter"
            throw Problem(.ioFailed, "a file to send could not be read: \(reason)")
        }
        return got
    }
}
