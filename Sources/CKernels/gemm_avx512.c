// The products for x86-64 with AVX-512 and VNNI: tiles of 14 x 32 (F32, I32) and 14 x 16 (F64), 28 of the 32 vector registers.
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#define PATH(x) x##_avx512
#define F32_LANES 16
#define F64_LANES 8
#define I32_LANES 16
#define F32_ROWS 14
#define F64_ROWS 14
#define I32_ROWS 14
#define DOT16(acc, a, b) ((vector_i8_avx512)_mm512_dpwssd_epi32((__m512i)(acc), (__m512i)(a), (__m512i)(b)))
#include "gemm_cells.h"
#pragma clang attribute pop

const adit_gemm_path adit_f32_avx512 = GEMM_PATH(f32, F32_ROWS, F32_LANES);
const adit_gemm_path adit_f64_avx512 = GEMM_PATH(f64, F64_ROWS, F64_LANES);
const adit_gemm_path adit_i8_avx512 = GEMM_PATH(i8, I32_ROWS, I32_LANES);
#endif
