// Peaks of x86-64 with AVX-512; see peak.h.
#include "peak.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
static void peak_f32(int64_t turns) {
    const __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(1.0f);
#define VECTOR __m512
#define START b
#define STEP(acc) _mm512_fmadd_ps(acc, a, b)
    PEAK_LOOP
#undef VECTOR
#undef STEP
}
static void peak_f64(int64_t turns) {
    const __m512d a = _mm512_set1_pd(0.5), b = _mm512_set1_pd(1.0);
#define VECTOR __m512d
#define STEP(acc) _mm512_fmadd_pd(acc, a, b)
    PEAK_LOOP
#undef VECTOR
#undef STEP
}
static void peak_i8(int64_t turns) {
    const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
#define VECTOR __m512i
#define STEP(acc) _mm512_dpbusd_epi32(acc, a, b)
    PEAK_LOOP
#undef VECTOR
#undef START
#undef STEP
}
#pragma clang attribute pop

__attribute__((target("avx512f,avx512bf16"))) static void peak_bf16(int64_t turns) {
    const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3f80), b = (__m512bh)_mm512_set1_epi16(0x3f00);
#define VECTOR __m512
#define START _mm512_setzero_ps()
#define STEP(acc) _mm512_dpbf16_ps(acc, a, b)
    PEAK_LOOP
}

// BF16 goes by way of F32 where there is no instruction for it.
const adit_peak_loop adit_peaks_avx512[4] = {
    {"avx512 fma f32", peak_f32, adit_peak_chains * 32},
    {"avx512 fma f64", peak_f64, adit_peak_chains * 16},
    {"avx512 vnni", peak_i8, adit_peak_chains * 128},
    {"avx512 fma f32", peak_f32, adit_peak_chains * 32},
};
const adit_peak_loop adit_peak_avx512bf16 = {"avx512 bf16 dot", peak_bf16, adit_peak_chains * 64};
#endif
