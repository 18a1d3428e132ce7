import ChainClient
import Foundation
import Jobs
import Kernels
import Ledger
import Wire

/// A job's outputs, as a file or as numbers.
enum JobOutput {
    /// Fetches the outputs, each checked against its root on its way, and puts the file in place whole.
    ///
    /// A path that ends in `.npy` gets NumPy's format, any other safetensors. Throws `bad_params` for several outputs in a `.npy` file.
    ///
    /// - Parameter all: also what is committed to only so that it can be checked.
    static func save(_ result: TaskResult, all: Bool = false, from coordinator: CoordinatorClient, to path: String) async throws(Problem) {
        let outputs = try wanted(result, all)
        try OutputPlace.check(path, outputs: outputs.map(\.descriptor), inputs: [])
        let (header, order) = try layout(outputs.map(\.descriptor), result, path)
        let temporary = path + ".new"
        defer { try? FileManager.default.removeItem(atPath: temporary) }
        guard FileManager.default.createFile(atPath: temporary, contents: Data(header)), let file = FileHandle(forWritingAtPath: temporary) else {
            throw Problem(.ioFailed, "\(temporary) can't be created: \(Files.reason())")
        }
        for descriptor in order {
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
        guard unsafe rename(temporary, path) == 0 else { throw Problem(.ioFailed, "\(path) can't be replaced: \(Files.reason())") }
    }

    private static func wanted(_ result: TaskResult, _ all: Bool) throws(Problem) -> [OutputTensor] {
        let intermediates = all ? [] : try result.spec.kernel().intermediates
        return result.output.outputs.filter { !intermediates.contains($0.descriptor.name) }
    }

    /// What a kernel's work will leave, without what is committed to only so that it can be checked, unless `all` is wanted.
    static func wanted(_ kernel: any Kernel, all: Bool) -> [TensorDescriptor] {
        all ? kernel.outputs : kernel.outputs.filter { !kernel.intermediates.contains($0.name) }
    }

    /// The bytes before the outputs' own, and their order.
    private static func layout(_ outputs: [TensorDescriptor], _ result: TaskResult, _ path: String) throws(Problem) -> ([UInt8], [TensorDescriptor]) {
        guard path.hasSuffix(".npy") else {
            let writer = try SafetensorsWriter(outputs, metadata: ["adit_receipt": result.receipt.terms.receiptID.text])
            return (writer.header, writer.order)
        }
        guard let only = outputs.first, outputs.count == 1 else {
            throw Problem(.badParams, "the job has \(outputs.count) outputs, and a .npy file holds one; write safetensors")
        }
        return (try NumpyHeader.bytes(for: only), outputs)
    }

    /// The elements as numbers, nested as the shape is, fetched and checked against their roots; an object by name for several outputs.
    /// Nil where an output has more than `Tensor.maxShown`.
    static func values(_ result: TaskResult, from coordinator: CoordinatorClient) async throws(Problem) -> JSON? {
        let outputs = try wanted(result, false)
        guard outputs.allSatisfy({ $0.descriptor.elementCount <= Tensor.maxShown }) else { return nil }
        var shown: [(String, JSON)] = []
        for output in outputs {
            let bytes = try await coordinator.blob(output.root, byteCount: output.descriptor.byteCount)
            if let value = try Tensor(output.descriptor, TensorBuffer(bytes)).shown { shown.append((output.descriptor.name, value)) }
        }
        return shown.count == 1 ? shown[0].1 : .object(try JSONObject(shown))
    }

    /// The result's document with the values, as the coordinator shows it to people.
    static func json(_ result: TaskResult, _ values: JSON?) -> JSON {
        guard let values, let object = result.json.objectValue else { return result.json }
        return .object(JSONObject(distinct: object.members.map { ($0.key, $0.value) } + [("result", values)]))
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
