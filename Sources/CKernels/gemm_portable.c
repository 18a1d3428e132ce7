// The products for any processor: 128-bit vectors, which are NEON's on 64-bit ARM. Where the target has no fused multiply-add
// instruction the compiler calls fmaf() and fma(), which round once: slow, and the same bits.
#include "dot16.h"
#include "internal.h"

#define PATH(x) x##_portable
#define F32_LANES 4
#define F64_LANES 2
#define I32_LANES 4
#define F32_ROWS 6
#define F64_ROWS 6
#define I32_ROWS 6

#define DOT16(acc, a, b) adit_dot16(acc, a, b)
#include "gemm_cells.h"

const adit_gemm_path adit_f32_portable = GEMM_PATH(f32, F32_ROWS, F32_LANES);
const adit_gemm_path adit_f64_portable = GEMM_PATH(f64, F64_ROWS, F64_LANES);
const adit_gemm_path adit_i8_portable = GEMM_PATH(i8, I32_ROWS, I32_LANES);
