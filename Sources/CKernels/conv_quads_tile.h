// Template, part of conv_cells.h: four output rows from six products by Winograd's F(4, 3), in binary64.
//
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), here along the rows alone: with the points 0, 1, -1, 2, -2
// and infinity, B^T makes six lines of six input rows, G six filters of three taps, A^T four output rows of the six sums.

typedef double PATH(quad_vector) __attribute__((ext_vector_type(F64_LANES)));
typedef double PATH(quad_loose) __attribute__((ext_vector_type(F64_LANES), aligned(8)));
typedef float PATH(quad_source) __attribute__((ext_vector_type(F64_LANES), aligned(4)));

#define QUADS_OF(TYPE, at)                                                                                           \
    TYPE d[6];                                                                                                       \
    for (int i = 0; i < 6; i++) d[i] = LOAD(TYPE, rows[i] + (at));                                                   \
    const TYPE a = d[4] - 4 * d[2], b = d[3] - 4 * d[1], c = d[4] - d[2], e = 2 * (d[3] - d[1]);                     \
    const TYPE lines[6] = {4 * d[0] - 5 * d[2] + d[4], a + b, a - b, c + e, c - e, 4 * d[1] - 5 * d[3] + d[5]};

static void PATH(quads_load)(const float *const rows[6], int64_t count, int64_t padding, double *out, int64_t plane) {
    for (int i = 0; i < 6; i++)
        for (int64_t j = 0; j < padding; j++) out[i * plane + j] = out[i * plane + padding + count + j] = 0;
    out += padding;
    int64_t j = 0;
    while (count >= F64_LANES && j < count) {
        // The last vector overlaps the one before.
        const int64_t at = adit_min(j, count - F64_LANES);
#define LOAD(TYPE, p) __builtin_convertvector(*(const PATH(quad_source) *)(p), TYPE)
        QUADS_OF(PATH(quad_vector), at)
#undef LOAD
#pragma clang loop unroll(full)
        for (int i = 0; i < 6; i++) *(PATH(quad_loose) *)(out + i * plane + at) = lines[i];
        j += F64_LANES;
    }
#define LOAD(TYPE, p) ((TYPE) *(p))
    for (; j < count; j++) {
        QUADS_OF(double, j)
        for (int i = 0; i < 6; i++) out[i * plane + j] = lines[i];
    }
#undef LOAD
}
#undef QUADS_OF

static void PATH(quads_sum)(const double *sums, int64_t plane, int64_t count, double *const rows[4]) {
    for (int64_t j = 0; j < count; j++) {
        double m[6];
        for (int i = 0; i < 6; i++) m[i] = sums[i * plane + j];
        const double a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], e = m[3] - m[4];
        rows[0][j] = m[0] + a + c;
        rows[1][j] = b + 2 * e;
        rows[2][j] = a + 4 * c;
        rows[3][j] = b + 8 * e + m[5];
    }
}
#define CONV_QUADS_PATH {PATH(quads_load), PATH(quads_sum)}
