// Attention for x86-64 with AVX2 and FMA: tiles of 6 keys x 16 queries for the scores, 4 columns x 16 queries for the outputs.
#include "attention.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PATH(x) x##_avx2
#define LANES 8
#define VECTORS 2
#define KEYS 6
#define DIMS 4
#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#define MAX(a, b) ((VECTOR)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define PAIRS(a, b, c) ((void)(a), (c))
#include "attention_tile.h"
DEFINE_TILE(tile_f32, ADIT_ROWS_F32)
DEFINE_TILE(tile_bf16, ADIT_ROWS_BF16)
#pragma clang attribute pop

const adit_attention_path adit_attention_f32_avx2 = ATTENTION_PATH(tile_f32);
const adit_attention_path adit_attention_bf16_avx2 = ATTENTION_PATH(tile_bf16);
#endif
