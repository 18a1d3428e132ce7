import Dispatch
import Foundation
package import Kernels
import Synchronization
package import Wire

/// Runs long synchronous work on a thread of its own, so that Swift's shared pool keeps serving everybody else.
package enum OwnThread {
    /// Stack of such a thread; Foundation's default of 512 KiB is small for numeric libraries.
    private static let stackBytes = 8 << 20

    /// Waits for `body` without holding a thread of the pool.
    ///
    /// Cancelling the waiting task ends the wait at once, as `canceled`. The thread goes on until `body` returns, which has to look for itself
    /// (see `RunControl`) and must not use anything that its caller takes back.
    ///
    /// - Parameter queue: runs it there in its turn instead, where a thread of its own would take longer than the work.
    package static func run<Value: Sendable>(
        _ name: String, on queue: SharedThread? = nil, _ body: @escaping @Sendable () throws(Problem) -> Value
    ) async throws(Problem) -> Value {
        try await run(name, on: queue) { (_: RunControl) throws(Problem) in try body() }
    }

    /// The same, where `body` is given what to look at: its control is canceled once nobody waits any more.
    package static func run<Value: Sendable>(
        _ name: String, on queue: SharedThread? = nil, _ body: @escaping @Sendable (RunControl) throws(Problem) -> Value
    ) async throws(Problem) -> Value {
        let answer = OneAnswer<Value>()
        let outcome: Result<Value, Problem> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                answer.wait(continuation)
                let work = { @Sendable in
                    let outcome: Result<Value, Problem>
                    do throws(Problem) {
                        outcome = .success(try body(RunControl(isCanceled: { answer.isGiven })))
                    } catch {
                        outcome = .failure(error)
                    }
                    answer.give(outcome)
                }
                if let queue { return queue.queue.async(execute: work) }
                let thread = Thread(block: work)
                thread.name = name
                thread.stackSize = stackBytes
                thread.start()
            }
        } onCancel: {
            answer.give(.failure(Problem(.canceled, "nobody waits for \(name) any more")))
        }
        return try outcome.get()
    }
}

/// A thread that short pieces of work share, one after the other.
package struct SharedThread: Sendable {
    fileprivate let queue: DispatchQueue

    package init(_ name: String) { queue = DispatchQueue(label: name) }
}

/// Brings the first of several outcomes to the one who waits, in whatever order they come.
private final class OneAnswer<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Result<Value, Problem>, Never>)
        case given(Result<Value, Problem>)
        case done
    }

    private let state = Mutex(State.empty)

    /// Whether there is an outcome, so that another one would be in vain.
    var isGiven: Bool {
        state.withLock { state in
            switch state {
            case .empty, .waiting: false
            case .given, .done: true
            }
        }
    }

    func wait(_ continuation: CheckedContinuation<Result<Value, Problem>, Never>) {
        let early: Result<Value, Problem>? = state.withLock { state in
            if case .given(let outcome) = state {
                state = .done
                return outcome
            }
            state = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(returning: early) }
    }

    func give(_ outcome: Result<Value, Problem>) {
        let waiter: CheckedContinuation<Result<Value, Problem>, Never>? = state.withLock { state in
            switch state {
            case .empty:
                state = .given(outcome)
                return nil
            case .waiting(let continuation):
                state = .done
                return continuation
            case .given, .done: return nil
            }
        }
        waiter?.resume(returning: outcome)
    }
}
