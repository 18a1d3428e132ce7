// The Gram matrix's tiles for x86-64 with AVX2 and FMA: 4 x 8, 8 of the 16 vector registers, as many as hide the latency.
#include "gram.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PATH(x) x##_avx2
#define LANES 4
#define ROWS 4
#define STRIPS 1
#include "gram_tile.h"
#pragma clang attribute pop

const adit_gram_path adit_gram_avx2 = GRAM_PATH;
#endif
