// The products for any processor: 128-bit vectors, which are NEON's on 64-bit ARM. Where the target has no fused multiply-add
// instruction the compiler calls fmaf() and fma(), which round once: slow, and the same bits.
#include "dot16.h"
#include "internal.h"

#define PATH(x) x##_portable
#define F32_LANES 4
#define F64_LANES 2
#define FLOAT_ROWS 6
#define FLOATS_IN_PLACE NARROW
#define FLOAT_VECTORS 2
#define I32_LANES 4
#define I32_ROWS 6
#define DOT16(acc, a, b) adit_dot16(acc, a, b)
#include "gemm_cells.h"
#include "gemm_pairs.h"

const adit_gemm_path adit_f32_portable = DIRECT_PATH(f32, FLOAT_ROWS, FLOAT_VECTORS * F32_LANES);
const adit_gemm_path adit_f64_portable = DIRECT_PATH(f64, FLOAT_ROWS, FLOAT_VECTORS * F64_LANES);
const adit_gemm_path adit_wide_portable = GEMM_PATH(wide, FLOAT_ROWS, FLOAT_VECTORS * F32_LANES, 0);
const adit_gemm_path adit_i8_portable = GEMM_PATH(i8, I32_ROWS, 2 * I32_LANES, 0);
