// Attention's check for x86-64 with AVX-512: tiles of 4 keys x 48 queries and 4 columns x 48 queries, in binary64. Wide, so that a head's
// keys and values are widened once for the 43 rows that a check of twelve heads takes of each.
#include "attention_rows.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#define PATH(x) x##_avx512
#define LANES 8
#define VECTORS 6
#define KEYS 4
#define DIMS 4
#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#define MAX(a, b) ((VECTOR)_mm512_max_pd((__m512d)(a), (__m512d)(b)))
#include "attention_rows_tile.h"
#pragma clang attribute pop

const adit_attention_rows_path adit_attention_rows_avx512 = ATTENTION_ROWS_PATH;
#endif
