/// Arithmetic modulo the prime p = 2^61 − 1, on values in 0..<p.
///
/// Since 2^61 ≡ 1, a 122-bit product is reduced by adding its high part to its low part.
package enum MersenneField {
    package static let modulus: UInt64 = (1 << 61) - 1

    /// a + b mod p.
    package static func add(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let sum = a &+ b
        return sum >= modulus ? sum &- modulus : sum
    }

    /// a·b mod p.
    package static func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        let low = product.low & modulus
        let high = (product.high << 3) | (product.low >> 61)
        return add(low, high)
    }

    /// The field's element for an integer: v mod p, so −1 becomes p − 1.
    package static func element(_ value: Int32) -> UInt64 { value >= 0 ? UInt64(value) : modulus &- UInt64(value.magnitude) }
}
