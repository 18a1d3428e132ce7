package import Wire

/// Takes an answer's body as it arrives, in order, on the transfer thread.
///
/// Only bodies of 2xx answers come here; those of refusals are kept in memory for their problem. What either
/// method throws ends the transfer and is thrown to the caller.
package protocol DownloadSink: AnyObject, Sendable {
    /// Called once, before any byte.
    func begin(_ head: HTTPHead) throws(Problem)
    /// `chunk` is valid during the call only.
    func receive(_ chunk: UnsafeRawBufferPointer) throws(Problem)
}
