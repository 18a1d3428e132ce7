// Attention for x86-64 with AVX-512: tiles of 14 keys x 32 queries for the scores, 8 columns x 32 queries for the outputs.
#include "attention.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES 16
#define VECTORS 2
#define KEYS 14
#define DIMS 8
#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#define MAX(a, b) ((VECTOR)_mm512_max_ps((__m512)(a), (__m512)(b)))
/// Rounding and scaling in one instruction each; 2^-160 is 0, and below 2^-126 weights are subnormal, as F32 has them.
#define EXP2_FUNCTION                                                                                                       \
    static inline __attribute__((always_inline)) VECTOR PATH(exp2)(VECTOR x) {                                              \
        x = MAX(x, (VECTOR)-160.0f);                                                                                        \
        const VECTOR n = (VECTOR)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = x - n; \
        return (VECTOR)_mm512_scalef_ps((__m512)EXP2_POLYNOMIAL(f), (__m512)n);                                             \
    }

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#define PATH(x) x##_avx512
#define PAIRS(a, b, c) ((void)(a), (c))
#include "attention_tile.h"
DEFINE_TILE(tile_f32, ADIT_ROWS_F32)
DEFINE_TILE(tile_bf16, ADIT_ROWS_BF16)
#pragma clang attribute pop
const adit_attention_path adit_attention_f32_avx512 = ATTENTION_PATH(tile_f32);
const adit_attention_path adit_attention_bf16_avx512 = ATTENTION_PATH(tile_bf16);
#undef PATH
#undef PAIRS

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16"))), apply_to = function)
#define PATH(x) x##_pairs
#define PAIRS(a, b, c) ((VECTOR)_mm512_dpbf16_ps((__m512)(c), (__m512bh)(a), (__m512bh)(b)))
#include "attention_tile.h"
DEFINE_TILE(tile_bf16, ADIT_PAIRS_BF16)
#pragma clang attribute pop
const adit_attention_path adit_attention_bf16_pairs = ATTENTION_PATH(tile_bf16);
#endif
