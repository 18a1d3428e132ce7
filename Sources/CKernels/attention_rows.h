// What the driver of attention's check (attention_check.c) and its templates share.
#ifndef ADIT_ATTENTION_ROWS_H
#define ADIT_ATTENTION_ROWS_H

#include <math.h>

#include "internal.h"

/// A check's work: rows of several heads, in binary64.
typedef struct {
    const adit_attention *shape;
    const void *q, *k, *v;
    bool bf16;
    int32_t kept_bits;
    const double *weights;  // heads x d
    const int64_t *rows;
    double *outputs, *variances;
} adit_attention_check;

/// One instruction set's rows and column ranges.
typedef struct {
    /// Rows first ..< first + count (<= queries) of the list, all of the same head.
    void (*rows)(const adit_attention_check *check, int64_t first, int64_t count, void *scratch);
    size_t (*scratch_bytes)(int64_t d);
    int64_t queries;
    /// The least and largest of each column of a packed matrix; see adit_column_ranges_f32.
    void (*ranges)(const void *data, bool bf16, int64_t rows, int64_t columns, float *least, float *largest);
    /// The largest sum of squares of `rows` rows and the largest magnitude; infinities if there is a NaN or an infinity.
    void (*extent)(const void *data, bool bf16, int64_t rows, int64_t columns, double *squares, double *maximum);
} adit_attention_rows_path;

extern const adit_attention_rows_path adit_attention_rows_portable, adit_attention_rows_avx2, adit_attention_rows_avx512;

#endif
