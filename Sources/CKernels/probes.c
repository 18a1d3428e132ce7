// The verifier's passes over floats: memory, threads and the choice of path; the work is in float_passes.h.
#include <math.h>
#include <stdlib.h>

#include "passes.h"

static const adit_float_path *const f32_paths[] = ADIT_PATHS(passes_f32);
static const adit_float_path *const f64_paths[] = ADIT_PATHS(passes_f64);

double adit_row_scale(double maximum) {
    if (!(maximum > 0 && maximum < INFINITY)) return 1;
    const int exponent = ilogb(maximum);
    return ldexp(1, -(exponent < -1022 ? -1022 : exponent > 1022 ? 1022 : exponent));
}

typedef struct {
    const adit_float_path *path;
    adit_view view;
    int64_t element;  // bytes
    const adit_blocked_probe *probe;
    const adit_residual_job *residual;
    double *first, *second;
    adit_row_residual *rows;
    const int64_t *chosen;
    int64_t count;
} job;

static void norms_of_columns(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const int64_t first = index * COLUMN_CHUNK, last = adit_min(first + COLUMN_CHUNK, j->view.columns);
    j->path->column_norms(j->view.data, j->view.rows, j->view.columns, first, last, j->first, j->second);
}

static void norms_of_lines(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const int64_t last = adit_min((index + 1) * ROW_CHUNK, j->view.columns);
    for (int64_t line = index * ROW_CHUNK; line < last; line++)
        j->path->line_norm((const char *)j->view.data + line * j->view.rows * j->element, j->view.rows, &j->first[line], &j->second[line]);
}

static int32_t column_norms(const adit_run *run, const adit_float_path *path, int64_t element, adit_view b, double *sums, double *maxima) {
    if (!adit_run_is_valid(run) || b.rows < 0 || b.columns < 0) return ADIT_BAD_ARGUMENT;
    job j = {.path = path, .view = b, .element = element, .first = sums, .second = maxima};
    if (b.transposed) adit_parallel(run->threads, adit_ceil_div(b.columns, ROW_CHUNK), norms_of_lines, &j);
    else adit_parallel(run->threads, adit_ceil_div(b.columns, COLUMN_CHUNK), norms_of_columns, &j);
    return ADIT_OK;
}

/// X by blocks, in one allocation that the caller frees; NULL without memory. Without weights, each is 1.
static double *block_probe(int64_t columns, const double *x, const double *weights, adit_blocked_probe *probe) {
    const int64_t padded = adit_round_up(adit_max(columns, 1), BLOCK);
    double *const storage = adit_allocate((size_t)padded * 9 * sizeof(double));
    if (storage == NULL) return NULL;
    memset(storage, 0, (size_t)padded * 9 * sizeof(double));
    double *const copy = storage + padded * 8;
    *probe = (adit_blocked_probe){.columns = columns, .x = storage, .weights = copy, .rows = x};
    for (int64_t j = 0; j < columns; j++) {
        double *const block = storage + j / BLOCK * BLOCK * 8;
        for (int p = 0; p < 8; p++) block[p * BLOCK + j % BLOCK] = x[j * 8 + p];
        copy[j] = weights != NULL ? weights[j] : 1;
        if (copy[j] == 0) probe->leaves_out = true;
    }
    return storage;
}

static void probe_chunk(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const int64_t first = index * ROW_CHUNK, last = adit_min(first + ROW_CHUNK, j->view.rows);
    double *const energies = j->second != NULL ? j->second + first : NULL;
    if (j->view.transposed) j->path->probe_transposed(j->view.data, j->view.rows, j->probe, first, last, j->first + first * 8, energies);
    else j->path->probe_rows(j->view.data, j->probe, first, last, j->first + first * 8, energies);
}

static int32_t probe(const adit_run *run, const adit_float_path *path, adit_view b, const double *x, const double *weights, double *y, double *energies) {
    if (!adit_run_is_valid(run) || b.rows < 0 || b.columns < 0) return ADIT_BAD_ARGUMENT;
    adit_blocked_probe blocked;
    double *const storage = block_probe(b.columns, x, weights, &blocked);
    if (storage == NULL) return ADIT_NO_MEMORY;
    job j = {.path = path, .view = b, .probe = &blocked, .first = y, .second = energies};
    adit_parallel(run->threads, adit_ceil_div(b.rows, ROW_CHUNK), probe_chunk, &j);
    free(storage);
    return ADIT_OK;
}

static void residual_chunk(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const int64_t first = index * ROW_CHUNK;
    j->path->residuals(j->residual, first, adit_min(first + ROW_CHUNK, j->residual->a.rows), j->rows);
}

static int32_t residuals(const adit_run *run, const adit_float_path *path, adit_view a, adit_view c, const double *y, const double *energies,
    const double *x, const double *weights, adit_row_residual *rows) {
    if (!adit_run_is_valid(run) || a.rows < 0 || a.columns < 0 || c.columns < 0 || c.rows != a.rows || c.transposed) return ADIT_BAD_ARGUMENT;
    // Y is to A what X is to C; its weights make the energies.
    double *const roots = energies != NULL ? adit_allocate((size_t)a.columns * sizeof(double)) : NULL;
    if (energies != NULL && roots == NULL) return ADIT_NO_MEMORY;
    for (int64_t l = 0; energies != NULL && l < a.columns; l++) roots[l] = sqrt(energies[l]);
    adit_blocked_probe left, right;
    double *const left_storage = block_probe(a.columns, y, roots, &left), *const right_storage = block_probe(c.columns, x, weights, &right);
    int32_t status = ADIT_NO_MEMORY;
    if (left_storage != NULL && right_storage != NULL) {
        // Where the energy is 0 so is Y; whatever A holds there, its row's maximum has to be seen.
        left.leaves_out = false;
        const adit_residual_job residual = {.a = a, .c = c, .left = &left, .weighted = energies != NULL, .probe = &right};
        job j = {.path = path, .residual = &residual, .rows = rows};
        adit_parallel(run->threads, adit_ceil_div(a.rows, ROW_CHUNK), residual_chunk, &j);
        status = ADIT_OK;
    }
    free(roots);
    free(left_storage);
    free(right_storage);
    return status;
}

static void running_chunk(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const int64_t first = index * j->path->chains, count = adit_min(j->path->chains, j->count - first);
    j->path->running(&j->view, j->first, j->chosen + first, count, j->second + first);
}

static int32_t running(const adit_run *run, const adit_float_path *path, adit_view a, const double *y, const int64_t *rows, int64_t count, double *sums) {
    if (!adit_run_is_valid(run) || a.rows < 0 || a.columns < 0 || count < 0) return ADIT_BAD_ARGUMENT;
    for (int64_t i = 0; i < count; i++)
        if (rows[i] < 0 || rows[i] >= a.rows) return ADIT_BAD_ARGUMENT;
    job j = {.path = path, .view = a, .first = (double *)y, .second = sums, .chosen = rows, .count = count};
    adit_parallel(run->threads, adit_ceil_div(count, path->chains), running_chunk, &j);
    return ADIT_OK;
}

// A path that the machine lacks is refused inside; its table isn't read before.
#define PATH_OF(PATHS) (adit_run_is_valid(run) ? PATHS[run->isa] : NULL)

#define DEFINE_PASSES(SUFFIX, REAL, PATHS)                                                                                                     \
    int32_t adit_column_norms_##SUFFIX(const adit_run *run, adit_view b, double *sums, double *maxima) {                                       \
        return column_norms(run, PATH_OF(PATHS), sizeof(REAL), b, sums, maxima);                                                               \
    }                                                                                                                                          \
    int32_t adit_probe_##SUFFIX(const adit_run *run, adit_view b, const double *x, const double *weights, double *y, double *energies) {       \
        return probe(run, PATH_OF(PATHS), b, x, weights, y, energies);                                                                         \
    }                                                                                                                                          \
    int32_t adit_row_residuals_##SUFFIX(const adit_run *run, adit_view a, adit_view c, const double *y, const double *energies, const double *x, \
        const double *weights, adit_row_residual *rows) {                                                                                      \
        return residuals(run, PATH_OF(PATHS), a, c, y, energies, x, weights, rows);                                                            \
    }                                                                                                                                          \
    int32_t adit_running_##SUFFIX(const adit_run *run, adit_view a, const double *y, const int64_t *rows, int64_t count, double *sums) {       \
        return running(run, PATH_OF(PATHS), a, y, rows, count, sums);                                                                          \
    }

DEFINE_PASSES(f32, float, f32_paths)
DEFINE_PASSES(f64, double, f64_paths)
