import Kernels
import Wire

/// Something whose rate can be measured: one run of it, again and again, and the roof over it.
struct RateSubject {
    let device: String
    let backend: String
    let kind: RateKind
    var arithmetic: Arithmetic?
    let size: [Int]
    /// What one run does, in the kind's unit, and the bytes of its inputs and outputs.
    let work: Int64
    let trafficBytes: Int64
    /// Share of the time that is left, against the others' weights.
    var weight = 1.0
    /// The peak to compare with; nil for none.
    var roof: (source: any RoofSource, dtype: DType)?
    /// Makes what a run needs (inputs, outputs), and gives a run: it returns what it did, in the kind's unit, and tells who did it. A run of
    /// nil means that there is nothing to measure. Called once, when its turn comes, so that memory is taken for one subject at a time.
    let prepare: () throws(Problem) -> Run?

    typealias Run = (RunControl) throws(Problem) -> Int64

    /// For people: `F32 product 2048 on cpu`.
    var title: String {
        let what: String =
            switch kind {
            case .gemm: "product \(size.first ?? 0)"
            case .conv2d: "convolution"
            case .attention: "attention"
            case .memoryCopy: "memory"
            case .toDevice: "transfer to the device"
            case .fromDevice: "transfer from the device"
            case .sha256: "SHA-256"
            case .sign: "signatures"
            case .verify: "checks of signatures"
            }
        return (arithmetic.map { "\($0.rawValue) " } ?? "") + what + " on \(backend)"
    }
}
