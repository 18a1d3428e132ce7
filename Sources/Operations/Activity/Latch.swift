/// A yes or no with two conditions: on after the first has held for a while, off after the second has.
///
/// Time is monotonic and passed in. An unknown condition (nil) changes nothing, and neither does a clock that stands still or goes back.
package struct Latch: Sendable, Equatable {
    /// How long the condition for on has to hold.
    package let onAfter: Duration
    /// How long the condition for off has to hold.
    package let offAfter: Duration
    package private(set) var isOn = false
    /// Since when the condition for the other state has held.
    private var since: Duration?

    package init(onAfter: Duration = .zero, offAfter: Duration) { (self.onAfter, self.offAfter) = (onAfter, offAfter) }

    /// - Parameters:
    ///   - rises: the condition for on; looked at while off.
    ///   - falls: the condition for off; looked at while on.
    /// - Returns: whether the state changed.
    @discardableResult package mutating func update(rises: Bool?, falls: Bool?, at now: Duration) -> Bool {
        guard let wanted = isOn ? falls : rises else { return false }
        guard wanted else {
            since = nil
            return false
        }
        let start = min(since ?? now, now)
        since = start
        guard now - start >= (isOn ? offAfter : onAfter) else { return false }
        isOn.toggle()
        since = nil
        return true
    }
}
