// The products for x86-64 with AVX-512 and VNNI: tiles of 6 x 64 (F32, I32) and 6 x 32 (F64), 24 of the 32 vector registers for sums and
// 4 for a line of B. Measured on Zen 4 against 14 x 32 and 8 x 48: fewer loads for each multiply, 0.98 of the peak from L2.
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#define PATH(x) x##_avx512
#define F32_LANES 16
#define F64_LANES 8
#define FLOAT_ROWS 6
#define FLOATS_IN_PLACE ALWAYS
#define FLOAT_VECTORS 4
#include "gemm_cells.h"
#include "gemm_vnni.h"
#pragma clang attribute pop

const adit_gemm_path adit_f32_avx512 = DIRECT_PATH(f32, FLOAT_ROWS, FLOAT_VECTORS * F32_LANES);
const adit_gemm_path adit_f64_avx512 = DIRECT_PATH(f64, FLOAT_ROWS, FLOAT_VECTORS * F64_LANES);
const adit_gemm_path adit_wide_avx512 = GEMM_PATH(wide, FLOAT_ROWS, FLOAT_VECTORS * F32_LANES, 0);
const adit_gemm_path adit_i8_avx512 = GEMM_PATH(i8, 6, 64, ALWAYS);
#endif
