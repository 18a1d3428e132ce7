// The independent reference: what the definitions say, in plain loops, to compare the products with. It includes nothing of the
// other files, so that no mistake can be in both.
#include <math.h>
#include <stdlib.h>

#include "adit_kernels.h"

// Not under a sanitizer: its checks would run in the dispatch's resolvers, before it has started.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
// Wider vectors where the processor has them; every cell's operations and their order stay as written.
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#define WIDTH 64    // columns of C at a time
#define LENGTH 256  // a panel

/// acc[j] = sum over l of x[l] panel[l][j], fused, from +0, l ascending.
CLONES static void panel_sums(const float *x, int64_t stride, const float *panel, int64_t depth, float *acc) {
    float sums[WIDTH] = {0};
    for (int64_t l = 0; l < depth; l++) {
        const float value = x[l * stride];
        for (int j = 0; j < WIDTH; j++) sums[j] = fmaf(value, panel[l * WIDTH + j], sums[j]);
    }
    for (int j = 0; j < WIDTH; j++) acc[j] = sums[j];
}

bool adit_reference_gram_f32(const float *x, int64_t rows, int64_t k, bool transposed, int64_t first, int64_t last, float *c) {
    const int64_t row_stride = transposed ? 1 : k, depth_stride = transposed ? rows : 1;
    float *const panel = malloc(sizeof(float) * WIDTH * LENGTH);
    if (panel == NULL) return false;
    for (int64_t column = 0; column < last; column += WIDTH) {
        for (int64_t start = 0; start < k || start == 0; start += LENGTH) {
            const int64_t depth = k - start < LENGTH ? k - start : LENGTH;
            for (int64_t l = 0; l < depth; l++)
                for (int64_t j = 0; j < WIDTH; j++)
                    panel[l * WIDTH + j] = column + j < rows ? x[(column + j) * row_stride + (start + l) * depth_stride] : 0;
            for (int64_t i = column > first ? column : first; i < last; i++) {
                float acc[WIDTH];
                panel_sums(x + i * row_stride + start * depth_stride, depth_stride, panel, depth, acc);
                for (int64_t j = column; j <= i && j < column + WIDTH; j++) {
                    float sum = start == 0 ? acc[j - column] : c[i * rows + j] + acc[j - column];
                    if (start + LENGTH >= k) {
                        if (sum == 0) sum = 0;  // -0 becomes +0
                        if (sum != sum) sum = NAN;
                        c[j * rows + i] = sum;
                    }
                    c[i * rows + j] = sum;
                }
            }
        }
    }
    free(panel);
    return true;
}

CLONES static int32_t dot(const int8_t *a, const int8_t *b, int64_t count, int64_t stride) {
    int32_t sum = 0;
    if (stride == 1)
        for (int64_t l = 0; l < count; l++) sum += a[l] * b[l];
    else
        for (int64_t l = 0; l < count; l++) sum += a[l * stride] * b[l * stride];
    return sum;
}

bool adit_reference_gram_i8(const int8_t *x, int64_t rows, int64_t k, bool transposed, int64_t first, int64_t last, int32_t *c) {
    const int64_t row_stride = transposed ? 1 : k, depth_stride = transposed ? rows : 1;
    for (int64_t i = first; i < last; i++)
        for (int64_t j = 0; j <= i; j++) c[i * rows + j] = c[j * rows + i] = dot(x + i * row_stride, x + j * row_stride, k, depth_stride);
    return true;
}
