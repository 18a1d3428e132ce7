// The passes of one instruction set: the includer defines PATH(x), F64_LANES, I32_LANES, CHAINS, DOT16, MULTIPLY, MULTIPLY_ADD and FLOAT_STEP, and gets
// the path's tables by FIELD_PATH and FLOAT_PATH.

#define LANES I32_LANES
#define NAME(x) PATH(x##_field)
#include "field_passes.h"

#define LANES F64_LANES
#define STORED float
#define REAL float
#define BITS int32_t
#define IS_BF16 0
#define SCALED 0
#define NAME(x) PATH(x##_f32)
#define CELLS(x) NAME(x)
#include "float_passes.h"

#define STORED double
#define REAL double
#define BITS int64_t
#define IS_BF16 0
#define SCALED 1
#define NAME(x) PATH(x##_f64)
#define CELLS(x) NAME(x)
#include "float_passes.h"

// After F32: C of a product of BF16 is F32.
#define STORED uint16_t
#define REAL float
#define BITS int32_t
#define IS_BF16 1
#define SCALED 0
#define NAME(x) PATH(x##_bf16)
#define CELLS(x) PATH(x##_f32)
#include "float_passes.h"
#undef LANES

// Functions of typed elements behind pointers to void: called only through these wrappers of their own type.
#define WRAP(REAL, SUFFIX)                                                                                                                  \
    static void PATH(void_line_norm_##SUFFIX)(const void *line, int64_t count, double *sum, double *maximum) {                              \
        PATH(line_norm_##SUFFIX)((const REAL *)line, count, sum, maximum);                                                                  \
    }                                                                                                                                       \
    static void PATH(void_column_norms_##SUFFIX)(                                                                                           \
        const void *data, int64_t rows, int64_t stride, int64_t first, int64_t last, double *sums, double *maxima) {                        \
        PATH(column_norms_##SUFFIX)((const REAL *)data, rows, stride, first, last, sums, maxima);                                           \
    }                                                                                                                                       \
    static void PATH(void_probe_rows_##SUFFIX)(                                                                                             \
        const void *b, const adit_blocked_probe *probe, int64_t first, int64_t last, double *y, double *energies) {                         \
        PATH(probe_rows_##SUFFIX)((const REAL *)b, probe, first, last, y, energies);                                                        \
    }                                                                                                                                       \
    static void PATH(void_probe_transposed_##SUFFIX)(                                                                                       \
        const void *b, int64_t stride, const adit_blocked_probe *probe, int64_t first, int64_t last, double *y, double *energies) {         \
        PATH(probe_transposed_##SUFFIX)((const REAL *)b, stride, probe, first, last, y, energies);                                          \
    }

WRAP(float, f32)
WRAP(double, f64)
WRAP(uint16_t, bf16)

#define FIELD_PATH {PATH(field_i8_field), PATH(field_i8_transposed_field), PATH(field_i32_field)}
#define FLOAT_PATH(SUFFIX, ROUNDED)                                                                                             \
    {PATH(void_line_norm_##SUFFIX), PATH(void_column_norms_##SUFFIX), PATH(void_probe_rows_##SUFFIX), PATH(void_probe_transposed_##SUFFIX), \
        PATH(residuals_##SUFFIX), PATH(running_##SUFFIX), CHAINS, ROUNDED, PATH(sums_of_columns_##SUFFIX)}
