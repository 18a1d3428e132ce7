// 2^x for x <= 0 on vectors. The includer has VECTOR, LANES, FMA and MAX, and EXP2_FUNCTION if it has a better way.
//
// 2^x = 2^n 2^f with n the nearest integer and f = x - n, exact, in [-1/2, 1/2]. 2^f by a polynomial of degree 6 that is 1 at 0,
// fitted for the least relative error with its coefficients rounded to binary32 one after the other: 0.05 * 2^-24 off by itself,
// 1.1 * 2^-24 (0.55 ulp at most) with the rounding of its evaluation, measured over 400,001 values of f.
#define EXP2_POLYNOMIAL(f) \
    FMA(FMA(FMA(FMA(FMA(FMA((VECTOR)0x1.416b4ap-13f, f, (VECTOR)0x1.5f083p-10f), f, (VECTOR)0x1.3b2dep-7f), f, (VECTOR)0x1.c6af7cp-5f), f, \
            (VECTOR)0x1.ebfbdcp-3f), f, (VECTOR)0x1.62e43p-1f), f, (VECTOR)1.0f)

#ifdef EXP2_FUNCTION
EXP2_FUNCTION
#else
/// Without an instruction for scaling: n is added to the exponent. Below 2^-126 the weight is 0: it would be lost in a sum that is
/// at least 1.
static inline __attribute__((always_inline)) VECTOR PATH(exp2)(VECTOR x) {
    typedef int32_t lanes __attribute__((ext_vector_type(LANES)));
    const float magic = 0x1.8p23f;  // its last place is 1: the sum's low bits are n
    const lanes counts = x > (VECTOR)-126.0f;
    x = MAX(x, (VECTOR)-126.0f);
    const VECTOR shifted = x + (VECTOR)magic, f = x - (shifted - (VECTOR)magic);
    return (VECTOR)((((lanes)EXP2_POLYNOMIAL(f)) + ((lanes)shifted << 23)) & counts);
}
#endif
#undef EXP2
#define EXP2(x) PATH(exp2)(x)
