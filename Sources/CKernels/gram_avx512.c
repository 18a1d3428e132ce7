// The Gram matrix's tiles for x86-64 with AVX-512: 8 x 24, 24 of the 32 vector registers.
#include "gram.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define PATH(x) x##_avx512
#define LANES 8
#define ROWS 8
#define STRIPS 3
#include "gram_tile.h"
#pragma clang attribute pop

const adit_gram_path adit_gram_avx512 = GRAM_PATH;
#endif
