// The products for x86-64 with AVX2 and FMA: tiles of 6 x 16 (F32, I32) and 6 x 8 (F64), 12 of the 16 vector registers.
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PATH(x) x##_avx2
#define F32_LANES 8
#define F64_LANES 4
#define FLOAT_ROWS 6
#define FLOATS_IN_PLACE NARROW
#define FLOAT_VECTORS 2
#define I32_LANES 8
#define I32_ROWS 6
#define DOT16(acc, a, b) ((acc) + (vector_i8_avx2)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#include "gemm_cells.h"
#include "gemm_pairs.h"
#pragma clang attribute pop

const adit_gemm_path adit_f32_avx2 = DIRECT_PATH(f32, FLOAT_ROWS, FLOAT_VECTORS * F32_LANES);
const adit_gemm_path adit_f64_avx2 = DIRECT_PATH(f64, FLOAT_ROWS, FLOAT_VECTORS * F64_LANES);
const adit_gemm_path adit_wide_avx2 = GEMM_PATH(wide, FLOAT_ROWS, FLOAT_VECTORS * F32_LANES, 0);
const adit_gemm_path adit_i8_avx2 = GEMM_PATH(i8, I32_ROWS, 2 * I32_LANES, 0);
#endif
