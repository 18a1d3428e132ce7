// Single cells and whole rows by the panel-256 definition, for the verifier. Cells share no code with the products.
#include <math.h>
#include <stdlib.h>

#include "internal.h"

enum {
    GROUP = 8,            // cells whose chains run side by side in vectors
    CHUNK = 512,          // most cells of a task
    DEPTH = 8,            // terms gathered at a time where they lie apart: with all of a chunk's cells, they stay in the first cache
    WIDE = 512,           // bytes of terms where they lie together: whole cache lines, one after the other
    AHEAD = 2,            // rows that are asked for in advance, since where a gather reads is for no processor to guess
    SUMS_BYTES = 1 << 22  // most memory for panels' sums, unless one panel's take more
};

/// Where term l of a task's cell c is gathered: by groups of cells, so that neither loop strides far.
#define PLACE(l, c) ((c) / GROUP * GROUP * DEPTH + (l) * GROUP + (c) % GROUP)

/// A cell, and where its bits go.
typedef struct {
    adit_cell cell;
    int64_t place;
} ordered;

typedef struct {
    adit_view a, b;
    const ordered *cells;
    int64_t count, task;  // cells in all, and of a task
    uint64_t *bits;       // of I8
    void *sums;           // of floats: `count` for each panel from `panel` on
    int64_t panel, batch;
} job;

/// One operand for a task's cells: element l of cell c's row of A, or column of B, is at lines[c] + l * depth.
typedef struct {
    const void *data;
    int64_t depth, lines[CHUNK];
} operand;

/// The operands of cells first..<last. The last group is filled up with line 0, whose sums are nobody's.
static void place_lines(const job *j, int64_t first, int64_t last, operand *a, operand *b) {
    const int64_t row = j->a.transposed ? 1 : j->a.columns, column = j->b.transposed ? j->b.rows : 1;
    *a = (operand){.data = j->a.data, .depth = j->a.transposed ? j->a.rows : 1};
    *b = (operand){.data = j->b.data, .depth = j->b.transposed ? 1 : j->b.columns};
    for (int64_t c = 0; c < last - first; c++) {
        const adit_cell cell = j->cells[first + c].cell;
        const int64_t product = j->batch == 1 ? 0 : cell.row / j->a.rows;
        a->lines[c] = product * j->a.rows * j->a.columns + (cell.row - product * j->a.rows) * row;
        b->lines[c] = product * j->b.rows * j->b.columns + cell.column * column;
    }
}

static int by_column(const void *left, const void *right) {
    const int64_t l = ((const ordered *)left)->cell.column, r = ((const ordered *)right)->cell.column;
    return l < r ? -1 : l > r;
}

static int by_row(const void *left, const void *right) {
    const int64_t l = ((const ordered *)left)->cell.row, r = ((const ordered *)right)->cell.row;
    return l < r ? -1 : l > r;
}

/// The cells in the order in which an operand whose lines are strided is read from left to right; NULL without memory. Freed with free().
static ordered *order_cells(adit_view a, adit_view b, const adit_cell *cells, int64_t count) {
    ordered *const order = adit_allocate((size_t)count * sizeof(ordered));
    if (order == NULL) return NULL;
    for (int64_t c = 0; c < count; c++) order[c] = (ordered){.cell = cells[c], .place = c};
    if (!b.transposed) qsort(order, (size_t)count, sizeof(ordered), by_column);
    else if (a.transposed) qsort(order, (size_t)count, sizeof(ordered), by_row);
    return order;
}

#define REAL float
#define BITS uint32_t
#define NAN_BITS 0x7fc00000u
#define MULTIPLY_ADD(a, b, c) fmaf(a, b, c)
#define NAME(x) f32_##x
#include "cells_float.h"

#define REAL double
#define BITS uint64_t
#define NAN_BITS 0x7ff8000000000000u
#define MULTIPLY_ADD(a, b, c) fma(a, b, c)
#define NAME(x) f64_##x
#include "cells_float.h"

static void i8_task(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    operand a, b;
    const int64_t first = index * j->task, last = adit_min(first + j->task, j->count);
    place_lines(j, first, last, &a, &b);
    for (int64_t c = 0; c < last - first; c++) {
        const int8_t *const row = (const int8_t *)a.data + a.lines[c], *const column = (const int8_t *)b.data + b.lines[c];
        uint32_t sum = 0;
        for (int64_t l = 0; l < j->a.columns; l++) sum += (uint32_t)(row[l * a.depth] * column[l * b.depth]);
        j->bits[j->cells[first + c].place] = sum;
    }
}

static int32_t i8_all(const adit_run *run, job j, uint64_t *bits) {
    j.bits = bits;
    j.task = adit_max(GROUP, adit_min(CHUNK, adit_ceil_div(j.count, run->threads)));
    adit_parallel(run->threads, adit_ceil_div(j.count, j.task), i8_task, &j);
    return ADIT_OK;
}

static bool is_valid(const adit_run *run, adit_view a, adit_view b, int64_t batch, int64_t count) {
    return batch >= 0 && adit_run_is_valid(run) && a.rows >= 0 && a.columns >= 0 && b.columns >= 0 && a.columns == b.rows && count >= 0;
}

/// Copies rows of op(a) to count x k; then the product, then the widening. At most `group` rows at a time bound the memory.
#define DEFINE_ROWS(SUFFIX, SOURCE, CELL, BITS)                                                                                          \
    int32_t adit_cells_##SUFFIX(const adit_run *run, adit_view a, adit_view b, int64_t batch, const adit_cell *cells, int64_t count, uint64_t *bits) { \
        if (!is_valid(run, a, b, batch, count)) return ADIT_BAD_ARGUMENT;                                                                \
        const int64_t m = a.rows * batch, n = b.columns;                                                                                 \
        for (int64_t c = 0; c < count; c++)                                                                                              \
            if (cells[c].row < 0 || cells[c].row >= m || cells[c].column < 0 || cells[c].column >= n) return ADIT_BAD_ARGUMENT;          \
        if (count == 0) return ADIT_OK;                                                                                                  \
        job j = {.a = a, .b = b, .count = count, .batch = batch};                                                                        \
        ordered *const order = order_cells(a, b, cells, count);                                                                          \
        if (order == NULL) return ADIT_NO_MEMORY;                                                                                        \
        j.cells = order;                                                                                                                 \
        const int32_t status = SUFFIX##_all(run, j, bits);                                                                               \
        free(order);                                                                                                                     \
        return status;                                                                                                                   \
    }                                                                                                                                    \
    static int32_t SUFFIX##_rows(const adit_run *run, adit_view a, adit_view b, const int64_t *rows, int64_t count, uint64_t *bits) {    \
        const int64_t k = a.columns, n = b.columns;                                                                                      \
        const int64_t group = adit_max(1, adit_min(count, ((int64_t)1 << 26) / ((int64_t)sizeof(CELL) * adit_max(k + n, 1))));           \
        SOURCE *const gathered = adit_allocate((size_t)(group * k) * sizeof(SOURCE));                                                    \
        CELL *const product = adit_allocate((size_t)(group * n) * sizeof(CELL));                                                         \
        int32_t status = gathered != NULL && product != NULL ? ADIT_OK : ADIT_NO_MEMORY;                                                 \
        for (int64_t start = 0; start < count && status == ADIT_OK; start += group) {                                                    \
            const int64_t taken = adit_min(group, count - start);                                                                        \
            for (int64_t i = 0; i < taken; i++) {                                                                                        \
                const SOURCE *const row = (const SOURCE *)a.data + rows[start + i] % a.rows * (a.transposed ? 1 : k);                    \
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
    }                                                                                                                                    \
    static int32_t SUFFIX##_part(const rows_job *j, const adit_run *run, int64_t start, int64_t end) {                                   \
        adit_view a = j->a, b = j->b;                                                                                                    \
        const int64_t product = j->rows[start] / a.rows;                                                                                 \
        a.data = (const SOURCE *)a.data + product * a.rows * a.columns;                                                                  \
        b.data = (const SOURCE *)b.data + product * b.rows * b.columns;                                                                  \
        return SUFFIX##_rows(run, a, b, j->rows + start, end - start, j->bits + start * b.columns);                                      \
    }                                                                                                                                    \
    int32_t adit_rows_##SUFFIX(const adit_run *run, adit_view a, adit_view b, int64_t batch, const int64_t *rows, int64_t count, uint64_t *bits) { \
        if (!is_valid(run, a, b, batch, count)) return ADIT_BAD_ARGUMENT;                                                                \
        for (int64_t i = 0; i < count; i++)                                                                                              \
            if (rows[i] < 0 || rows[i] >= a.rows * batch) return ADIT_BAD_ARGUMENT;                                                      \
        if (count == 0 || b.columns == 0) return ADIT_OK;                                                                                \
        return rows_of_batch((rows_job){.run = run, .a = a, .b = b, .rows = rows, .count = count, .bits = bits, .part = SUFFIX##_part}); \
    }

/// Rows of a batch: `part` does rows start..<end, all of one product.
typedef struct rows_job {
    const adit_run *run;
    adit_view a, b;
    const int64_t *rows;
    int64_t count;
    uint64_t *bits;
    int32_t (*part)(const struct rows_job *job, const adit_run *run, int64_t start, int64_t end);
    const int64_t *starts;  // of the parts, and the end of the last
    int32_t status;
} rows_job;

static void rows_task(void *context, int64_t index, int32_t worker) {
    (void)worker;
    rows_job *const j = context;
    adit_run alone = *j->run;
    alone.threads = 1;
    const int32_t status = j->part(j, &alone, j->starts[index], j->starts[index + 1]);
    if (status != ADIT_OK) __atomic_store_n(&j->status, status, __ATOMIC_RELAXED);
}

static int32_t rows_of_batch(rows_job j) {
    int64_t *const starts = adit_allocate((size_t)(j.count + 1) * sizeof(int64_t));
    if (starts == NULL) return ADIT_NO_MEMORY;
    int64_t parts = 0;
    for (int64_t i = 0; i < j.count; i++)
        if (i == 0 || j.rows[i] / j.a.rows != j.rows[i - 1] / j.a.rows) starts[parts++] = i;
    starts[parts] = j.count;
    j.starts = starts;
    // Small products side by side, large ones each by all threads.
    if (parts > 1 && j.a.columns * j.b.columns < 1 << 18) adit_parallel(j.run->threads, parts, rows_task, &j);
    else for (int64_t p = 0; p < parts && j.status == ADIT_OK; p++) j.status = j.part(&j, j.run, starts[p], starts[p + 1]);
    free(starts);
    return j.status;
}

DEFINE_ROWS(f32, float, float, uint32_t)
DEFINE_ROWS(f64, double, double, uint64_t)
DEFINE_ROWS(i8, int8_t, int32_t, uint32_t)
