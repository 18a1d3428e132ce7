import Wire

/// Looks for CLBlast's best parameters on a device: from several starts, then step by step from the best, until nothing near is better
/// or the time is over. CLBlast's own tuner has no C interface.
struct CLBlastTuner {
    let device: DeviceDescription
    let isDouble: Bool
    let budget: Duration

    /// - Parameters:
    ///   - use: makes the library use parameters.
    ///   - time: seconds of a large product with them; throws where they don't work on this device.
    /// - Returns: parameters that are over 2 % faster than the library's own; nil if there are none.
    func search(
        use: (XgemmParameters) throws(Problem) -> Void, time: () throws(Problem) -> Double
    ) throws(Problem) -> XgemmParameters? {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: budget)
        let own = try time()
        var best: (parameters: XgemmParameters, seconds: Double)?
        var seen: Set<XgemmParameters> = []
        func attempt(_ parameters: XgemmParameters) {
            let fits = parameters.isValid(localBytes: device.localBytes, largestGroup: device.largestGroup, elementBytes: isDouble ? 8 : 4)
            guard fits, clock.now < end, seen.insert(parameters).inserted else { return }
            // What doesn't compile or run here is no candidate.
            guard let seconds = try? measure(parameters, use, time), seconds < best?.seconds ?? .infinity else { return }
            best = (parameters, seconds)
        }
        for start in XgemmParameters.starts { attempt(start) }
        var center = best?.parameters
        while let parameters = center, clock.now < end {
            for neighbour in parameters.neighbours { attempt(neighbour) }
            center = best?.parameters == parameters ? nil : best?.parameters
        }
        guard let best else { return nil }
        // The library has no way back to its own parameters in this process: the best that was tried stays, and the next start begins anew.
        try use(best.parameters)
        return best.seconds * 1.02 < own ? best.parameters : nil
    }

    private func measure(
        _ parameters: XgemmParameters, _ use: (XgemmParameters) throws(Problem) -> Void, _ time: () throws(Problem) -> Double
    ) throws(Problem) -> Double {
        try use(parameters)
        return try time()
    }
}
