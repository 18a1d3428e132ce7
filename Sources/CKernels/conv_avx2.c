// The direct convolution for x86-64 with AVX2 and FMA: tiles of 6 x 16 (F32, I8), 8 x 4 (F64).
#include "conv.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PATH(x) x##_avx2
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#define F32_LANES 8
#define F64_LANES 4
#define I32_LANES 8
#define F32_ROWS 6
#define I32_ROWS 6
#define F64_ROWS 8
#define F64_VECTORS 1
#define DOT16(acc, a, b) ((acc) + (vector_conv_i8_avx2)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#define MULTIPLY(a, b) ((conv_longs_avx2)_mm256_mul_epi32((__m256i)(a), (__m256i)(b)))
#include "conv_cells.h"
#pragma clang attribute pop

const adit_conv_path adit_conv_f32_avx2 = CONV_F32_PATH;
const adit_conv_path adit_conv_i8_avx2 = CONV_I8_PATH;
const adit_conv_path adit_conv_f64_avx2 = CONV_F64_PATH;
const adit_conv_path adit_conv_wide_avx2 = CONV_WIDE_PATH;
const adit_conv_quads_path adit_conv_quads_avx2 = CONV_QUADS_PATH;
const adit_conv_field_path adit_conv_field_avx2 = CONV_FIELD_PATH;
#endif
