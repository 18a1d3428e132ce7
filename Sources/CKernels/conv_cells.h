// The kinds of cells of the direct convolution for one instruction set: the includer defines PATH(x), F32_LANES, F64_LANES, I32_LANES,
// F32_ROWS, I32_ROWS, F64_ROWS, DOT16, MULTIPLY and MULTIPLY_ADD, and gets the tables by CONV_PATH and CONV_FIELD_PATH.

#define CELL float
#define SUM float
#define SOURCE float
#define LANES F32_LANES
#define ROWS F32_ROWS
#define VECTORS 2
#define PAIRED 0
#define STEP(acc, w, x) MULTIPLY_ADD(w, x, acc)
#define NAME(x) PATH(x##_conv_f32)
#include "conv_tile.h"

#define CELL double
#define SUM double
#define SOURCE float
#define LANES F64_LANES
#define ROWS F64_ROWS
#define VECTORS F64_VECTORS
#define PAIRED 0
#define STEP(acc, w, x) MULTIPLY_ADD(w, x, acc)
#define NAME(x) PATH(x##_conv_f64)
#include "conv_tile.h"

// Cells in binary32, sums in binary64.
#define CELL float
#define SUM double
#define SOURCE float
#define LANES F64_LANES
#define ROWS F64_ROWS
#define VECTORS F64_VECTORS
#define PAIRED 0
#define STEP(acc, w, x) MULTIPLY_ADD(w, x, acc)
#define NAME(x) PATH(x##_conv_wide)
#include "conv_tile.h"

#define CELL uint32_t
#define SUM uint32_t
#define SOURCE int8_t
#define LANES I32_LANES
#define ROWS I32_ROWS
#define VECTORS 2
#define PAIRED 1
#define STEP(acc, w, x) DOT16(acc, w, x)
#define NAME(x) PATH(x##_conv_i8)
#include "conv_tile.h"

typedef int64_t PATH(conv_longs) __attribute__((ext_vector_type(F64_LANES)));
typedef int64_t PATH(conv_loose_longs) __attribute__((ext_vector_type(F64_LANES), aligned(8)));
typedef int32_t PATH(conv_words) __attribute__((ext_vector_type(F64_LANES), aligned(4)));

/// `outputs` (at most 4) of them at once, so that Y is read plane by plane and the sums seldom.
static inline __attribute__((always_inline)) void PATH(conv_field_rows)(
    int outputs, const int32_t *y, int64_t stride, const int32_t *digits, int64_t width, int64_t pitch, int64_t *sums) {
    PATH(conv_longs) factors[4][3];
#pragma clang loop unroll(full)
    for (int o = 0; o < outputs; o++)
#pragma clang loop unroll(full)
        for (int t = 0; t < 3; t++) factors[o][t] = (PATH(conv_longs))((int64_t)digits[o * 3 + t]);
    int64_t j = 0;
    for (; j + F64_LANES <= width; j += F64_LANES) {
        PATH(conv_longs) sum[3];
#pragma clang loop unroll(full)
        for (int t = 0; t < 3; t++) sum[t] = *(const PATH(conv_loose_longs) *)(sums + t * pitch + j);
#pragma clang loop unroll(full)
        for (int o = 0; o < outputs; o++) {
            const PATH(conv_longs) cell = __builtin_convertvector(*(const PATH(conv_words) *)(y + o * stride + j), PATH(conv_longs));
#pragma clang loop unroll(full)
            for (int t = 0; t < 3; t++) sum[t] += MULTIPLY(cell, factors[o][t]);
        }
#pragma clang loop unroll(full)
        for (int t = 0; t < 3; t++) *(PATH(conv_loose_longs) *)(sums + t * pitch + j) = sum[t];
    }
    for (; j < width; j++)
        for (int o = 0; o < outputs; o++)
            for (int t = 0; t < 3; t++) sums[t * pitch + j] += (int64_t)y[o * stride + j] * digits[o * 3 + t];
}

static void PATH(conv_field_line)(
    const int32_t *y, int64_t stride, int64_t count, const int32_t *digits, int64_t width, int64_t pitch, int64_t *sums) {
    int64_t o = 0;
    for (; o + 4 <= count; o += 4) PATH(conv_field_rows)(4, y + o * stride, stride, digits + o * 3, width, pitch, sums);
    for (; o < count; o++) PATH(conv_field_rows)(1, y + o * stride, stride, digits + o * 3, width, pitch, sums);
}

#include "conv_quads_tile.h"

#define CONV_PATH(SUFFIX, ROWS, WIDTH, DEPTH, CELL, SOURCE) \
    {PATH(tile_conv_##SUFFIX), PATH(lines_conv_##SUFFIX), ROWS, WIDTH, DEPTH, sizeof(CELL), sizeof(SOURCE)}
#define CONV_F32_PATH CONV_PATH(f32, F32_ROWS, 2 * F32_LANES, 1, float, float)
#define CONV_I8_PATH CONV_PATH(i8, I32_ROWS, 2 * I32_LANES, 2, uint32_t, int8_t)
#define CONV_F64_PATH CONV_PATH(f64, F64_ROWS, F64_VECTORS * F64_LANES, 1, double, float)
#define CONV_WIDE_PATH CONV_PATH(wide, F64_ROWS, F64_VECTORS * F64_LANES, 1, float, float)
#define CONV_FIELD_PATH {PATH(conv_field_line)}
