import Foundation
import Operations

/// This machine's clock beside those of the services, from the `Date` of their answers (RFC 9110 section 6.6.1).
enum ClockCheck {
    /// A signed request is refused when it was made more than 30 s from the server's clock (PROTOCOL section 8); ten are for queues and the line.
    static let worst = 20.0
    /// A clock under NTP is right to a fraction of a second; `Date` is cut to a whole one.
    static let noticeable = 3.0

    struct Reading: Sendable {
        let service: String
        /// Seconds that the service's clock is ahead of this machine's; negative: behind.
        let ahead: Double

        /// - Parameters:
        ///   - date: the header, in whole seconds, rounded down.
        ///   - sent: this machine's Unix time before the request, and after the answer.
        init?(service: String, date: String, sent: Double, answered: Double) {
            let format = DateFormatter()
            format.locale = Locale(identifier: "en_US_POSIX")
            format.timeZone = TimeZone(secondsFromGMT: 0)
            format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
            guard let time = format.date(from: date)?.timeIntervalSince1970 else { return nil }
            self.service = service
            ahead = time + 0.5 - (sent + answered) / 2
        }
    }

    static func findings(_ readings: [Reading]) -> [Finding] {
        guard let least = readings.min(by: { abs($0.ahead) < abs($1.ahead) }), let most = readings.max(by: { abs($0.ahead) < abs($1.ahead) }) else { return [] }
        guard abs(most.ahead) > noticeable else {
            return [.well(.clock, "right to \(Figures.rounded(max(1, abs(most.ahead)), 0)) s, by \(readings.map(\.service).joined(separator: " and "))")]
        }
        // Where two services disagree, one of them may be the one that is wrong: nobody but its operator can mend that.
        if readings.count > 1, abs(most.ahead - least.ahead) > noticeable, abs(least.ahead) <= noticeable {
            return [
                finding(
                    most, "the clock of \(most.service) is \(words(most.ahead)) this machine's, which agrees with \(least.service)",
                    remedy: "tell the operator of \(most.service); compare with: date -u")
            ]
        }
        return [finding(most, "\(most.service) says that its clock is \(words(most.ahead)) this machine's", remedy: "sudo timedatectl set-ntp true")]
    }

    private static func words(_ ahead: Double) -> String { "\(Figures.rounded(abs(ahead), 0)) s \(ahead > 0 ? "ahead of" : "behind")" }

    private static func finding(_ reading: Reading, _ found: String, remedy: String) -> Finding {
        let wanted = "clocks that agree to \(Figures.rounded(noticeable, 0)) s"
        let why = "signed requests live 30 s from the server's clock, then they are refused (clock_wrong)"
        return abs(reading.ahead) > worst
            ? .broken(.clock, found, wanted: wanted, why: why, remedy: remedy) : .note(.clock, found, wanted: wanted, why: why, remedy: remedy)
    }
}
