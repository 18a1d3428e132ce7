import Wire

extension Result where Failure == Problem {
    /// What comes of an asynchronous body, for where no typed error gets through: task groups and handlers of cancellation.
    static func of(_ body: () async throws(Problem) -> Success) async -> Result {
        do throws(Problem) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    /// What went wrong; nil where nothing did.
    var problem: Problem? { if case .failure(let problem) = self { problem } else { nil } }
}
