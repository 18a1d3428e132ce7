/// How much may wait, and how long.
package struct MempoolLimits: Hashable, Sendable {
    package var transactions: Int
    package var perSender: Int
    /// In seconds.
    package var age: Int64

    package init(transactions: Int = 10_000, perSender: Int = 4096, age: Int64 = 3600) {
        self.transactions = max(1, transactions)
        self.perSender = max(1, perSender)
        self.age = max(1, age)
    }
}
