import COpenCL

/// The only owner of one OpenCL object; released exactly once, when its last user is gone.
///
/// `Kind` tells a queue from a program. Source: OpenCL 1.2 specification, 4.3 and following: every object has its own release.
@safe final class Handle<Kind> {
    /// The object, for calls while this is alive.
    let raw: OpaquePointer
    private let release: (OpaquePointer) -> Void

    init(_ raw: OpaquePointer, release: @escaping (OpaquePointer) -> Void) {
        unsafe self.raw = raw
        unsafe self.release = unsafe release
    }

    deinit { unsafe release(raw) }
}

enum ContextKind {}
enum QueueKind {}
enum ProgramKind {}
enum KernelKind {}
enum MemoryKind {}
enum EventKind {}

typealias Context = Handle<ContextKind>
typealias Queue = Handle<QueueKind>
typealias Program = Handle<ProgramKind>
typealias Function = Handle<KernelKind>
typealias Memory = Handle<MemoryKind>
typealias Event = Handle<EventKind>

/// Memory of a device and how much it is.
struct DeviceBuffer {
    let memory: Memory
    let byteCount: Int
}
