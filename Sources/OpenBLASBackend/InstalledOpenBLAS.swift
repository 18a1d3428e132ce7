package import Wire

/// The installed OpenBLAS, asked without any work.
package enum InstalledOpenBLAS {
    /// The core type that it chooses by itself, whatever the environment says, such as `SkylakeX`.
    ///
    /// - Throws: `backend_unavailable` if it can't be loaded.
    package static func coreName() throws(Problem) -> String { try LibraryLoader.load(.detected).coreName }
}
