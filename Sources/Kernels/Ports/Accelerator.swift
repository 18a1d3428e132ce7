/// A device beside the CPU, for who describes a machine: what it is, its own name, and its memory.
package struct Accelerator: Sendable, Hashable {
    /// Lower case, such as `gpu`.
    package let kind: String
    package let name: String
    package let memoryBytes: Int

    package init(kind: String, name: String, memoryBytes: Int) { (self.kind, self.name, self.memoryBytes) = (kind, name, memoryBytes) }
}

extension ComputeBackend {
    /// A device in words names its library's or driver's version.
    package var software: String { "\(name) \(device)" }

    /// The CPU's cores, unless a backend says otherwise.
    package var accelerator: Accelerator? { nil }

    package func useThreads(atMost threads: Int?) {}
    package func useMemory(atMost byteCount: Int?) {}
    package func rest() {}
}
