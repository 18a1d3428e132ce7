// The verifier's passes for x86-64 with AVX2 and FMA.
#include "passes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PATH(x) x##_avx2
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#define FLOAT_STEP(WIDE, SUM, a, b, c) __builtin_elementwise_fma((WIDE)(a), b, c)
#define F64_LANES 4
#define I32_LANES 8
#define CHAINS 3
#define DOT16(acc, a, b) ((acc) + (words_field_avx2)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#define MULTIPLY(a, b) ((longs_field_avx2)_mm256_mul_epi32((__m256i)(a), (__m256i)(b)))
#include "passes_all.h"
#pragma clang attribute pop

const adit_field_path adit_field_avx2 = FIELD_PATH;
const adit_float_path adit_passes_f32_avx2 = FLOAT_PATH(f32, probe_rounded_f32_avx2);
const adit_float_path adit_passes_f64_avx2 = FLOAT_PATH(f64, NULL);
const adit_float_path adit_passes_bf16_avx2 = FLOAT_PATH(bf16, probe_rounded_bf16_avx2);
#endif
