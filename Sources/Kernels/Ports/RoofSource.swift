package import Wire

/// What a device can do at most, so that a rate can be told as a share of it.
///
/// Clocks, neighbours and temperature move a device's speed by half within a minute: a share means something only where the roof was
/// measured in the same second. So this measures for as long as it is asked, again and again, and whoever compares takes turns.
package protocol RoofSource: Sendable {
    /// The instruction that the peak in a format is made of, for people; nil where none is known.
    func peakName(_ dtype: DType) -> String?

    /// Multiply-adds without memory on the whole device, for about `duration`; gives the operations done, a multiply and an add as two.
    ///
    /// Synchronous; the caller takes the time. The first call for a format may take another time than asked.
    ///
    /// - Returns: nil where `peakName` is.
    /// - Throws: `backend_unavailable` if the device failed.
    func runPeak(_ dtype: DType, about duration: Duration) throws(Problem) -> Int64?

    /// Copies within the device's own memory for about `duration`; gives the bytes moved, each counted once read and once written. Nil for the
    /// CPU, whose memory others measure.
    func copyMemory(about duration: Duration) throws(Problem) -> Int64?

    /// Moves bytes between host and device for about `duration`; gives the bytes moved. Nil where nothing has to be moved.
    func transfer(_ direction: TransferDirection, about duration: Duration) throws(Problem) -> Int64?
}

/// Over the wire between host and device.
package enum TransferDirection: Sendable, CaseIterable {
    case toDevice, fromDevice
}

extension RoofSource {
    package func copyMemory(about duration: Duration) throws(Problem) -> Int64? { nil }
    package func transfer(_ direction: TransferDirection, about duration: Duration) throws(Problem) -> Int64? { nil }
}

extension ComputeBackend {
    /// A backend that doesn't say has no known roof.
    package var roof: (any RoofSource)? { nil }
}
