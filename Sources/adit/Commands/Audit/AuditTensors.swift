import ChainClient
import Foundation
import Jobs
import Kernels
import TensorFiles
import Wire

/// Finds a job's tensors by their roots: in files that the auditor has, else at the coordinator; each checked against its root.
struct AuditTensors {
    let coordinator: CoordinatorClient
    /// Tensors of local files, by root.
    private let local: [Digest: TensorFile]
    /// Where downloads go; removed with `remove`.
    private let folder: String

    /// Opens and hashes every tensor of `paths`. Throws `io_failed`, `bad_tensor_file`.
    init(files paths: [String], coordinator: CoordinatorClient) throws(Problem) {
        self.coordinator = coordinator
        var local: [Digest: TensorFile] = [:]
        for path in paths {
            for file in try TensorFile.list(TensorArgument(path)) { local[file.tensor.root] = file }
        }
        self.local = local
        folder = FileManager.default.temporaryDirectory.appending(path: "adit-audit-\(UUID().uuidString)").path
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// The inputs of a spec, in its order. Random ones are made here.
    func inputs(_ spec: JobSpec) async throws(Problem) -> [Tensor] {
        var tensors: [Tensor] = []
        for input in spec.inputs {
            switch input.source {
            case .blob(let root): tensors.append(try await tensor(input.descriptor, root))
            case .random(let seed): tensors.append(try RandomTensor(seed: seed, descriptor: input.descriptor).generate())
            }
        }
        return tensors
    }

    func outputs(_ outputs: [OutputTensor]) async throws(Problem) -> [Tensor] {
        var tensors: [Tensor] = []
        for output in outputs { tensors.append(try await tensor(output.descriptor, output.root)) }
        return tensors
    }

    /// Throws `unknown_blob` where neither has the bytes.
    private func tensor(_ descriptor: TensorDescriptor, _ root: Digest) async throws(Problem) -> Tensor {
        if let file = local[root] { return try Tensor(descriptor, file.tensor.buffer) }
        guard descriptor.byteCount > 0 else { return try Tensor(zeros: descriptor) }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Problem(.ioFailed, "\(folder) can't be made: \(error.localizedDescription)")
        }
        let path = folder + "/" + root.hex
        if !FileManager.default.fileExists(atPath: path) {
            do throws(Problem) {
                try await coordinator.downloadBlob(root, byteCount: descriptor.byteCount, to: path)
            } catch {
                guard error.code == .unknownBlob else { throw error }
                throw Problem(.unknownBlob, "nobody here has tensor \(descriptor.name) of root \(root.hex); give the file that holds it with --tensors FILE")
            }
        }
        return try Tensor(descriptor, try MappedFile(path).buffer(0..<descriptor.byteCount))
    }
}
