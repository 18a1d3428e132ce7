/// One operation of a `compute` chain, with what it takes beside the element.
///
/// Every result is rounded once for each operation of IEEE 754 that is named here, and −0 becomes +0 after it.
package enum ComputeOperation: Sendable, Hashable {
    /// Of the element alone, or of all elements together.
    case step(ComputeStep)
    /// The element, then a number or another tensor's element.
    case combine(Combination, Operand)
    /// x^n, n in `exponents`: by repeated squaring from the lowest bit of |n|; for n < 0 one over that. x^0 is 1.
    case power(Int)
    /// The nearest number in low...high; NaN stays.
    case clamp(low: Double, high: Double)
    /// x where it isn't below 0, there slope·x.
    case leakyRelu(Double)

    package static let exponents = -1024...1024

    package enum Combination: String, CaseIterable, Sendable, Hashable {
        case add, sub, mul, div, min, max

        /// NaN wins over any number.
        func callAsFunction<T: PanelFloat>(_ x: T, _ y: T) -> T {
            switch self {
            case .add: x + y
            case .sub: x - y
            case .mul: x * y
            case .div: x / y
            case .min: x < y || x.isNaN ? x : y
            case .max: x > y || x.isNaN ? x : y
            }
        }
    }

    package enum Operand: Sendable, Hashable {
        /// Rounded to the chain's format before use.
        case constant(Double)
        /// The chain's operand of this index.
        case tensor(Int)
    }

    /// The reduction that this is, if it is one.
    package var reduction: ComputeStep? { if case .step(let step) = self, step.isReduction { step } else { nil } }

    /// The name on the wire.
    package var name: String {
        switch self {
        case .step(let step): step.rawValue
        case .combine(let combination, _): combination.rawValue
        case .power: "pow"
        case .clamp: "clamp"
        case .leakyRelu: "leaky_relu"
        }
    }

    /// The real numbers it is given.
    var constants: [Double] {
        switch self {
        case .combine(_, .constant(let value)): [value]
        case .clamp(let low, let high): [low, high]
        case .leakyRelu(let slope): [slope]
        case .step, .combine, .power: []
        }
    }

    /// An element's value, −0 as +0. A NaN stays some NaN.
    ///
    /// - Parameter other: the element of an operand's tensor.
    func apply<T: PanelFloat>(_ x: T, _ other: (Int) -> T) -> T {
        let value: T =
            switch self {
            case .step(let step): step.apply(x)
            case .combine(let combination, .constant(let constant)): combination(x, T(constant))
            case .combine(let combination, .tensor(let index)): combination(x, other(index))
            case .power(let exponent): Self.power(x, exponent)
            case .clamp(let low, let high): x < T(low) ? T(low) : x > T(high) ? T(high) : x
            case .leakyRelu(let slope): x < 0 ? T(slope) * x : x
            }
        return value + 0
    }

    private static func power<T: PanelFloat>(_ x: T, _ exponent: Int) -> T {
        var (result, square, rest) = (T(1), x, exponent.magnitude)
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return exponent < 0 ? 1 / result : result
    }
}
