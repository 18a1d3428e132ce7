// The passes of attention's check over threads: memory, tasks and the choice of path; the work is in attention_rows_tile.h.
#include <stdlib.h>

#include "attention_rows.h"

static const adit_attention_rows_path *const paths[] = ADIT_PATHS(attention_rows);

typedef struct {
    const adit_attention_rows_path *path;
    const adit_attention_check *check;
    const int64_t *starts;  // tasks + 1 places in the list of rows
    char *scratch;
    size_t scratch_stride;
} rows_job;

static void run_rows(void *context, int64_t index, int32_t worker) {
    const rows_job *const j = context;
    j->path->rows(j->check, j->starts[index], j->starts[index + 1] - j->starts[index], j->scratch + (size_t)worker * j->scratch_stride);
}

static int32_t attention_rows(const adit_run *run, adit_attention_check check, int64_t count) {
    const adit_attention *const a = check.shape;
    if (!adit_run_is_valid(run) || a->heads < 0 || a->queries < 0 || a->keys < 1 || a->d < 1 || count < 0) return ADIT_BAD_ARGUMENT;
    if (check.kept_bits < 1) return ADIT_BAD_ARGUMENT;
    for (int64_t i = 0; i < count; i++)
        if (check.rows[i] < 0 || check.rows[i] >= a->heads * a->queries) return ADIT_BAD_ARGUMENT;
    if (count == 0) return ADIT_OK;
    rows_job j = {.path = paths[run->isa], .check = &check};
    int64_t *const starts = adit_allocate((size_t)(count + 1) * sizeof *starts);
    if (starts == NULL) return ADIT_NO_MEMORY;
    // Tasks are neighbours in the list that belong to one head, as many as there are lanes.
    int64_t tasks = 0;
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || check.rows[i] / a->queries != check.rows[i - 1] / a->queries || i - starts[tasks - 1] == j.path->queries) starts[tasks++] = i;
    starts[tasks] = count;
    const int64_t workers = adit_min(run->threads, tasks);
    j.starts = starts;
    j.scratch_stride = (size_t)adit_round_up((int64_t)j.path->scratch_bytes(a->d), ADIT_ALIGNMENT);
    j.scratch = adit_allocate(j.scratch_stride * (size_t)workers);
    if (j.scratch != NULL) adit_parallel((int32_t)workers, tasks, run_rows, &j);
    const int32_t status = j.scratch != NULL ? ADIT_OK : ADIT_NO_MEMORY;
    free(j.scratch);
    free(starts);
    return status;
}

int32_t adit_attention_rows_f32(const adit_run *run, const adit_attention *shape, const float *q, const float *k, const float *v, const int64_t *rows,
    int64_t count, const double *weights, int32_t kept_bits, double *outputs, double *variances) {
    return attention_rows(run, (adit_attention_check){.shape = shape, .q = q, .k = k, .v = v, .kept_bits = kept_bits, .weights = weights, .rows = rows,
        .outputs = outputs, .variances = variances}, count);
}

int32_t adit_attention_rows_bf16(const adit_run *run, const adit_attention *shape, const uint16_t *q, const uint16_t *k, const uint16_t *v,
    const int64_t *rows, int64_t count, const double *weights, int32_t kept_bits, double *outputs, double *variances) {
    return attention_rows(run, (adit_attention_check){.shape = shape, .q = q, .k = k, .v = v, .bf16 = true, .kept_bits = kept_bits, .weights = weights,
        .rows = rows, .outputs = outputs, .variances = variances}, count);
}

typedef struct {
    const adit_attention_rows_path *path;
    const char *data;
    bool bf16;
    int64_t rows, columns, chunk;
    float *least, *largest;
    double *squares, *maxima;
} matrix_job;

static void run_ranges(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const matrix_job *const j = context;
    j->path->ranges(j->data + index * j->rows * j->columns * (j->bf16 ? 2 : 4), j->bf16, j->rows, j->columns, j->least + index * j->columns,
        j->largest + index * j->columns);
}

static void run_extent(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const matrix_job *const j = context;
    const int64_t first = index * j->chunk, rows = adit_min(j->chunk, j->rows - first);
    j->path->extent(j->data + first * j->columns * (j->bf16 ? 2 : 4), j->bf16, rows, j->columns, &j->squares[index], &j->maxima[index]);
}

static int32_t column_ranges(const adit_run *run, const void *data, bool bf16, int64_t groups, int64_t rows, int64_t columns, float *least, float *largest) {
    if (!adit_run_is_valid(run) || groups < 0 || rows < 0 || columns < 0) return ADIT_BAD_ARGUMENT;
    matrix_job j = {.path = paths[run->isa], .data = data, .bf16 = bf16, .rows = rows, .columns = columns, .least = least, .largest = largest};
    adit_parallel(run->threads, groups, run_ranges, &j);
    return ADIT_OK;
}

int32_t adit_column_ranges_f32(const adit_run *run, const float *data, int64_t groups, int64_t rows, int64_t columns, float *least, float *largest) {
    return column_ranges(run, data, false, groups, rows, columns, least, largest);
}

int32_t adit_column_ranges_bf16(const adit_run *run, const uint16_t *data, int64_t groups, int64_t rows, int64_t columns, float *least, float *largest) {
    return column_ranges(run, data, true, groups, rows, columns, least, largest);
}

static int32_t row_extent(const adit_run *run, const void *data, bool bf16, int64_t rows, int64_t columns, double *squares, double *maximum) {
    if (!adit_run_is_valid(run) || rows < 0 || columns < 0) return ADIT_BAD_ARGUMENT;
    enum { CHUNKS = 256 };
    double sums[CHUNKS], maxima[CHUNKS];
    matrix_job j = {.path = paths[run->isa], .data = data, .bf16 = bf16, .rows = rows, .columns = columns, .squares = sums, .maxima = maxima};
    j.chunk = adit_max(1, adit_ceil_div(rows, CHUNKS));
    const int64_t chunks = adit_ceil_div(rows, j.chunk);
    adit_parallel(run->threads, chunks, run_extent, &j);
    *squares = *maximum = 0;
    for (int64_t i = 0; i < chunks; i++) *squares = fmax(*squares, sums[i]), *maximum = fmax(*maximum, maxima[i]);
    return ADIT_OK;
}

int32_t adit_row_extent_f32(const adit_run *run, const float *data, int64_t rows, int64_t columns, double *squares, double *maximum) {
    return row_extent(run, data, false, rows, columns, squares, maximum);
}

int32_t adit_row_extent_bf16(const adit_run *run, const uint16_t *data, int64_t rows, int64_t columns, double *squares, double *maximum) {
    return row_extent(run, data, true, rows, columns, squares, maximum);
}
