import Foundation
package import Kernels

/// Works for which the same member is taken to be the fastest: one kind, one arithmetic, the same switches, and sizes that are the same
/// power of two when rounded on a logarithmic scale (724…1448 are 1024).
package struct WorkClass: Sendable, Hashable {
    /// The kernel's name, such as `gemm`.
    let kind: String
    let arithmetic: Arithmetic
    /// The powers of two; −1 for a size of 0.
    let sizes: [Int]
    let switches: [Bool]

    package init(_ kind: String, _ arithmetic: Arithmetic, sizes: [Int], switches: [Bool] = []) {
        (self.kind, self.arithmetic, self.switches) = (kind, arithmetic, switches)
        self.sizes = sizes.map { $0 > 0 ? Int(log2(Double($0)).rounded()) : -1 }
    }

    /// Such as `gemm f32-panel256 0 10 10 10 nt`.
    var text: String {
        let letters = switches.isEmpty ? "" : " " + switches.map { $0 ? "t" : "n" }.joined()
        return "\(kind) \(arithmetic.rawValue) " + sizes.map(String.init).joined(separator: " ") + letters
    }

    /// How far the sizes are apart, in powers of two; nil for another kind or arithmetic.
    func distance(_ other: WorkClass) -> Int? {
        guard kind == other.kind, arithmetic == other.arithmetic, sizes.count == other.sizes.count else { return nil }
        return zip(sizes, other.sizes).reduce(0) { $0 + abs($1.0 - $1.1) }
    }
}
