// The direct convolution for x86-64 with AVX-512 and VNNI: tiles of 14 x 32 (F32, I8), 8 x 16 (F64).
#include "conv.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#define PATH(x) x##_avx512
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#define F32_LANES 16
#define F64_LANES 8
#define I32_LANES 16
#define F32_ROWS 14
#define I32_ROWS 14
#define F64_ROWS 8
#define F64_VECTORS 2
#define DOT16(acc, a, b) ((vector_conv_i8_avx512)_mm512_dpwssd_epi32((__m512i)(acc), (__m512i)(a), (__m512i)(b)))
#define MULTIPLY(a, b) ((conv_longs_avx512)_mm512_mul_epi32((__m512i)(a), (__m512i)(b)))
#include "conv_cells.h"
#pragma clang attribute pop

const adit_conv_path adit_conv_f32_avx512 = CONV_F32_PATH;
const adit_conv_path adit_conv_i8_avx512 = CONV_I8_PATH;
const adit_conv_path adit_conv_f64_avx512 = CONV_F64_PATH;
const adit_conv_path adit_conv_wide_avx512 = CONV_WIDE_PATH;
const adit_conv_quads_path adit_conv_quads_avx512 = CONV_QUADS_PATH;
const adit_conv_field_path adit_conv_field_avx512 = CONV_FIELD_PATH;
#endif
