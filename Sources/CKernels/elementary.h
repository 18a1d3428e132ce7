// exp, log, tanh, erf and what is made of them, for binary32 and binary64: the same bits wherever they run.
//
// Fixed polynomials over IEEE operations, each rounded once, and fma, in a fixed order: what Sources/Kernels/Elementary says in Swift,
// operation by operation (change both or neither; a test compares bits). No library function is called but fma itself, which is exact.
// There are no branches and no tables, so a loop over elements becomes vector code in a function that targets AVX2 or AVX-512. Largest
// errors are measured, binary32 over all its values, and stand in docs/VERIFICATION.md.
//
// Every NaN that comes out is the canonical one. Needs round-to-nearest with subnormals kept (adit_parallel sees to it).
// Coefficients: Remez's exchange in 50 digits, then rounded.
#ifndef ADIT_ELEMENTARY_H
#define ADIT_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define ADIT_ELEMENTARY static inline __attribute__((always_inline))

ADIT_ELEMENTARY uint32_t adit_bits_f32(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
ADIT_ELEMENTARY float adit_from_bits_f32(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
ADIT_ELEMENTARY uint64_t adit_bits_f64(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
ADIT_ELEMENTARY double adit_from_bits_f64(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// MARK: binary32

#define ADIT_NAN_F32 adit_from_bits_f32(0x7fc00000u)
/// `value`, or the canonical NaN if x is one.
#define ADIT_UNLESS_NAN_F32(x, value) ((x) != (x) ? ADIT_NAN_F32 : (value))

/// x = n ln 2 + r with |r| <= 0.347: gives e^r - 1 and 2^52-style bits of n (its low bits, shifted by 23, are 2^n's exponent).
ADIT_ELEMENTARY float adit_expm1_reduced_f32(float x, float *n) {
    const float magic = 0x1.8p23f;  // adding it rounds to an integer
    *n = fmaf(x, 0x1.715476p+0f, magic) - magic;
    // The first step is exact: its result is a multiple of 2^-24 below 1/2.
    const float r = fmaf(-*n, -0x1.05c610p-29f, fmaf(-*n, 0x1.62e430p-1f, x));
    float q = 0x1.6a234ep-10f;
    q = fmaf(q, r, 0x1.123a6cp-7f);
    q = fmaf(q, r, 0x1.5558f4p-5f);
    q = fmaf(q, r, 0x1.555490p-3f);
    q = fmaf(q, r, 0x1.fffffcp-2f);
    return fmaf(r * r, q, r);
}

/// 2^n for an integer n in -126...127.
ADIT_ELEMENTARY float adit_power_of_two_f32(float n) { return adit_from_bits_f32((adit_bits_f32(n + 0x1.8p23f) << 23) + 0x3f800000u); }

/// e^x; 0 below about -104, +infinity above 88.72.
ADIT_ELEMENTARY float adit_exp_f32(float x) {
    const float high = x < 89 ? x : 89, low = high > -105 ? high : -105;
    float n;
    const float p = adit_expm1_reduced_f32(low, &n) + 1;
    // In two steps: 2^n alone leaves the format's range at both ends.
    const float half = (n * 0.5f + 0x1.8p23f) - 0x1.8p23f;
    return ADIT_UNLESS_NAN_F32(x, p * adit_power_of_two_f32(half) * adit_power_of_two_f32(n - half));
}

/// ln x; -infinity at 0, NaN below.
ADIT_ELEMENTARY float adit_log_f32(float x) {
    const int is_small = x < 0x1p-126f;
    const float scaled = is_small ? x * 0x1p23f : x;
    // x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
    const uint32_t shifted = adit_bits_f32(scaled) - 0x3f3504f3u;
    const float e = (float)((int32_t)shifted >> 23) - (is_small ? 23.0f : 0.0f);
    const float f = adit_from_bits_f32((shifted & 0x7fffffu) + 0x3f3504f3u) - 1;
    float p = 0x1.1457a4p-4f;
    p = fmaf(p, f, -0x1.de3c12p-4f);
    p = fmaf(p, f, 0x1.e6f06ap-4f);
    p = fmaf(p, f, -0x1.fc2208p-4f);
    p = fmaf(p, f, 0x1.233768p-3f);
    p = fmaf(p, f, -0x1.555c4ep-3f);
    p = fmaf(p, f, 0x1.99a4b6p-3f);
    p = fmaf(p, f, -0x1.000006p-2f);
    p = fmaf(p, f, 0x1.555548p-2f);
    p = fmaf(p, f, -0.5f);
    const float low = fmaf(e, -0x1.05c610p-29f, fmaf(f * f, p, f));
    const float finite = fmaf(e, 0x1.62e430p-1f, low);
    const float positive = x < INFINITY ? finite : INFINITY;
    return x > 0 ? positive : x == 0 ? -INFINITY : ADIT_NAN_F32;
}

/// tanh x, of the sign of x, 0 included.
ADIT_ELEMENTARY float adit_tanh_f32(float x) {
    const float size = fabsf(x), a = size < 10 ? size : 10;
    float n;
    const float q = adit_expm1_reduced_f32(a + a, &n), power = adit_power_of_two_f32(n);
    const float m = fmaf(power, q, power - 1);  // e^2a - 1
    return ADIT_UNLESS_NAN_F32(x, copysignf(m / (m + 2), x));
}

/// erf x, of the sign of x, 0 included.
ADIT_ELEMENTARY float adit_erf_f32(float x) {
    const float size = fabsf(x), a = size < 3.95f ? size : 3.95f, z = a * a;
    float p = 0x1.5cd4b2p-14f;
    p = fmaf(p, z, -0x1.aa3f30p-11f);
    p = fmaf(p, z, 0x1.54c7f6p-8f);
    p = fmaf(p, z, -0x1.b80e90p-6f);
    p = fmaf(p, z, 0x1.ce2e0ap-4f);
    p = fmaf(p, z, -0x1.812742p-2f);
    p = fmaf(p, z, 0x1.06eba8p-3f);
    const float near = fmaf(a, p, a);
    // -ln erfc a from 0.92 on.
    float l = 0x1.61ea2cp-16f;
    l = fmaf(l, a, -0x1.c790eap-12f);
    l = fmaf(l, a, 0x1.115ac0p-8f);
    l = fmaf(l, a, -0x1.9b8e78p-6f);
    l = fmaf(l, a, 0x1.bb83e2p-4f);
    l = fmaf(l, a, 0x1.44460cp-1f);
    l = fmaf(l, a, 0x1.2127e4p+0f);
    l = fmaf(l, a, -0x1.6e5650p-13f);
    float n;
    const float q = adit_expm1_reduced_f32(-l, &n), power = adit_power_of_two_f32(n);
    const float far = 1 - fmaf(power, q, power);
    return ADIT_UNLESS_NAN_F32(x, copysignf(a < 0.92f ? near : far, x));
}

/// 1 / (1 + e^-x).
ADIT_ELEMENTARY float adit_sigmoid_f32(float x) {
    const float e = adit_exp_f32(-fabsf(x));
    return ADIT_UNLESS_NAN_F32(x, (x < 0 ? e : 1) / (1 + e));
}

/// x/2 times a weight in 0...2: 0 where the weight is 0, even at -infinity.
ADIT_ELEMENTARY float adit_weighted_half_f32(float x, float weight) {
    return ADIT_UNLESS_NAN_F32(x, weight == 0 ? 0.0f : 0.5f * x * weight);
}

/// x (1 + erf(x / sqrt 2)) / 2.
ADIT_ELEMENTARY float adit_gelu_f32(float x) { return adit_weighted_half_f32(x, 1 + adit_erf_f32(x * 0x1.6a09e6p-1f)); }

/// gelu's derivative: (1 + erf(x/sqrt(2)))/2 + x exp(-x^2/2)/sqrt(2 pi).
ADIT_ELEMENTARY float adit_gelu_slope_f32(float x) {
    return fmaf(x * 0x1.988454p-2f, adit_exp_f32(-0.5f * x * x), 0.5f * (1 + adit_erf_f32(x * 0x1.6a09e6p-1f)));
}

/// x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2.
ADIT_ELEMENTARY float adit_gelu_tanh_f32(float x) {
    const float inner = fmaf(x * x * 0.044715f, x, x) * 0x1.988454p-1f;
    return adit_weighted_half_f32(x, 1 + adit_tanh_f32(inner));
}

/// x sigmoid(x): 0 where sigmoid is 0, even at -infinity.
ADIT_ELEMENTARY float adit_silu_f32(float x) {
    const float weight = adit_sigmoid_f32(x);
    return weight == 0 ? 0 : x * weight;
}

/// ln(1 + e^x).
ADIT_ELEMENTARY float adit_softplus_f32(float x) {
    const float e = adit_exp_f32(-fabsf(x)), u = 1 + e;
    const float rest = u == 1 ? e : adit_log_f32(u) * (e / (u - 1));
    return ADIT_UNLESS_NAN_F32(x, (x > 0 ? x : 0) + rest);
}

// MARK: binary64

#define ADIT_NAN_F64 adit_from_bits_f64(0x7ff8000000000000u)
#define ADIT_UNLESS_NAN_F64(x, value) ((x) != (x) ? ADIT_NAN_F64 : (value))

ADIT_ELEMENTARY double adit_expm1_reduced_f64(double x, double *n) {
    const double magic = 0x1.8p52;
    *n = fma(x, 0x1.71547652b82fep+0, magic) - magic;
    const double r = fma(-*n, 0x1.abc9e3b39803fp-56, fma(-*n, 0x1.62e42fefa39efp-1, x));
    double q = 0x1.ad7effa349b19p-26;
    q = fma(q, r, 0x1.28adce7b8b873p-22);
    q = fma(q, r, 0x1.71df262e4764dp-19);
    q = fma(q, r, 0x1.a01999adc32e0p-16);
    q = fma(q, r, 0x1.a01a0129b367ap-13);
    q = fma(q, r, 0x1.6c16c1844b03dp-10);
    q = fma(q, r, 0x1.1111111127e86p-7);
    q = fma(q, r, 0x1.55555555507f1p-5);
    q = fma(q, r, 0x1.55555555554f9p-3);
    q = fma(q, r, 0x1.000000000000ap-1);
    return fma(r * r, q, r);
}

/// 2^n for an integer n in -1022...1023.
ADIT_ELEMENTARY double adit_power_of_two_f64(double n) { return adit_from_bits_f64((adit_bits_f64(n + 0x1.8p52) << 52) + 0x3ff0000000000000u); }

/// e^x; 0 below about -746, +infinity above 709.78.
ADIT_ELEMENTARY double adit_exp_f64(double x) {
    const double high = x < 710 ? x : 710, low = high > -746 ? high : -746;
    double n;
    const double p = adit_expm1_reduced_f64(low, &n) + 1;
    const double half = (n * 0.5 + 0x1.8p52) - 0x1.8p52;
    return ADIT_UNLESS_NAN_F64(x, p * adit_power_of_two_f64(half) * adit_power_of_two_f64(n - half));
}

ADIT_ELEMENTARY double adit_log_f64(double x) {
    const int is_small = x < 0x1p-1022;
    const double scaled = is_small ? x * 0x1p52 : x;
    const uint64_t shifted = adit_bits_f64(scaled) - 0x3fe6a09e667f3bcdu;
    // e as the last bits of 3 * 2^51 + e, without a conversion: 0x800 keeps the shifted number positive.
    const uint64_t places = ((shifted + 0x8000000000000000u) >> 52) + 0x4338000000000000u;
    const double e = adit_from_bits_f64(places) - (0x1.8p52 + 2048) - (is_small ? 52.0 : 0.0);
    const double f = adit_from_bits_f64((shifted & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1;
    // ln(1+f) = f - f^2/2 + s (f^2/2 + z R(z)), s = f / (2+f), z = s^2 (as in fdlibm).
    const double s = f / (2 + f), z = s * s, half_square = 0.5 * f * f;
    double p = 0x1.2f05634bdc572p-3;
    p = fma(p, z, 0x1.39a1babe2a084p-3);
    p = fma(p, z, 0x1.74663ee81c0a3p-3);
    p = fma(p, z, 0x1.c71c52095f030p-3);
    p = fma(p, z, 0x1.24924941f121fp-2);
    p = fma(p, z, 0x1.999999997fdb8p-2);
    p = fma(p, z, 0x1.5555555555592p-1);
    const double correction = fma(e, 0x1.abc9e3b39803fp-56, s * fma(z, p, half_square)) - half_square;
    const double finite = fma(e, 0x1.62e42fefa39efp-1, f + correction);
    const double positive = x < INFINITY ? finite : INFINITY;
    return x > 0 ? positive : x == 0 ? -INFINITY : ADIT_NAN_F64;
}

ADIT_ELEMENTARY double adit_tanh_f64(double x) {
    const double size = fabs(x), a = size < 20 ? size : 20;
    double n;
    const double q = adit_expm1_reduced_f64(a + a, &n), power = adit_power_of_two_f64(n);
    const double m = fma(power, q, power - 1);
    return ADIT_UNLESS_NAN_F64(x, copysign(m / (m + 2), x));
}

ADIT_ELEMENTARY double adit_erf_f64(double x) {
    const double size = fabs(x), a = size < 5.95 ? size : 5.95, z = a * a;
    double p = -0x1.c6c80b6eb1eefp-31;
    p = fma(p, z, 0x1.df704e63122c1p-27);
    p = fma(p, z, -0x1.5d226cc211abcp-23);
    p = fma(p, z, 0x1.b9aa56ac1e2bbp-20);
    p = fma(p, z, -0x1.f4ce434e34639p-17);
    p = fma(p, z, 0x1.f9a2f74f7d520p-14);
    p = fma(p, z, -0x1.c02db291f3002p-11);
    p = fma(p, z, 0x1.565bcd076ca10p-8);
    p = fma(p, z, -0x1.b82ce312604b5p-6);
    p = fma(p, z, 0x1.ce2f21a042451p-4);
    p = fma(p, z, -0x1.812746b0379dep-2);
    p = fma(p, z, 0x1.06eba8214db68p-3);
    const double near = fma(a, p, a);
    double l = -0x1.6e8137c83a767p-40;
    l = fma(l, a, 0x1.0114823155b27p-34);
    l = fma(l, a, -0x1.51bc6a5851bf1p-30);
    l = fma(l, a, 0x1.13d1662526f8ap-26);
    l = fma(l, a, -0x1.392b1ce4494cep-23);
    l = fma(l, a, 0x1.0545fe52c6798p-20);
    l = fma(l, a, -0x1.48b134b40e082p-18);
    l = fma(l, a, 0x1.37c9432e248d9p-16);
    l = fma(l, a, -0x1.ab9171e579fbfp-15);
    l = fma(l, a, 0x1.5feefbefc6635p-14);
    l = fma(l, a, 0x1.5213f6b1e399cp-16);
    l = fma(l, a, -0x1.3d6385bc86971p-11);
    l = fma(l, a, 0x1.c4f718dee3cbfp-10);
    l = fma(l, a, -0x1.ff239f5d32e2ap-13);
    l = fma(l, a, -0x1.38fcda3b287e6p-6);
    l = fma(l, a, 0x1.a4e78898548a1p-4);
    l = fma(l, a, 0x1.45f397b94a6efp-1);
    l = fma(l, a, 0x1.20dd661c970cdp+0);
    l = fma(l, a, 0x1.69616f87f4470p-24);
    double n;
    const double q = adit_expm1_reduced_f64(-l, &n), power = adit_power_of_two_f64(n);
    const double far = 1 - fma(power, q, power);
    return ADIT_UNLESS_NAN_F64(x, copysign(a < 0.92 ? near : far, x));
}

ADIT_ELEMENTARY double adit_sigmoid_f64(double x) {
    const double e = adit_exp_f64(-fabs(x));
    return ADIT_UNLESS_NAN_F64(x, (x < 0 ? e : 1) / (1 + e));
}

ADIT_ELEMENTARY double adit_weighted_half_f64(double x, double weight) { return ADIT_UNLESS_NAN_F64(x, weight == 0 ? 0.0 : 0.5 * x * weight); }

ADIT_ELEMENTARY double adit_gelu_f64(double x) { return adit_weighted_half_f64(x, 1 + adit_erf_f64(x * 0x1.6a09e667f3bcdp-1)); }

ADIT_ELEMENTARY double adit_gelu_tanh_f64(double x) {
    const double inner = fma(x * x * 0.044715, x, x) * 0x1.9884533d43651p-1;
    return adit_weighted_half_f64(x, 1 + adit_tanh_f64(inner));
}

/// x sigmoid(x): 0 where sigmoid is 0, even at -infinity.
ADIT_ELEMENTARY double adit_silu_f64(double x) {
    const double weight = adit_sigmoid_f64(x);
    return weight == 0 ? 0 : x * weight;
}

/// ln(1 + e^x).
ADIT_ELEMENTARY double adit_softplus_f64(double x) {
    const double e = adit_exp_f64(-fabs(x)), u = 1 + e;
    const double rest = u == 1 ? e : adit_log_f64(u) * (e / (u - 1));
    return ADIT_UNLESS_NAN_F64(x, (x > 0 ? x : 0) + rest);
}

#endif
