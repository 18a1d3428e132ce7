import Signing
import Synchronization
import Wire

/// Whose upload of what: each key has its own, so that nobody can stand in another's way.
struct UploadKey: Sendable, Hashable {
    let root: Digest
    let owner: Address

    /// The name of the file that holds what has arrived.
    var fileName: String { "\(root.hex).\(owner.text)" }
}

/// Uploads that have begun and are not whole, as far as this run knows them. The store knows which there are; their bytes are files.
final class PartialUploads: Sendable {
    private struct State {
        /// With the leaves that they must have, once the client has said them.
        var known: [UploadKey: BlobReceiver] = [:]
        /// Longest known first.
        var order: [UploadKey] = []
        var leaves = 0
        var writing: Set<UploadKey> = []

        mutating func forget(_ key: UploadKey) {
            guard let receiver = known.removeValue(forKey: key) else { return }
            leaves -= receiver.expected?.count ?? 0
            order.removeAll { $0 == key }
        }
    }

    /// Uploads in memory, each with an open file, and their leaves in all: 64 MiB. Leaves that were let go of are said again.
    private static let limit = 64
    private static let leafLimit = 1 << 21
    private let state = Mutex(State())

    /// Takes the one place of a writer. Throws `unavailable` while another connection has it.
    func begin(_ key: UploadKey) throws(Problem) {
        guard state.withLock({ $0.writing.insert(key).inserted }) else {
            throw Problem(.unavailable, "another upload of this blob by this key is under way; try again in a moment")
        }
    }

    func end(_ key: UploadKey) { state.withLock { _ = $0.writing.remove(key) } }

    func receiver(_ key: UploadKey) -> BlobReceiver? { state.withLock { $0.known[key] } }

    func keep(_ receiver: BlobReceiver, as key: UploadKey) {
        state.withLock { state in
            state.forget(key)
            state.known[key] = receiver
            state.order.append(key)
            state.leaves += receiver.expected?.count ?? 0
            while state.order.count > 1, state.order.count > Self.limit || state.leaves > Self.leafLimit { state.forget(state.order[0]) }
        }
    }

    func forget(_ key: UploadKey) { state.withLock { $0.forget(key) } }
}
