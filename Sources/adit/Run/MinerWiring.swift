import Logging
import MinerNode
import Operations
import Wire

extension MinerConfiguration {
    /// Holds the miner to what its operator allows, now and whenever the config file changes.
    ///
    /// - Parameters:
    ///   - config: the file as it was given on the command line.
    ///   - flags: options of the command line, by the setting's name.
    ///   - settings: as they were read.
    mutating func allow(_ limits: OperatorLimits, config: String?, flags: [String: String], settings: Settings, logger: Logger) {
        self.limits = limits
        let (refusals, refused) = AsyncStream<Problem>.makeStream(bufferingPolicy: .bufferingNewest(8))
        limitRefusals = refusals
        limitChanges = LimitWatch(config: config, flags: flags, logger: logger) { refused.yield($0) }.changes(from: settings, limits)
    }
}
