import ChainNode
import Wire

extension SQLiteChainStore {
    /// Opens a store whose last user was dropped just now. A node lives on a thread of its own, where its last reference may end a moment
    /// after the caller went on; until then the store is rightly refused.
    static func reopened(_ path: String) async throws -> SQLiteChainStore {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let opened = Result { try SQLiteChainStore(path: path) }
            guard case .failure(let error) = opened, (error as? Problem)?.code == .unavailable else { return try opened.get() }
            try await Task.sleep(for: .milliseconds(10))
        }
        return try SQLiteChainStore(path: path)
    }
}
