// What the drivers of the verifier's passes (field.c, probes.c) and their templates share.
#ifndef ADIT_PASSES_H
#define ADIT_PASSES_H

#include "internal.h"

enum {
    BLOCK = 256,         // columns of X that stay in the first cache: 16 KiB
    COLUMN_CHUNK = 512,  // columns of a task over columns
    ROW_CHUNK = 48,      // rows of a task of the probe and of the residuals
    WIDE_CHUNK = 256,    // most rows of a task of the probe of a transposed b, which lie side by side
    LINES = 24,          // rows whose sums stay in the first cache beside X: 6 KiB with AVX2
    ROWS_AHEAD = 6,      // rows of a block that are asked for in advance: they take about as long as memory does
    RUN_DEPTH = 64,      // columns of A converted at a time for running sums
    SUM_WIDTH = 16,      // columns of rows that are summed again at a time
    ADIT_SUM_KINDS = 11, // most sums of a cell: exact, filtered, in orders
    ADIT_DROP_TF32 = 13, ADIT_DROP_BF16 = 16, ADIT_DROP_E4M3 = 20,  // bits of binary32's significand that the formats lack
};

typedef double adit_octet __attribute__((ext_vector_type(8)));
typedef double adit_loose_octet __attribute__((ext_vector_type(8), aligned(8)));

/// X and the weights, padded with zeros to whole blocks.
typedef struct {
    int64_t columns, pitch;  // pitch: between two probes of a block; BLOCK where there is more than one
    const double *x;        // for each block of BLOCK columns: 8 probes of `pitch`
    const double *weights;  // padded too
    const double *rows;     // X as given: columns x 8
    bool leaves_out;        // whether some weight is 0
} adit_blocked_probe;

typedef struct {
    adit_view a, c;
    const adit_blocked_probe *left;   // Y, as the probe of a; the square roots of the energies, if any, as its weights
    bool weighted;                    // whether there are energies
    const adit_blocked_probe *probe;  // X, of c
    double *differences, *images;     // a.rows x 8: (c x) - (a y) and a y; both NULL where nobody asks
} adit_residual_job;

/// Rows of a b to be summed again: `rows` of one product, the first of which is row `place` of `total` in the result.
typedef struct {
    adit_view a, b;
    const int64_t *rows;
    int64_t count, place, total;
    bool again;   // with filters and orders, else only in binary64
    double *out;  // for each kind of sum: total x b.columns
} adit_sums_job;

/// 2^(-e), e the exponent of `maximum` in -1022...1022; 1 for 0 and for infinity.
double adit_row_scale(double maximum);

/// The vectors of a field product in digits that vector units multiply exactly, each padded with zeros to a multiple of 64.
typedef struct {
    int64_t stride;           // entries of one digit's vector
    const int16_t *sixteens;  // 4 digits of 16 bits, signed: value = sum of digit[t] 2^(16 t)
    const int32_t *twenties;  // 3 digits of 21 bits, unsigned: value = sum of digit[t] 2^(21 t)
} adit_digits;

enum { FIELD_CHUNK = 64 };  // entries of a field product's task

/// One path's passes. Ranges are of the result's entries.
typedef struct {
    void (*field_i8)(const int8_t *data, int64_t columns, int64_t first, int64_t last, const adit_digits *x, uint64_t *out);
    void (*field_i8_transposed)(const int8_t *data, int64_t stride, int64_t columns, int64_t first, int64_t last, const adit_digits *x, uint64_t *out);
    void (*field_i32)(const int32_t *data, int64_t columns, int64_t first, int64_t last, const adit_digits *x, uint64_t *out);
} adit_field_path;

/// The passes over floats, for elements of either size behind `const void *`.
typedef struct {
    void (*line_norm)(const void *line, int64_t count, double *sum, double *maximum);
    void (*column_norms)(const void *data, int64_t rows, int64_t stride, int64_t first, int64_t last, double *sums, double *maxima);
    void (*probe_rows)(const void *b, const adit_blocked_probe *probe, int64_t first, int64_t last, double *y, double *energies);
    void (*probe_transposed)(const void *b, int64_t stride, const adit_blocked_probe *probe, int64_t first, int64_t last, double *y, double *energies);
    void (*residuals)(const adit_residual_job *job, int64_t first, int64_t last, adit_row_residual *out);
    void (*running)(const adit_view *a, const double *y, const int64_t *rows, int64_t count, double *out);
    int64_t chains;  // most rows of a call of `running`
    void (*probe_rounded)(const adit_view *view, const adit_blocked_probe *probe, int drop, int64_t first, int64_t last, double *y);  // NULL for F64
    void (*sums_of_columns)(const adit_sums_job *job, int64_t column, void *scratch);
} adit_float_path;

extern const adit_field_path adit_field_portable, adit_field_avx2, adit_field_avx512;
extern const adit_float_path adit_passes_f32_portable, adit_passes_f32_avx2, adit_passes_f32_avx512;
extern const adit_float_path adit_passes_f64_portable, adit_passes_f64_avx2, adit_passes_f64_avx512;
extern const adit_float_path adit_passes_bf16_portable, adit_passes_bf16_avx2, adit_passes_bf16_avx512;

/// v modulo 2^61 - 1, in 0..<2^61 - 1.
static inline uint64_t adit_field_reduce(__int128 v) {
    const uint64_t p = ((uint64_t)1 << 61) - 1;
    const bool negative = v < 0;
    unsigned __int128 u = negative ? -(unsigned __int128)v : (unsigned __int128)v;
    u = (u & p) + (u >> 61);
    u = (u & p) + (u >> 61);
    uint64_t r = (uint64_t)u;
    r = (r & p) + (r >> 61);
    if (r >= p) r -= p;
    return negative && r != 0 ? p - r : r;
}

#endif
