/// What exp, log, tanh and erf take from a format: their coefficients, highest power first, and the bounds of their arguments.
///
/// The numbers of `Sources/CKernels/elementary.h`, digit by digit: Remez's exchange in 50 digits, then rounded.
package struct ElementaryConstants<Number: Sendable>: Sendable {
    /// (e^r − 1 − r)/r² for |r| ≤ 0.347.
    package let exp: [Number]
    /// Of the logarithm's series (see `log`).
    package let log: [Number]
    /// erf(a)/a − 1 in a², a ≤ 0.92.
    package let erfNear: [Number]
    /// −ln erfc a from 0.92 on.
    package let erfFar: [Number]
    /// Adding it rounds to an integer.
    package let magic: Number
    /// ln 2 as a sum, and 1/ln 2.
    package let ln2High: Number, ln2Low: Number, log2e: Number
    /// e^x is 0 below and infinite above.
    package let expLow: Number, expHigh: Number
    /// tanh and erf are 1 from here on.
    package let tanhEnd: Number, erfEnd: Number
    /// √½ and √(2/π), and gelu_tanh's 0.044715.
    package let sqrtHalf: Number, sqrtTwoOverPi: Number, cubic: Number
    /// The power of two that brings subnormals into the normal range.
    package let subnormalExponent: Int
}

extension Float {
    package static let elementary = ElementaryConstants<Float>(
        exp: [
            0x1.6a234ep-10, 0x1.123a6cp-7, 0x1.5558f4p-5, 0x1.555490p-3, 0x1.fffffcp-2,
        ],
        log: [
            0x1.1457a4p-4, -0x1.de3c12p-4, 0x1.e6f06ap-4, -0x1.fc2208p-4, 0x1.233768p-3, -0x1.555c4ep-3, 0x1.99a4b6p-3,
            -0x1.000006p-2, 0x1.555548p-2, -0.5,
        ],
        erfNear: [
            0x1.5cd4b2p-14, -0x1.aa3f30p-11, 0x1.54c7f6p-8, -0x1.b80e90p-6, 0x1.ce2e0ap-4, -0x1.812742p-2, 0x1.06eba8p-3,
        ],
        erfFar: [
            0x1.61ea2cp-16, -0x1.c790eap-12, 0x1.115ac0p-8, -0x1.9b8e78p-6, 0x1.bb83e2p-4, 0x1.44460cp-1, 0x1.2127e4p+0,
            -0x1.6e5650p-13,
        ],
        magic: 0x1.8p23, ln2High: 0x1.62e430p-1, ln2Low: -0x1.05c610p-29, log2e: 0x1.715476p+0, expLow: -105, expHigh: 89, tanhEnd: 10, erfEnd: 3.95,
        sqrtHalf: 0x1.6a09e6p-1, sqrtTwoOverPi: 0x1.988454p-1, cubic: 0.044715, subnormalExponent: 23)
}

extension Double {
    package static let elementary = ElementaryConstants<Double>(
        exp: [
            0x1.ad7effa349b19p-26, 0x1.28adce7b8b873p-22, 0x1.71df262e4764dp-19, 0x1.a01999adc32e0p-16, 0x1.a01a0129b367ap-13,
            0x1.6c16c1844b03dp-10, 0x1.1111111127e86p-7, 0x1.55555555507f1p-5, 0x1.55555555554f9p-3, 0x1.000000000000ap-1,
        ],
        log: [
            0x1.2f05634bdc572p-3, 0x1.39a1babe2a084p-3, 0x1.74663ee81c0a3p-3, 0x1.c71c52095f030p-3, 0x1.24924941f121fp-2,
            0x1.999999997fdb8p-2, 0x1.5555555555592p-1,
        ],
        erfNear: [
            -0x1.c6c80b6eb1eefp-31, 0x1.df704e63122c1p-27, -0x1.5d226cc211abcp-23, 0x1.b9aa56ac1e2bbp-20, -0x1.f4ce434e34639p-17,
            0x1.f9a2f74f7d520p-14, -0x1.c02db291f3002p-11, 0x1.565bcd076ca10p-8, -0x1.b82ce312604b5p-6, 0x1.ce2f21a042451p-4,
            -0x1.812746b0379dep-2, 0x1.06eba8214db68p-3,
        ],
        erfFar: [
            -0x1.6e8137c83a767p-40, 0x1.0114823155b27p-34, -0x1.51bc6a5851bf1p-30, 0x1.13d1662526f8ap-26, -0x1.392b1ce4494cep-23,
            0x1.0545fe52c6798p-20, -0x1.48b134b40e082p-18, 0x1.37c9432e248d9p-16, -0x1.ab9171e579fbfp-15, 0x1.5feefbefc6635p-14,
            0x1.5213f6b1e399cp-16, -0x1.3d6385bc86971p-11, 0x1.c4f718dee3cbfp-10, -0x1.ff239f5d32e2ap-13, -0x1.38fcda3b287e6p-6,
            0x1.a4e78898548a1p-4, 0x1.45f397b94a6efp-1, 0x1.20dd661c970cdp+0, 0x1.69616f87f4470p-24,
        ],
        magic: 0x1.8p52, ln2High: 0x1.62e42fefa39efp-1, ln2Low: 0x1.abc9e3b39803fp-56, log2e: 0x1.71547652b82fep+0, expLow: -746, expHigh: 710,
        tanhEnd: 20, erfEnd: 5.95, sqrtHalf: 0x1.6a09e667f3bcdp-1, sqrtTwoOverPi: 0x1.9884533d43651p-1, cubic: 0.044715, subnormalExponent: 52)
}
