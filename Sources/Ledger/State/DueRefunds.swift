/// The closing escrows by the height at which their money goes back, so that a block finds what is due without a search.
///
/// It follows from the escrows in the state, so it is rebuilt from them and is not part of the state root.
struct DueRefunds: Sendable, Equatable {
    private var jobs: [Int64: Set<JobID>] = [:]

    /// Takes note of what became of an escrow.
    mutating func replace(_ before: Escrow?, by after: Escrow) {
        if let before, before.status == .closing {
            jobs[before.closingAt]?.remove(before.jobID)
            if jobs[before.closingAt]?.isEmpty == true { jobs[before.closingAt] = nil }
        }
        if after.status == .closing { jobs[after.closingAt, default: []].insert(after.jobID) }
    }

    /// The jobs whose money goes back at the start of the block of this height, in the order of their ids.
    func due(at height: Int64) -> [JobID] { jobs[height]?.sorted() ?? [] }
}
