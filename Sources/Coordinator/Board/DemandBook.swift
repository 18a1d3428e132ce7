import Jobs
import Ledger
import Wire

/// The accepted jobs of one hour and one kernel, as the store keeps them too.
struct DemandLine: Sendable {
    /// Hours since 1970.
    let hour: Int64
    let kernel: String
    let sum: NetworkDemand.Sum

    /// One job, accepted at `now` (Unix milliseconds).
    init(_ terms: ReceiptTerms, kernel: String, now: Int64) {
        self.init(
            hour: now / NetworkDemand.hourMilliseconds, kernel: kernel, sum: NetworkDemand.Sum(jobs: 1, units: terms.computeUnits, paid: terms.price))
    }

    init(hour: Int64, kernel: String, sum: NetworkDemand.Sum) { (self.hour, self.kernel, self.sum) = (hour, kernel, sum) }
}

/// The last day's demand: a sum for each hour and kernel, so that a job is one addition and a day 24 times ten sums at the most.
struct DemandBook: Sendable {
    private var hours: [Int64: [String: NetworkDemand.Sum]] = [:]

    mutating func add(_ line: DemandLine) {
        hours[line.hour, default: [:]][line.kernel, default: NetworkDemand.Sum()] += line.sum
        // A clock that was set back may have left later hours; they count again when they come.
        if hours.count > 2 * NetworkDemand.hours { hours = hours.filter { $0.key > line.hour - Int64(NetworkDemand.hours) } }
    }

    /// The 24 hours that end with the running one.
    func lastDay(now: Int64) -> NetworkDemand {
        let last = now / NetworkDemand.hourMilliseconds
        let first = last - Int64(NetworkDemand.hours) + 1
        var kernels: [String: NetworkDemand.Sum] = [:]
        let hourly = (first...last).map { hour in
            for (kernel, sum) in hours[hour] ?? [:] { kernels[kernel, default: NetworkDemand.Sum()] += sum }
            return (hours[hour] ?? [:]).values.reduce(NetworkDemand.Sum(), +).units
        }
        return NetworkDemand(
            sinceMilliseconds: max(0, first * NetworkDemand.hourMilliseconds), untilMilliseconds: now, kernels: kernels, hourlyUnits: hourly)
    }
}
