// Template of the Gram matrix's tiles: included once for each instruction set, with LANES (doubles in a vector), ROWS and STRIPS (of the
// register tile, which is ROWS x 8 STRIPS) and PATH(x). Each cell is one chain of fused multiply-adds over the rows, so that the bits
// don't depend on the path.
#include "gram.h"

#define VECTORS (ADIT_GRAM_STRIP / LANES)

typedef double PATH(vector) __attribute__((ext_vector_type(LANES), aligned(8)));

static inline __attribute__((always_inline)) void PATH(tile)(int strips, int64_t depth, const double *a, const double *b, double *c, int64_t stride) {
    PATH(vector) sum[ROWS][STRIPS * VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < strips * VECTORS; v++) sum[i][v] = (PATH(vector))(0.0);
    }
    for (int64_t l = 0; l < depth; l++) {
        PATH(vector) line[STRIPS * VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < strips * VECTORS; v++)
            line[v] = *(const PATH(vector) *)(b + v / VECTORS * ADIT_GRAM_PITCH + l * ADIT_GRAM_STRIP + v % VECTORS * LANES);
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS; i++) {
            const PATH(vector) ai = (PATH(vector))(a[l * ADIT_GRAM_STRIP + i]);
#pragma clang loop unroll(full)
            for (int v = 0; v < strips * VECTORS; v++) sum[i][v] = __builtin_elementwise_fma(ai, line[v], sum[i][v]);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < strips * VECTORS; v++) *(PATH(vector) *)(c + i * stride + v * LANES) += sum[i][v];
    }
}

static void PATH(strips)(int64_t strips, int64_t depth, const double *a, const double *b, double *c, int64_t stride) {
    for (int64_t s = 0; s < strips; s += STRIPS) {
        const double *const from = b + s * ADIT_GRAM_PITCH;
        double *const to = c + s * ADIT_GRAM_STRIP;
        for (int64_t i = 0; i < ADIT_GRAM_STRIP; i += ROWS) {
            if (strips - s >= STRIPS) PATH(tile)(STRIPS, depth, a + i, from, to + i * stride, stride);
#if STRIPS == 3
            else if (strips - s == 2) PATH(tile)(2, depth, a + i, from, to + i * stride, stride);
            else PATH(tile)(1, depth, a + i, from, to + i * stride, stride);
#endif
        }
    }
}

#define GRAM_PATH {PATH(strips)}
