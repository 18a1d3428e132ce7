import ChainClient
import Foundation
import Jobs
import Kernels
import Ledger
import Wire

/// Writes a job's outputs into one safetensors file.
enum JobOutput {
    /// Fetches every output, each checked against its root on its way, and puts the file in place whole.
    static func save(_ result: TaskResult, from coordinator: CoordinatorClient, to path: String) async throws(Problem) {
        let outputs = result.output.outputs
        let writer = try SafetensorsWriter(outputs.map(\.descriptor), metadata: ["adit_receipt": result.receipt.terms.receiptID.text])
        let temporary = path + ".new"
        defer { try? FileManager.default.removeItem(atPath: temporary) }
        guard FileManager.default.createFile(atPath: temporary, contents: Data(writer.header)), let file = FileHandle(forWritingAtPath: temporary) else {
            throw Problem(.ioFailed, "\(temporary) can't be created")
        }
        for descriptor in writer.order {
            guard let output = outputs.first(where: { $0.descriptor == descriptor }) else { continue }
            let part = path + ".part"
            defer { try? FileManager.default.removeItem(atPath: part) }
            try await coordinator.downloadBlob(output.root, byteCount: descriptor.byteCount, to: part)
            try append(part, to: file, path: temporary)
        }
        do {
            try file.synchronize()
            try file.close()
        } catch {
            throw Problem(.ioFailed, "\(temporary) can't be written: \(error.localizedDescription)")
        }
        guard unsafe rename(temporary, path) == 0 else { throw Problem(.ioFailed, "\(path) can't be replaced") }
    }

    private static func append(_ part: String, to file: FileHandle, path: String) throws(Problem) {
        do {
            guard let source = FileHandle(forReadingAtPath: part) else { throw Problem(.ioFailed, "\(part) can't be opened") }
            try file.seekToEnd()
            while let chunk = try source.read(upToCount: 1 << 20), !chunk.isEmpty { try file.write(contentsOf: chunk) }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.ioFailed, "\(path) can't be written: \(error.localizedDescription)")
        }
    }
}
