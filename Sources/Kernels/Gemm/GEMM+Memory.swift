import Synchronization
package import Wire

// What backends that call a library's product share.

extension GEMM {
    /// The memory of a product's tensors, which are checked against it, as elements of F32 or F64. Nothing is called for an empty one.
    package static func withElements<T: BitwiseCopyable>(
        _ type: T.Type, _ a: Tensor, _ b: Tensor, _ c: Tensor,
        _ body: (UnsafePointer<T>, UnsafePointer<T>, UnsafeMutablePointer<T>) throws(Problem) -> Void
    ) throws(Problem) {
        try unsafe a.buffer.withUnsafeBytes { rawA throws(Problem) in
            try unsafe b.buffer.withUnsafeBytes { rawB throws(Problem) in
                try unsafe c.buffer.withUnsafeMutableBytes { rawC throws(Problem) in
                    guard let a = rawA.baseAddress, let b = rawB.baseAddress, let c = rawC.baseAddress else { return }
                    try unsafe body(a.assumingMemoryBound(to: type), b.assumingMemoryBound(to: type), c.assumingMemoryBound(to: type))
                }
            }
        }
    }
}

/// The matrices of a batch, handed out to threads in order.
package final class BatchQueue: Sendable {
    private let next: Atomic<Int>
    private let end: Int

    package init(_ range: Range<Int>) {
        next = Atomic(range.lowerBound)
        end = range.upperBound
    }

    /// The next `count` at most; nil when all are taken.
    package func take(_ count: Int) -> Range<Int>? {
        let first = next.add(count, ordering: .relaxed).oldValue
        return first < end ? first..<min(first + count, end) : nil
    }
}
