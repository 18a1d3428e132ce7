import Signing
import Wire

/// Something that happened, for those who listen (PROTOCOL section 11).
struct BoardEvent: Sendable {
    enum Name: String, Sendable {
        case taskReceived = "task_received"
        case taskDistributed = "task_distributed"
        case subtaskCompleted = "subtask_completed"
        case taskCompleted = "task_completed"
        case taskFailed = "task_failed"
        case networkStateChanged = "network_state_changed"
    }

    let name: Name
    /// Whose task it is about; `nil`: for everybody, with counts alone.
    let client: Address?
    let data: JSON
}
