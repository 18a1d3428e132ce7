package import Wire

/// The installed oneDNN, asked without any work.
package enum InstalledOneDNN {
    /// Such as `2.6.3`. Throws `backend_unavailable` if it can't be loaded.
    package static func version() throws(Problem) -> String { try OneDNNLibrary.load().version }
}
