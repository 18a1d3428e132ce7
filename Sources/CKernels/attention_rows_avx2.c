// Attention's check for x86-64 with AVX2 and FMA: tiles of 4 keys x 8 queries and 4 columns x 8 queries, in binary64.
#include "attention_rows.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PATH(x) x##_avx2
#define LANES 4
#define VECTORS 2
#define KEYS 4
#define DIMS 4
#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#define MAX(a, b) ((VECTOR)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#include "attention_rows_tile.h"
#pragma clang attribute pop

const adit_attention_rows_path adit_attention_rows_avx2 = ATTENTION_ROWS_PATH;
#endif
