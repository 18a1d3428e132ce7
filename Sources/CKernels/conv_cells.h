// The kinds of cells of the direct convolution for one instruction set: the includer defines PATH(x), F32_LANES, F64_LANES, I32_LANES,
// F32_ROWS, I32_ROWS, F64_ROWS, DOT16, MULTIPLY and MULTIPLY_ADD, and gets the tables by CONV_PATH and CONV_FIELD_PATH.

#define CELL float
#define SOURCE float
#define LANES F32_LANES
#define ROWS F32_ROWS
#define VECTORS 2
#define PAIRED 0
#define STEP(acc, w, x) MULTIPLY_ADD(w, x, acc)
#define NAME(x) PATH(x##_conv_f32)
#include "conv_tile.h"

#define CELL double
#define SOURCE float
#define LANES F64_LANES
#define ROWS F64_ROWS
#define VECTORS F64_VECTORS
#define PAIRED 0
#define STEP(acc, w, x) MULTIPLY_ADD(w, x, acc)
#define NAME(x) PATH(x##_conv_f64)
#include "conv_tile.h"

#define CELL uint32_t
#define SOURCE int8_t
#define LANES I32_LANES
#define ROWS I32_ROWS
#define VECTORS 2
#define PAIRED 1
#define STEP(acc, w, x) DOT16(acc, w, x)
#define NAME(x) PATH(x##_conv_i8)
#include "conv_tile.h"

typedef int64_t PATH(conv_longs) __attribute__((ext_vector_type(F64_LANES)));
typedef int32_t PATH(conv_words) __attribute__((ext_vector_type(F64_LANES), aligned(4)));

static void PATH(conv_field_line)(const int32_t *y, int64_t stride, int64_t count, const int32_t *digits, int64_t width, int64_t *sums) {
    int64_t j = 0;
    for (; j + F64_LANES <= width; j += F64_LANES) {
        PATH(conv_longs) sum[3] = {0, 0, 0};
        for (int64_t o = 0; o < count; o++) {
            const PATH(conv_longs) cell = __builtin_convertvector(*(const PATH(conv_words) *)(y + o * stride + j), PATH(conv_longs));
#pragma clang loop unroll(full)
            for (int t = 0; t < 3; t++) sum[t] += MULTIPLY(cell, (PATH(conv_longs))((int64_t)digits[o * 3 + t]));
        }
        for (int t = 0; t < 3; t++)
            for (int i = 0; i < F64_LANES; i++) sums[t * width + j + i] += sum[t][i];
    }
    for (; j < width; j++)
        for (int64_t o = 0; o < count; o++)
            for (int t = 0; t < 3; t++) sums[t * width + j] += (int64_t)y[o * stride + j] * digits[o * 3 + t];
}

#define CONV_PATH(SUFFIX, ROWS, WIDTH, DEPTH, CELL, SOURCE) \
    {PATH(tile_conv_##SUFFIX), PATH(line_conv_##SUFFIX), ROWS, WIDTH, DEPTH, sizeof(CELL), sizeof(SOURCE)}
#define CONV_F32_PATH CONV_PATH(f32, F32_ROWS, 2 * F32_LANES, 1, float, float)
#define CONV_I8_PATH CONV_PATH(i8, I32_ROWS, 2 * I32_LANES, 2, uint32_t, int8_t)
#define CONV_F64_PATH CONV_PATH(f64, F64_ROWS, F64_VECTORS * F64_LANES, 1, double, float)
#define CONV_FIELD_PATH {PATH(conv_field_line)}
