import Dispatch
import Wire

/// Where callers on Swift's shared pool wait for the disk, one after the other.
///
/// A canceled caller still waits: what was begun is done.
struct DiskQueue: Sendable {
    private let queue: DispatchQueue

    init(_ name: String) { queue = DispatchQueue(label: "adit.miner.\(name)") }

    func run<Value: Sendable>(_ body: @escaping @Sendable () throws(Problem) -> Value) async throws(Problem) -> Value {
        let outcome: Result<Value, Problem> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(Problem) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try outcome.get()
    }

    /// The same for what can't fail.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body()) } }
    }

    /// Runs `body` later, without waiting for it.
    func enqueue(after pause: Duration = .zero, _ body: @escaping @Sendable () -> Void) {
        if pause == .zero { return queue.async(execute: body) }
        queue.asyncAfter(deadline: .now() + .microseconds(Int(pause.microseconds)), execute: body)
    }
}
