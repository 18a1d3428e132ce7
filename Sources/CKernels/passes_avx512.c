// The verifier's passes for x86-64 with AVX-512 and VNNI.
#include "passes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#define PATH(x) x##_avx512
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#define FLOAT_STEP(WIDE, SUM, a, b, c) __builtin_elementwise_fma((WIDE)(a), b, c)
#define F64_LANES 8
#define I32_LANES 16
#define CHAINS 8
#define DOT16(acc, a, b) ((words_field_avx512)_mm512_dpwssd_epi32((__m512i)(acc), (__m512i)(a), (__m512i)(b)))
#define MULTIPLY(a, b) ((longs_field_avx512)_mm512_mul_epi32((__m512i)(a), (__m512i)(b)))
#include "passes_all.h"
#pragma clang attribute pop

const adit_field_path adit_field_avx512 = FIELD_PATH;
const adit_float_path adit_passes_f32_avx512 = FLOAT_PATH(f32, probe_rounded_f32_avx512);
const adit_float_path adit_passes_f64_avx512 = FLOAT_PATH(f64, NULL);
const adit_float_path adit_passes_bf16_avx512 = FLOAT_PATH(bf16, probe_rounded_bf16_avx512);
#endif
