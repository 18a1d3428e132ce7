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

    /// - Parameter judge: gives the right bits.
    /// - Returns: for each arithmetic whose bits were all right, the smallest m and n that are promised.
    static func test(_ library: OpenBLASLibrary, threads: Int, judge: any ComputeBackend) throws(Problem) -> [Arithmetic: Int] {
        guard candidates.contains(library.coreName.lowercased()) else { return [:] }
        library.threads = threads
        var kept: [Arithmetic: Int] = [:]
        for arithmetic in [Arithmetic.f32Panel256, .f64Panel256] where try keeps(arithmetic, library, judge) { kept[arithmetic] = bound }
        return kept
    }

    /// Square, wide, tall and odd shapes; whole and cut panels; each pair of transposes.
    static func keeps(_ arithmetic: Arithmetic, _ library: OpenBLASLibrary, _ judge: any ComputeBackend) throws(Problem) -> Bool {
        let shapes = [(bound, bound, 700), (257, 1031, 513), (1024, 263, 300), (bound + 37, 389, 1), (640, 641, 255)]
        for (index, shape) in shapes.enumerated() {
            for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
                let gemm = try GEMM(m: shape.0, n: shape.1, k: shape.2, transposeA: transposeA, transposeB: transposeB, arithmetic: arithmetic)
                let a = try operand("a", index, gemm.inputDType, gemm.shapeA)
                let b = try operand("b", index, gemm.inputDType, gemm.shapeB)
                let expected = try SpeedTest.output(gemm)
                let found = try SpeedTest.output(gemm)
                try judge.run(gemm, a: a, b: b, into: expected, control: .none)
                if arithmetic == .f32Panel256 {
                    try FloatPanels.run(library, gemm, a, b, into: found, .none)
                } else {
                    try FloatPanels.run64(library, gemm, a, b, into: found, .none)
                }
                guard expected.root == found.root else { return false }
            }
        }
        return true
    }

    /// Random numbers in [−1, 1), scaled so that in one of the cases the products are subnormal.
    private static func operand(_ name: String, _ index: Int, _ dtype: DType, _ shape: [Int]) throws(Problem) -> Tensor {
        let seed = SHA256.hash(utf8: "panel rule \(name) \(index)")
        let tensor = try RandomTensor(seed: seed, descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)).generate()
        guard index == 0 else { return tensor }
        if dtype == .f32 {
            tensor.withMutableElements(as: Float.self) { elements in for i in elements.indices { elements[i] *= 0x1p-68 } }
        } else {
            tensor.withMutableElements(as: Double.self) { elements in for i in elements.indices { elements[i] *= 0x1p-530 } }
        }
        return tensor
    }
}
