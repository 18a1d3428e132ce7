/// A format of fewer significant bits that a worker may have rounded to, to nearest even. The exponent is kept: whoever scales an operand
/// to a format's range rounds like this wherever it counts.
package enum Precision: Sendable, Hashable {
    case tf32, bf16, e4m3

    /// What is looked for below a dtype's own precision.
    package static func below(_ dtype: DType) -> [Precision] {
        switch dtype {
        case .f32: [.tf32, .bf16]
        case .bf16: [.e4m3]
        default: []
        }
    }

    /// Bits of binary32's 23 that the format lacks.
    private var drop: UInt32 {
        switch self {
        case .tf32: 13
        case .bf16: 16
        case .e4m3: 20
        }
    }

    func round(_ value: Float) -> Float {
        let (bits, half) = (value.bitPattern, UInt32(1) << (drop - 1) - 1)
        return Float(bitPattern: (bits &+ half &+ (bits >> drop & 1)) & ~(UInt32(1) << drop - 1))
    }
}

/// A lower precision passed off: F(A)·F(B) in place of A·B leaves a trace in C that correlates with F(A)F(B) − AB, whatever else rounds.
package struct Filter: Sendable, Hashable {
    package let name: String
    /// To what A and B are rounded; nil for as they are.
    package let a: Precision?
    package let b: Precision?

    /// The filters of a dtype, in the order in which the passes give them (PROTOCOL section 9, "Numeric").
    package static func family(_ dtype: DType) -> [Filter] {
        switch dtype {
        case .f32:
            [
                Filter(name: "tf32", a: .tf32, b: .tf32), Filter(name: "tf32-a", a: .tf32, b: nil), Filter(name: "tf32-b", a: nil, b: .tf32),
                Filter(name: "bf16", a: .bf16, b: .bf16),
            ]
        case .bf16:
            [Filter(name: "e4m3", a: .e4m3, b: .e4m3), Filter(name: "e4m3-a", a: .e4m3, b: nil), Filter(name: "e4m3-b", a: nil, b: .e4m3)]
        default: []
        }
    }
}
