extension Mempool {
    /// The transactions for the next block: of all senders' next nonces always the one with the highest fee, the earlier at the
    /// same fee.
    package func selection(state: LedgerState, limit: Int = Block.maxTransactions) -> [Transaction] {
        var heap = Heap()
        for (sender, queue) in queues {
            let last = state.account(sender).nonce
            let ready = queue.drop { $0.nonce <= last }.prefix(contiguous(queue, after: last))
            heap.push(ready)
        }
        var chosen: [Transaction] = []
        while chosen.count < limit, let ready = heap.pop() {
            if let next = ready.first { chosen.append(next.transaction) }
            heap.push(ready.dropFirst())
        }
        return chosen
    }

    /// A binary heap of senders' queues, the best first transaction on top.
    private struct Heap {
        private var items: [ArraySlice<Entry>] = []

        mutating func push(_ item: ArraySlice<Entry>) {
            guard !item.isEmpty else { return }
            items.append(item)
            var child = items.count - 1
            while child > 0, Self.precedes(items[child], items[(child - 1) / 2]) {
                items.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        }

        mutating func pop() -> ArraySlice<Entry>? {
            guard let top = items.first, let last = items.popLast() else { return nil }
            guard !items.isEmpty else { return top }
            items[0] = last
            var parent = 0
            while true {
                var best = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && Self.precedes(items[child], items[best]) { best = child }
                if best == parent { return top }
                items.swapAt(best, parent)
                parent = best
            }
        }

        private static func precedes(_ left: ArraySlice<Entry>, _ right: ArraySlice<Entry>) -> Bool {
            guard let left = left.first, let right = right.first else { return false }
            return left.fee != right.fee ? left.fee > right.fee : left.order < right.order
        }
    }
}
