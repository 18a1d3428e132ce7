/// What Linux says about the CPU in `/proc/cpuinfo`. What it doesn't say is nil or empty, never guessed.
package struct CPUDescription: Sendable, Equatable {
    /// The CPU's own name for itself.
    package let model: String?
    /// Logical processors listed.
    package let listedCores: Int
    /// Those of `known` instruction sets that every listed processor has, in that order.
    package let isa: [String]

    /// The instruction sets worth reporting: those that kernels or hashing choose by.
    package static let known = [
        "sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8",
        "amx_bf16", "sha_ni", "asimd", "asimddp", "sve", "sve2", "i8mm", "bf16", "sha2",
    ]

    /// Reads the text of `/proc/cpuinfo`, of x86 (`flags`) or ARM (`Features`).
    package init(cpuinfo: String) {
        var model: String?
        var cores = 0
        var common: Set<Substring>?
        for line in cpuinfo.split(separator: "\n", omittingEmptySubsequences: true) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].trimmed
            let value = line[line.index(after: colon)...].trimmed
            switch name {
            case "processor" where value.utf8.allSatisfy { (48...57).contains($0) }: cores += 1
            case "model name", "Model": if model == nil, !value.isEmpty { model = String(value.prefix(200)) }
            case "flags", "Features":
                let flags = Set(value.split(separator: " "))
                common = common?.intersection(flags) ?? flags
            default: break
            }
        }
        self.model = model
        listedCores = cores
        isa = Self.known.filter { common?.contains(Substring($0)) == true }
    }
}

extension Substring {
    var trimmed: Substring {
        var rest = self
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}
