import Foundation
import TensorFiles
import Testing
import Wire

/// Writes past the page cache, beside the usual ones that take what is left over.
@Suite struct DirectFileTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("adit-direct-\(UUID().uuidString)").path

    private func filled(_ count: Int) throws -> AlignedBytes {
        let bytes = try AlignedBytes(capacity: max(count, 1))
        let pattern = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        #expect(unsafe pattern.withUnsafeBytes { unsafe bytes.append($0) } == count)
        return bytes
    }

    @Test(arguments: [0, 1, 4_095, 4_096, 4_097, 65_536, 524_288, 1_000_001])
    func wholePagesGoPastTheCacheAndTheRestIsLeft(_ count: Int) throws {
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        defer { try? FileManager.default.removeItem(atPath: path) }
        // Some file systems have no such way: then there is nothing to write through.
        guard let file = DirectFile(path: path) else { return }
        let bytes = try filled(count)
        let pages = count / DirectFile.alignment * DirectFile.alignment
        let written = try unsafe bytes.withUnsafeBytes { (raw) throws(Problem) in try unsafe file.write(raw, at: 2 * DirectFile.alignment) }
        // 0 from a disk that wants more than whole pages.
        #expect(written == pages || written == 0)
        let found = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(found.count == (written > 0 ? 2 * DirectFile.alignment + written : 0))
        #expect(unsafe bytes.withUnsafeBytes { unsafe found.dropFirst(2 * DirectFile.alignment).elementsEqual($0.prefix(written)) })
    }

    @Test func whatIsNotAlignedIsLeftToTheUsualWay() throws {
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard let file = DirectFile(path: path) else { return }
        let bytes = try filled(3 * DirectFile.alignment)
        try unsafe bytes.withUnsafeBytes { (raw) throws(Problem) in
            for offset in [1, 512, DirectFile.alignment - 1] { #expect(try unsafe file.write(raw, at: offset) == 0) }
            let shifted = unsafe UnsafeRawBufferPointer(rebasing: raw[8...])
            #expect(try unsafe file.write(shifted, at: 0) == 0)
            #expect(try unsafe file.write(UnsafeRawBufferPointer(start: nil, count: 0), at: 0) == 0)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).isEmpty)
    }

    @Test func noFileNoWay() {
        #expect(DirectFile(path: path) == nil)
    }

    @Test func memoryTakesWhatItHasRoomFor() throws {
        let bytes = try AlignedBytes(capacity: 10)
        #expect(unsafe Array(UInt8(0)..<7).withUnsafeBytes { unsafe bytes.append($0) } == 7)
        #expect(unsafe Array(UInt8(7)..<14).withUnsafeBytes { unsafe bytes.append($0) } == 3)
        #expect(unsafe [UInt8(1)].withUnsafeBytes { unsafe bytes.append($0) } == 0)
        #expect(unsafe bytes.withUnsafeBytes { unsafe Array($0) } == Array(0..<10))
        bytes.truncate(to: 4)
        bytes.truncate(to: 9)
        #expect(bytes.count == 4)
        #expect(throws: Problem.self) { try AlignedBytes(capacity: 0) }
    }
}
