// Single cells and whole rows by the panel-256 definition, for the verifier. Cells share no code with the products.
#include <math.h>
#include <stdlib.h>

#include "internal.h"

enum { DEPTH = 16, CHUNK = 512, GROUP = 8 };  // terms at a time (divides the panel); most cells of a task; cells side by side
enum { AHEAD = 2 };  // rows that a strided gather asks for in advance, since where its cells lie is for no processor to guess

typedef struct {
    adit_view a, b;
    const adit_cell *cells;
    int64_t count, task;
    uint64_t *bits;
} job;

#define A_ROW(j) ((j)->a.transposed ? 1 : (j)->a.columns)
#define A_DEPTH(j) ((j)->a.transposed ? (j)->a.rows : 1)
#define B_DEPTH(j) ((j)->b.transposed ? 1 : (j)->b.columns)
#define B_COLUMN(j) ((j)->b.transposed ? (j)->b.rows : 1)

/// Where term l of a task's cell c is gathered: by groups of cells, so that neither loop strides far.
#define PLACE(l, c) ((c) / GROUP * GROUP * DEPTH + (l) * GROUP + (c) % GROUP)

/// The cells of one task, DEPTH terms at a time: their elements of A and B are gathered side by side, so that the cells' chains run
/// next to each other in vectors, and a row of B that strided columns share is read once.
#define DEFINE_CELLS(REAL, BITS, NAN_BITS, FMA, NAME)                                                                             \
    CLONES static void NAME##_accumulate(int64_t count, int64_t depth, const REAL *a, const REAL *b, REAL *acc) {                \
        for (int64_t g = 0; g < count; g += GROUP, acc += GROUP) {                                                                \
            REAL sum[GROUP];                                                                                                      \
            for (int c = 0; c < GROUP; c++) sum[c] = acc[c];                                                                      \
            for (int64_t place = g * DEPTH; place < g * DEPTH + depth * GROUP; place += GROUP)                                    \
                for (int c = 0; c < GROUP; c++) sum[c] = FMA(a[place + c], b[place + c], sum[c]);                                 \
            for (int c = 0; c < GROUP; c++) acc[c] = sum[c];                                                                      \
        }                                                                                                                         \
    }                                                                                                                             \
    static void NAME##_gather(                                                                                                     \
        const void *base, const REAL *const *origins, int64_t count, int64_t offset, int64_t stride, int64_t depth, REAL *out) {  \
        const int64_t line = ADIT_ALIGNMENT / (int64_t)sizeof(REAL);                                                              \
        if (stride == 1) {                                                                                                        \
            for (int64_t c = 0; c < count; c++) {                                                                                 \
                for (int64_t l = 0; l < DEPTH; l += line) __builtin_prefetch(origins[c] + offset + DEPTH + l);                    \
                for (int64_t l = 0; l < depth; l++) out[PLACE(l, c)] = origins[c][offset + l];                                    \
            }                                                                                                                     \
            return;                                                                                                               \
        }                                                                                                                         \
        for (int64_t l = 0; l < depth; l++) {                                                                                     \
            const REAL *const ahead = (const REAL *)base + (offset + l + AHEAD) * stride;                                         \
            if (stride <= 2 * count * line)                                                                                       \
                for (int64_t c = 0; c < stride; c += line) __builtin_prefetch(ahead + c);                                         \
            else                                                                                                                  \
                for (int64_t c = 0; c < count; c++) __builtin_prefetch(origins[c] + (offset + l + AHEAD) * stride);               \
            for (int64_t c = 0; c < count; c++) out[PLACE(l, c)] = origins[c][(offset + l) * stride];                             \
        }                                                                                                                         \
    }                                                                                                                             \
    static void NAME(const job *j, int64_t first, int64_t last) {                                                                 \
        const int64_t k = j->a.columns, count = last - first;                                                                     \
        const REAL *a[CHUNK], *b[CHUNK];                                                                                          \
        for (int64_t c = 0; c < count; c++) {                                                                                     \
            a[c] = (const REAL *)j->a.data + j->cells[first + c].row * A_ROW(j);                                                  \
            b[c] = (const REAL *)j->b.data + j->cells[first + c].column * B_COLUMN(j);                                            \
        }                                                                                                                         \
        REAL sums[CHUNK] = {0}, acc[CHUNK] = {0}, side_a[DEPTH * CHUNK] = {0}, side_b[DEPTH * CHUNK] = {0};                       \
        for (int64_t l = 0; l < k; l += DEPTH) {                                                                                  \
            const int64_t depth = adit_min(DEPTH, k - l);                                                                         \
            NAME##_gather(j->a.data, a, count, l, A_DEPTH(j), depth, side_a);                                                                \
            NAME##_gather(j->b.data, b, count, l, B_DEPTH(j), depth, side_b);                                                                \
            NAME##_accumulate(count, depth, side_a, side_b, acc);                                                                        \
            if ((l + depth) % ADIT_PANEL != 0 && l + depth != k) continue;                                                        \
            for (int64_t c = 0; c < count; c++) sums[c] = l < ADIT_PANEL ? acc[c] : sums[c] + acc[c];                             \
            memset(acc, 0, sizeof acc);                                                                                           \
        }                                                                                                                         \
        for (int64_t c = 0; c < count; c++) {                                                                                     \
            BITS bits;                                                                                                            \
            memcpy(&bits, &sums[c], sizeof bits);                                                                                 \
            j->bits[first + c] = sums[c] != sums[c] ? NAN_BITS : sums[c] == 0 ? 0 : bits;                                         \
        }                                                                                                                         \
    }

DEFINE_CELLS(float, uint32_t, 0x7fc00000u, fmaf, cells_f32)
DEFINE_CELLS(double, uint64_t, 0x7ff8000000000000u, fma, cells_f64)

static void cells_i8(const job *j, int64_t first, int64_t last) {
    for (int64_t c = first; c < last; c++) {
        const int8_t *const a = (const int8_t *)j->a.data + j->cells[c].row * A_ROW(j);
        const int8_t *const b = (const int8_t *)j->b.data + j->cells[c].column * B_COLUMN(j);
        const int64_t a_depth = A_DEPTH(j), b_depth = B_DEPTH(j);
        uint32_t sum = 0;
        for (int64_t l = 0; l < j->a.columns; l++) sum += (uint32_t)(a[l * a_depth] * b[l * b_depth]);
        j->bits[c] = sum;
    }
}

static bool is_valid(const adit_run *run, adit_view a, adit_view b, int64_t count) {
    return adit_run_is_valid(run) && a.rows >= 0 && a.columns >= 0 && b.columns >= 0 && a.columns == b.rows && count >= 0;
}

/// Copies rows of op(a) to count x k; then the product, then the widening. At most `group` rows at a time bound the memory.
#define DEFINE_ROWS(SUFFIX, SOURCE, CELL, BITS)                                                                                          \
    static void chunk_##SUFFIX(void *context, int64_t index, int32_t worker) {                                                           \
        (void)worker;                                                                                                                    \
        const job *const j = context;                                                                                                    \
        cells_##SUFFIX(j, index * j->task, adit_min((index + 1) * j->task, j->count));                                                   \
    }                                                                                                                                    \
    int32_t adit_cells_##SUFFIX(const adit_run *run, adit_view a, adit_view b, const adit_cell *cells, int64_t count, uint64_t *bits) {  \
        if (!is_valid(run, a, b, count)) return ADIT_BAD_ARGUMENT;                                                                       \
        for (int64_t c = 0; c < count; c++)                                                                                              \
            if (cells[c].row < 0 || cells[c].row >= a.rows || cells[c].column < 0 || cells[c].column >= b.columns) return ADIT_BAD_ARGUMENT; \
        const int64_t task = adit_max(GROUP, adit_min(CHUNK, adit_ceil_div(count, run->threads)));                                       \
        job j = {.a = a, .b = b, .cells = cells, .count = count, .task = task, .bits = bits};                                            \
        adit_parallel(run->threads, adit_ceil_div(count, task), chunk_##SUFFIX, &j);                                                     \
        return ADIT_OK;                                                                                                                  \
    }                                                                                                                                    \
    int32_t adit_rows_##SUFFIX(const adit_run *run, adit_view a, adit_view b, const int64_t *rows, int64_t count, uint64_t *bits) {      \
        if (!is_valid(run, a, b, count)) return ADIT_BAD_ARGUMENT;                                                                       \
        for (int64_t i = 0; i < count; i++)                                                                                              \
            if (rows[i] < 0 || rows[i] >= a.rows) return ADIT_BAD_ARGUMENT;                                                              \
        const int64_t k = a.columns, n = b.columns;                                                                                      \
        if (count == 0 || n == 0) return ADIT_OK;                                                                                        \
        const int64_t group = adit_max(1, adit_min(count, ((int64_t)1 << 26) / ((int64_t)sizeof(CELL) * adit_max(k + n, 1))));           \
        SOURCE *const gathered = adit_allocate((size_t)(group * k) * sizeof(SOURCE));                                                    \
        CELL *const product = adit_allocate((size_t)(group * n) * sizeof(CELL));                                                         \
        int32_t status = gathered != NULL && product != NULL ? ADIT_OK : ADIT_NO_MEMORY;                                                 \
        for (int64_t start = 0; start < count && status == ADIT_OK; start += group) {                                                    \
            const int64_t taken = adit_min(group, count - start);                                                                        \
            for (int64_t i = 0; i < taken; i++) {                                                                                        \
                const SOURCE *const row = (const SOURCE *)a.data + rows[start + i] * (a.transposed ? 1 : k);                             \
                for (int64_t l = 0; l < k; l++) gathered[i * k + l] = row[l * (a.transposed ? a.rows : 1)];                              \
            }                                                                                                                            \
            status = adit_gemm_##SUFFIX(run, taken, n, k, gathered, k, false, b.data, b.transposed ? k : n, b.transposed, product, n);   \
            for (int64_t i = 0; i < taken * n && status == ADIT_OK; i++) {                                                               \
                BITS cell;                                                                                                               \
                memcpy(&cell, product + i, sizeof cell);                                                                                 \
                bits[start * n + i] = cell;                                                                                              \
            }                                                                                                                            \
        }                                                                                                                                \
        free(gathered);                                                                                                                  \
        free(product);                                                                                                                   \
        return status;                                                                                                                   \
    }

DEFINE_ROWS(f32, float, float, uint32_t)
DEFINE_ROWS(f64, double, double, uint64_t)
DEFINE_ROWS(i8, int8_t, int32_t, uint32_t)
