import Kernels

/// exp, log, tanh, erf and what is made of them in OpenCL C, for the format T: operation by operation what `ElementaryFunctions.swift` says,
/// with its coefficients, given by their bits.
enum ElementarySource {
    /// The steps of `compute` that are among them, by their names on the wire.
    static let steps = [
        "exp": "exp_(x)", "log": "log_(x)", "tanh": "tanh_(x)", "erf": "erf_(x)", "sigmoid": "sigmoid_(x)", "gelu": "gelu_(x)",
        "gelu_tanh": "gelu_tanh_(x)",
    ]

    /// What T is, what every NaN is written as, and that nothing is fused but what says so.
    static func prologue(_ isDouble: Bool) -> String {
        "#pragma OPENCL FP_CONTRACT OFF\n"
            + (isDouble
                ? "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n#define T double\n#define FROM_BITS(x) as_double(x)\n"
                : "#define T float\n#define FROM_BITS(x) as_float((uint)(x))\n")
            + "#define CANONICAL(x) (isnan(x) ? (T)FROM_BITS(\(isDouble ? "0x7ff8000000000000UL" : "0x7fc00000u")) : (x) == (T)0 ? (T)0 : (x))\n"
    }

    static func functions(_ isDouble: Bool) -> String {
        // Where erf's two series meet.
        isDouble
            ? "#define ERF_SWITCH \(literal(0.92 as Double))\n" + functions(Double.elementary, Self.literal) + doubles
            : "#define ERF_SWITCH \(literal(0.92 as Float))\n" + functions(Float.elementary, Self.literal) + floats
    }

    /// What softmax and attention need: the exponential alone.
    static func exponential(_ isDouble: Bool) -> String { isDouble ? exponential(Double.elementary, literal) : exponential(Float.elementary, literal) }

    private static func literal(_ value: Double) -> String { "as_double(0x\(String(value.bitPattern, radix: 16))UL)" }
    private static func literal(_ value: Float) -> String { "as_float(0x\(String(value.bitPattern, radix: 16))u)" }

    private static func horner<N>(_ name: String, _ coefficients: [N], _ literal: (N) -> String) -> String {
        let steps = coefficients.dropFirst().map { "    p = fma(p, x, (T)\(literal($0)));\n" }.joined()
        return "static T \(name)(T x) {\n    T p = \(literal(coefficients[0]));\n\(steps)    return p;\n}\n"
    }

    private static func exponential<N>(_ constants: ElementaryConstants<N>, _ literal: (N) -> String) -> String {
        let isDouble = N.self == Double.self
        let power = isDouble ? "as_double((as_ulong(n + MAGIC) << 52) + 0x3ff0000000000000UL)" : "as_float((as_uint(n + MAGIC) << 23) + 0x3f800000u)"
        return """
            #define MAGIC \(literal(constants.magic))
            \(horner("exp_series", constants.exp, literal))
            // x = n·ln 2 + r: e^r - 1, and n.
            static T expm1_reduced(T x, T *n) {
                *n = fma(x, (T)\(literal(constants.log2e)), MAGIC) - MAGIC;
                const T r = fma(-*n, (T)\(literal(constants.ln2Low)), fma(-*n, (T)\(literal(constants.ln2High)), x));
                return fma(r * r, exp_series(r), r);
            }
            static T power_of_two(T n) { return \(power); }
            static T exp_(T x) {
                const T high = x < (T)\(literal(constants.expHigh)) ? x : (T)\(literal(constants.expHigh));
                T n;
                const T q = expm1_reduced(high > (T)\(literal(constants.expLow)) ? high : (T)\(literal(constants.expLow)), &n);
                const T half_ = (n * (T)0.5f + MAGIC) - MAGIC;
                return isnan(x) ? x : (q + (T)1) * power_of_two(half_) * power_of_two(n - half_);
            }

            """
    }

    private static func functions<N>(_ constants: ElementaryConstants<N>, _ literal: (N) -> String) -> String {
        exponential(constants, literal) + horner("log_series", constants.log, literal) + horner("erf_near", constants.erfNear, literal)
            + horner("erf_far", constants.erfFar, literal) + """
                #define LN2_HIGH \(literal(constants.ln2High))
                #define LN2_LOW \(literal(constants.ln2Low))
                static T tanh_(T x) {
                    const T size = fabs(x), a = size < (T)\(literal(constants.tanhEnd)) ? size : (T)\(literal(constants.tanhEnd));
                    T n;
                    const T q = expm1_reduced(a + a, &n), power = power_of_two(n);
                    const T m = fma(power, q, power - (T)1);
                    return isnan(x) ? x : copysign(m / (m + (T)2), x);
                }
                static T erf_(T x) {
                    const T size = fabs(x), a = size < (T)\(literal(constants.erfEnd)) ? size : (T)\(literal(constants.erfEnd));
                    T n;
                    const T near = fma(a, erf_near(a * a), a);
                    const T q = expm1_reduced(-erf_far(a), &n), power = power_of_two(n);
                    const T far = (T)1 - fma(power, q, power);
                    return isnan(x) ? x : copysign(a < ERF_SWITCH ? near : far, x);
                }
                static T sigmoid_(T x) {
                    const T e = exp_(-fabs(x));
                    return isnan(x) ? x : (x < (T)0 ? e : (T)1) / ((T)1 + e);
                }
                static T weighted_half(T x, T weight) { return isnan(x) ? x : weight == (T)0 ? (T)0 : (T)0.5f * x * weight; }
                static T gelu_(T x) { return weighted_half(x, (T)1 + erf_(x * (T)\(literal(constants.sqrtHalf)))); }
                static T gelu_tanh_(T x) {
                    const T inner = fma(x * x * (T)\(literal(constants.cubic)), x, x) * (T)\(literal(constants.sqrtTwoOverPi));
                    return weighted_half(x, (T)1 + tanh_(inner));
                }

                """
    }

    /// The logarithms: each format has its own series.
    private static let floats = """
        static T log_(T x) {
            const int is_small = x < as_float(0x00800000u);
            const float scaled = is_small ? x * 8388608.0f : x;
            const uint shifted = as_uint(scaled) - 0x3f3504f3u;
            const float e = (float)((int)shifted >> 23) - (is_small ? 23.0f : 0.0f);
            const float f = as_float((shifted & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
            const float low = fma(e, (T)LN2_LOW, fma(f * f, log_series(f), f));
            const float finite = fma(e, (T)LN2_HIGH, low);
            const float positive = x < INFINITY ? finite : INFINITY;
            return x > 0.0f ? positive : x == 0.0f ? -INFINITY : as_float(0x7fc00000u);
        }

        """

    private static let doubles = """
        static T log_(T x) {
            const int is_small = x < as_double(0x0010000000000000UL);
            const double scaled = is_small ? x * 4503599627370496.0 : x;
            const ulong shifted = as_ulong(scaled) - 0x3fe6a09e667f3bcdUL;
            const double e = (double)((long)shifted >> 52) - (is_small ? 52.0 : 0.0);
            const double f = as_double((shifted & 0xfffffffffffffUL) + 0x3fe6a09e667f3bcdUL) - 1.0;
            const double s = f / (2.0 + f), z = s * s, half_square = 0.5 * f * f;
            const double correction = fma(e, (T)LN2_LOW, s * fma(z, log_series(z), half_square)) - half_square;
            const double finite = fma(e, (T)LN2_HIGH, f + correction);
            const double positive = x < (double)INFINITY ? finite : (double)INFINITY;
            return x > 0.0 ? positive : x == 0.0 ? -(double)INFINITY : as_double(0x7ff8000000000000UL);
        }

        """
}
