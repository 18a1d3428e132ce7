/// What a `compute` chain does to an element, or to all of them together, with nothing but them.
///
/// Every one is an exact or correctly rounded operation of IEEE 754, or a function defined as a fixed order of them (`ElementaryFloat`), so
/// that all processors agree to the bit. Raw values are the names on the wire; `code` is what C calls them.
package enum ComputeStep: String, CaseIterable, Sendable, Hashable {
    // Of one element.
    case square, negate, abs, sqrt, reciprocal, relu, floor, ceil, round, truncate
    case exp, log, tanh, erf, sigmoid, gelu
    case geluTanh = "gelu_tanh"
    case sign, rsqrt, silu, softplus
    // Of all elements, giving one.
    case sum, product, mean, min, max

    /// The operation's number in `adit_kernels.h`: its place in this list.
    package var code: UInt8 { UInt8(Self.allCases.firstIndex(of: self) ?? 0) }

    package var isReduction: Bool {
        switch self {
        case .square, .negate, .abs, .sqrt, .reciprocal, .relu, .floor, .ceil, .round, .truncate, .exp, .log, .tanh, .erf, .sigmoid, .gelu,
            .geluTanh, .sign, .rsqrt, .silu, .softplus:
            false
        case .sum, .product, .mean, .min, .max: true
        }
    }

    /// Whether it has an answer for no elements: an empty sum is 0 and an empty product 1.
    package var takesNothing: Bool { !isReduction || self == .sum || self == .product }

    /// An element's value, −0 as +0. A NaN stays some NaN.
    func apply<T: PanelFloat>(_ x: T) -> T {
        let value: T =
            switch self {
            case .square: x * x
            case .negate: -x
            case .abs: x.magnitude
            case .sqrt: x.squareRoot()
            case .reciprocal: 1 / x
            case .relu: x < 0 ? 0 : x
            case .floor: x.rounded(.down)
            case .ceil: x.rounded(.up)
            case .round: x.rounded(.toNearestOrEven)
            case .truncate: x.rounded(.towardZero)
            case .exp: T.exp(x)
            case .log: T.log(x)
            case .tanh: T.tanh(x)
            case .erf: T.erf(x)
            case .sigmoid: T.sigmoid(x)
            case .gelu: T.gelu(x)
            case .geluTanh: T.geluTanh(x)
            case .sign: x > 0 ? 1 : x < 0 ? -1 : x
            case .rsqrt: 1 / x.squareRoot()
            case .silu: T.silu(x)
            case .softplus: T.softplus(x)
            case .sum, .product, .mean, .min, .max: x
            }
        return value + 0
    }

    /// What a panel starts with.
    func start<T: PanelFloat>(_ type: T.Type) -> T {
        switch self {
        case .product: 1
        case .min: .infinity
        case .max: -.infinity
        default: 0
        }
    }

    /// The accumulator with one more element, or one more panel; each rounded once. A NaN wins over any number.
    func join<T: PanelFloat>(_ accumulator: T, _ x: T) -> T {
        switch self {
        case .product: accumulator * x
        case .min: accumulator < x || accumulator.isNaN ? accumulator : x
        case .max: accumulator > x || accumulator.isNaN ? accumulator : x
        default: accumulator + x
        }
    }

    /// The reduction's value once all of `count` elements are joined, −0 as +0.
    func finish<T: PanelFloat>(_ accumulator: T, count: Int) -> T {
        (self == .mean ? accumulator / T(count) : accumulator) + 0
    }
}
