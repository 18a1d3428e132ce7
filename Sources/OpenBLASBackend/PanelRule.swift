import Kernels
import Wire

/// Whether a copy of OpenBLAS, with its core type and number of threads, gives panel-256's bits when it is called panel by panel.
///
/// The library promises no order of summation. Its AVX-512 kernels were found to keep the rule for m, n ≥ 96 on every shape
/// tried (docs/VERIFICATION.md); its Haswell and Zen kernels break it, differently from one number of
/// threads to another. So only core types with that evidence are tried, and they are tested anew on this machine.
enum PanelRule {
    /// Promised only for m and n from here: well above where any difference was ever seen.
    static let bound = 256

    /// Core types with evidence, in lower case.
    private static let candidates: Set<String> = ["skylakex", "cooperlake", "sapphirerapids"]

    static func isCandidate(_ library: OpenBLASLibrary) -> Bool { candidates.contains(library.coreName.lowercased()) }

    /// - Parameter judge: gives the right bits.
    /// - Returns: for each arithmetic whose bits were all right, the smallest m and n that are promised.
    static func test(_ library: OpenBLASLibrary, threads: Int, judge: any ComputeBackend) -> [Arithmetic: Int] {
        guard isCandidate(library) else { return [:] }
        var kept: [Arithmetic: Int] = [:]
        for arithmetic in [Arithmetic.f32Panel256, .f64Panel256] where keeps(arithmetic, library, threads: threads, judge) { kept[arithmetic] = bound }
        return kept
    }

    /// Square, wide, tall and odd shapes; whole and cut panels; each pair of transposes.
    static func keeps(_ arithmetic: Arithmetic, _ library: OpenBLASLibrary, threads: Int, _ judge: any ComputeBackend) -> Bool {
        library.threads = threads
        let shapes: [ProductTrial.Shape] = [
            .init(bound, bound, 520), .init(257, 531, 257), .init(700, 263, 300), .init(bound + 37, 389, 1), .init(400, 301, 255),
        ]
        return ProductTrial(judge: judge).passes(arithmetic, shapes) { gemm, a, b, c throws(Problem) in
            try FloatProducts.run(library, threads: threads, gemm, a, b, into: c, .none)
        }
    }
}
