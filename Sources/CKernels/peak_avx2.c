// Peaks of x86-64 with AVX2 and FMA; see peak.h.
#include "peak.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
static void peak_f32(int64_t turns) {
    const __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(1.0f);
#define VECTOR __m256
#define START b
#define STEP(acc) _mm256_fmadd_ps(acc, a, b)
    PEAK_LOOP
#undef VECTOR
#undef STEP
}
static void peak_f64(int64_t turns) {
    const __m256d a = _mm256_set1_pd(0.5), b = _mm256_set1_pd(1.0);
#define VECTOR __m256d
#define STEP(acc) _mm256_fmadd_pd(acc, a, b)
    PEAK_LOOP
#undef VECTOR
#undef STEP
}
// Sixteen products of widened bytes, added in pairs; then an add of the pairs.
static void peak_i8(int64_t turns) {
    __m256i a = _mm256_set1_epi16(3);
    const __m256i b = _mm256_set1_epi16(5);
#define VECTOR __m256i
// `a` comes from where the optimiser doesn't look, or the product would be made once.
#define STEP(acc) (__extension__({                      \
    __asm__ volatile("" : "+x"(a));                      \
    _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));      \
}))
    PEAK_LOOP
#undef STEP
}
#pragma clang attribute pop

__attribute__((target("avx2,avxvnni"))) static void peak_vnni(int64_t turns) {
    const __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);
#define STEP(acc) _mm256_dpbusd_avx_epi32(acc, a, b)
    PEAK_LOOP
}

const adit_peak_loop adit_peaks_avx2[4] = {
    {"avx2 fma f32", peak_f32, adit_peak_chains * 16},
    {"avx2 fma f64", peak_f64, adit_peak_chains * 8},
    {"avx2 multiply-add i16", peak_i8, adit_peak_chains * 32},
    {"avx2 fma f32", peak_f32, adit_peak_chains * 16},
};
const adit_peak_loop adit_peak_avxvnni = {"avx vnni", peak_vnni, adit_peak_chains * 64};
#endif
