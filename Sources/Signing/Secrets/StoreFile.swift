private import Glibc

/// The file of a service's database, which holds what is nobody else's business: jobs, receipts, balances, and whose they are.
package enum StoreFile {
    /// Makes an empty file for its owner alone where there is none; SQLite takes it for a new database, and gives `-wal` and `-shm` its mode.
    ///
    /// By itself SQLite makes one that everybody may read, less the umask. A file that is there keeps its mode: a group may have been let in to make
    /// backups. Where none can be made, opening the database says why.
    package static func make(_ path: String) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
    }
}
