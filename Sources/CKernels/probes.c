// The verifier's passes over floats: memory, threads and the choice of path; the work is in float_passes.h.
#include <math.h>
#include <stdlib.h>

#include "passes.h"

static const adit_float_path *const f32_paths[] = ADIT_PATHS(passes_f32);
static const adit_float_path *const f64_paths[] = ADIT_PATHS(passes_f64);
static const adit_float_path *const bf16_paths[] = ADIT_PATHS(passes_bf16);

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
    int64_t chunk;  // rows of a task
} job;

/// Rows of a task of the probe: of a transposed view as many as lie well together, while each thread has some tasks.
static int64_t probe_rows(const adit_view *view, int32_t threads) {
    if (!view->transposed) return ROW_CHUNK;
    return adit_max(ROW_CHUNK, adit_min(WIDE_CHUNK, adit_round_up(adit_ceil_div(view->rows, 4 * (int64_t)threads), 16)));
}

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
    const int64_t pitch = adit_min(BLOCK, adit_round_up(adit_max(columns, 1), 16)), padded = adit_round_up(adit_max(columns, 1), pitch);
    double *const storage = adit_allocate((size_t)padded * 9 * sizeof(double));
    if (storage == NULL) return NULL;
    double *const copy = storage + padded * 8;
    // The last block may be filled in part only.
    if (columns < padded) {
        memset(storage + (padded - pitch) * 8, 0, (size_t)pitch * 8 * sizeof(double));
        memset(copy + padded - pitch, 0, (size_t)pitch * sizeof(double));
    }
    *probe = (adit_blocked_probe){.columns = columns, .pitch = pitch, .x = storage, .weights = copy, .rows = x};
    for (int64_t j = 0; j < columns; j++) {
        double *const block = storage + j / BLOCK * BLOCK * 8;
        for (int p = 0; p < 8; p++) block[p * pitch + j % BLOCK] = x[j * 8 + p];
        copy[j] = weights != NULL ? weights[j] : 1;
        if (copy[j] == 0) probe->leaves_out = true;
    }
    return storage;
}

static void probe_chunk(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const int64_t first = index * j->chunk, last = adit_min(first + j->chunk, j->view.rows);
    double *const energies = j->second != NULL ? j->second + first : NULL;
    if (j->view.transposed) j->path->probe_transposed(j->view.data, j->view.rows, j->probe, first, last, j->first + first * 8, energies);
    else j->path->probe_rows(j->view.data, j->probe, first, last, j->first + first * 8, energies);
}

static int32_t probe(const adit_run *run, const adit_float_path *path, adit_view b, const double *x, const double *weights, double *y, double *energies) {
    if (!adit_run_is_valid(run) || b.rows < 0 || b.columns < 0) return ADIT_BAD_ARGUMENT;
    adit_blocked_probe blocked;
    double *const storage = block_probe(b.columns, x, weights, &blocked);
    if (storage == NULL) return ADIT_NO_MEMORY;
    job j = {.path = path, .view = b, .probe = &blocked, .first = y, .second = energies, .chunk = probe_rows(&b, run->threads)};
    adit_parallel(run->threads, adit_ceil_div(b.rows, j.chunk), probe_chunk, &j);
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
    const double *x, const double *weights, adit_row_residual *rows, double *differences, double *images) {
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
        const adit_residual_job residual = {.a = a, .c = c, .left = &left, .weighted = energies != NULL, .probe = &right,
            .differences = differences, .images = images};
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

enum { VARIANTS = 4 };

/// Products of one view, its elements rounded in several ways, with an X for each.
typedef struct {
    const adit_float_path *path;
    adit_view view;
    int variants;
    int drops[VARIANTS];
    const double *x[VARIANTS], *weights;
    double *out[VARIANTS];
    adit_blocked_probe probes[VARIANTS];
    int64_t chunk;  // rows of a task
} rounded_job;

/// The variants of a chunk follow on each other, so that its elements are still near.
static void rounded_chunk(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const rounded_job *const j = context;
    const int64_t first = index / j->variants * j->chunk, last = adit_min(first + j->chunk, j->view.rows);
    const int v = (int)(index % j->variants);
    j->path->probe_rounded(&j->view, &j->probes[v], j->drops[v], first, last, j->out[v] + first * 8);
}

static int32_t rounded(const adit_run *run, rounded_job *j) {
    if (!adit_run_is_valid(run) || j->view.rows < 0 || j->view.columns < 0) return ADIT_BAD_ARGUMENT;
    double *storage[VARIANTS] = {0};
    int32_t status = ADIT_OK;
    for (int v = 0; v < j->variants; v++) {
        int same = 0;
        while (j->x[same] != j->x[v]) same++;
        if (same == v) storage[v] = block_probe(j->view.columns, j->x[v], j->weights, &j->probes[v]);
        if (storage[same] == NULL) status = ADIT_NO_MEMORY;
        else j->probes[v] = j->probes[same];
    }
    j->chunk = probe_rows(&j->view, run->threads);
    if (status == ADIT_OK) adit_parallel(run->threads, adit_ceil_div(j->view.rows, j->chunk) * j->variants, rounded_chunk, j);
    for (int v = 0; v < j->variants; v++) free(storage[v]);
    return status;
}

static int32_t rounded_probes(const adit_run *run, const adit_float_path *path, bool bf16, adit_view b, const double *x, const double *weights, double *y,
    int64_t pitch) {
    // Two formats below F32, one below BF16.
    rounded_job j = {.path = path, .view = b, .variants = bf16 ? 1 : 2, .drops = {bf16 ? ADIT_DROP_E4M3 : ADIT_DROP_TF32, ADIT_DROP_BF16}, .x = {x, x},
        .weights = weights, .out = {y, y + pitch}};
    return rounded(run, &j);
}

static int32_t filter_images(const adit_run *run, const adit_float_path *path, bool bf16, adit_view a, const double *y, const double *rounded_y,
    int64_t pitch_y, double *images, int64_t pitch) {
    // In the order of `Filter`: both rounded, A alone, B alone, and both to the second format.
    const int drop = bf16 ? ADIT_DROP_E4M3 : ADIT_DROP_TF32;
    rounded_job j = {.path = path, .view = a, .variants = bf16 ? 3 : 4, .drops = {drop, drop, 0, ADIT_DROP_BF16},
        .x = {rounded_y, y, rounded_y, bf16 ? NULL : rounded_y + pitch_y}, .out = {images, images + pitch, images + 2 * pitch, images + 3 * pitch}};
    return rounded(run, &j);
}

typedef struct {
    const adit_float_path *path;
    const adit_sums_job *job;
    char *scratch;
    size_t scratch_stride;
} sums_run;

static void sums_chunk(void *context, int64_t index, int32_t worker) {
    const sums_run *const r = context;
    r->path->sums_of_columns(r->job, index * SUM_WIDTH, r->scratch + (size_t)worker * r->scratch_stride);
}

static int32_t sums_again(const adit_run *run, const adit_float_path *path, int64_t stored, int64_t real, adit_view a, adit_view b, int64_t count,
    const int64_t *rows, int64_t row_count, bool again, double *out) {
    if (!adit_run_is_valid(run) || a.rows < 0 || a.columns < 0 || b.columns < 0 || a.columns != b.rows || count < 0 || row_count < 0) return ADIT_BAD_ARGUMENT;
    for (int64_t i = 0; i < row_count; i++)
        if (rows[i] < 0 || rows[i] >= a.rows * count) return ADIT_BAD_ARGUMENT;
    if (row_count == 0 || b.columns == 0) return ADIT_OK;
    sums_run r = {.path = path};
    // Three precisions of SUM_WIDTH columns of b and of a row of a.
    r.scratch_stride = (size_t)adit_round_up((a.columns + 1) * 3 * (SUM_WIDTH + 1) * real, ADIT_ALIGNMENT);
    r.scratch = adit_allocate(r.scratch_stride * (size_t)run->threads);
    int64_t *const local = adit_allocate((size_t)row_count * sizeof(int64_t));
    if (r.scratch == NULL || local == NULL) {
        free(r.scratch);
        free(local);
        return ADIT_NO_MEMORY;
    }
    for (int64_t start = 0; start < row_count;) {
        const int64_t product = rows[start] / a.rows;
        int64_t end = start;
        for (; end < row_count && rows[end] / a.rows == product; end++) local[end] = rows[end] % a.rows;
        adit_sums_job job = {.a = a, .b = b, .rows = local + start, .count = end - start, .place = start, .total = row_count, .again = again, .out = out};
        job.a.data = (const char *)a.data + product * a.rows * a.columns * stored;
        job.b.data = (const char *)b.data + product * b.rows * b.columns * stored;
        r.job = &job;
        adit_parallel(run->threads, adit_ceil_div(b.columns, SUM_WIDTH), sums_chunk, &r);
        start = end;
    }
    free(r.scratch);
    free(local);
    return ADIT_OK;
}

// A batch: its products are shared out among the threads where they are small, and done one after the other, each by all, where they are large.

typedef struct batch {
    const adit_run *run;
    const adit_float_path *path;
    int64_t count, stored, real, work;  // bytes of an element of a and b, and of c; elements of a product, all operands together
    adit_view a, c;
    const double *in[4];
    double *out[3];
    adit_row_residual *rows;
    int64_t pitch;
    bool bf16;
    int32_t (*one)(const struct batch *batch, const adit_run *run, int64_t index);
    int32_t status;
} batch;

static void batch_task(void *context, int64_t index, int32_t worker) {
    (void)worker;
    batch *const all = context;
    adit_run alone = *all->run;
    alone.threads = 1;
    const int32_t status = all->one(all, &alone, index);
    if (status != ADIT_OK) __atomic_store_n(&all->status, status, __ATOMIC_RELAXED);
}

static int32_t run_batch(batch all) {
    if (!adit_run_is_valid(all.run) || all.count < 0) return ADIT_BAD_ARGUMENT;
    if (all.count > 1 && all.work < 1 << 20) {
        adit_parallel(all.run->threads, all.count, batch_task, &all);
        return all.status;
    }
    for (int64_t i = 0; i < all.count && all.status == ADIT_OK; i++) all.status = all.one(&all, all.run, i);
    return all.status;
}

static adit_view matrix(adit_view stack, int64_t index, int64_t element) {
    stack.data = (const char *)stack.data + index * stack.rows * stack.columns * element;
    return stack;
}

static const double *part(const double *numbers, int64_t at) { return numbers != NULL ? numbers + at : NULL; }
static double *place(double *numbers, int64_t at) { return numbers != NULL ? numbers + at : NULL; }

static int32_t norms_of_one(const batch *all, const adit_run *run, int64_t i) {
    const int64_t n = all->a.columns;
    return column_norms(run, all->path, all->stored, matrix(all->a, i, all->stored), all->out[0] + i * n, all->out[1] + i * n);
}

static int32_t probe_of_one(const batch *all, const adit_run *run, int64_t i) {
    const int64_t n = all->a.columns, k = all->a.rows;
    return probe(run, all->path, matrix(all->a, i, all->stored), all->in[0] + i * n * 8, all->in[1] + i * n, all->out[0] + i * k * 8, place(all->out[1], i * k));
}

static int32_t residuals_of_one(const batch *all, const adit_run *run, int64_t i) {
    const int64_t m = all->a.rows, k = all->a.columns, n = all->c.columns;
    return residuals(run, all->path, matrix(all->a, i, all->stored), matrix(all->c, i, all->real), all->in[0] + i * k * 8, part(all->in[1], i * k),
        all->in[2] + i * n * 8, all->in[3] + i * n, all->rows + i * m, place(all->out[0], i * m * 8), place(all->out[1], i * m * 8));
}

static int32_t rounded_of_one(const batch *all, const adit_run *run, int64_t i) {
    const int64_t n = all->a.columns, k = all->a.rows;
    return rounded_probes(run, all->path, all->bf16, matrix(all->a, i, all->stored), all->in[0] + i * n * 8, all->in[1] + i * n, all->out[0] + i * k * 8, all->pitch);
}

static int32_t images_of_one(const batch *all, const adit_run *run, int64_t i) {
    const int64_t m = all->a.rows, k = all->a.columns;
    return filter_images(run, all->path, all->bf16, matrix(all->a, i, all->stored), all->in[0] + i * k * 8, all->in[1] + i * k * 8, all->count * k * 8,
        all->out[0] + i * m * 8, all->pitch);
}

/// Each product's rows in their turn.
static int32_t running_of_batch(const adit_run *run, const adit_float_path *path, int64_t stored, adit_view a, int64_t count, const double *y,
    const int64_t *rows, int64_t row_count, double *sums) {
    if (!adit_run_is_valid(run) || a.rows < 0 || count < 0 || row_count < 0) return ADIT_BAD_ARGUMENT;
    for (int64_t i = 0; i < row_count; i++)
        if (rows[i] < 0 || rows[i] >= a.rows * count) return ADIT_BAD_ARGUMENT;
    int64_t *const local = adit_allocate((size_t)row_count * sizeof(int64_t));
    if (local == NULL) return ADIT_NO_MEMORY;
    adit_run alone = *run;
    if (count > 1 && a.rows * a.columns < 1 << 18) alone.threads = 1;
    int32_t status = ADIT_OK;
    for (int64_t start = 0; start < row_count && status == ADIT_OK;) {
        const int64_t product = rows[start] / a.rows;
        int64_t end = start;
        for (; end < row_count && rows[end] / a.rows == product; end++) local[end] = rows[end] % a.rows;
        status = running(&alone, path, matrix(a, product, stored), y + product * a.columns * 8, local + start, end - start, sums + start);
        start = end;
    }
    free(local);
    return status;
}

// A path that the machine lacks is refused inside; its table isn't read before.
#define PATH_OF(PATHS) (adit_run_is_valid(run) ? PATHS[run->isa] : NULL)

#define BATCH(STORED, REAL, PATHS, a) .run = run, .path = PATH_OF(PATHS), .count = count, .stored = sizeof(STORED), .real = sizeof(REAL), .work = (a).rows * (a).columns

#define DEFINE_PASSES(SUFFIX, STORED, REAL, PATHS)                                                                                             \
    int32_t adit_column_norms_##SUFFIX(const adit_run *run, adit_view b, int64_t count, double *sums, double *maxima) {                        \
        return run_batch((batch){BATCH(STORED, REAL, PATHS, b), .a = b, .out = {sums, maxima}, .one = norms_of_one});                          \
    }                                                                                                                                          \
    int32_t adit_probe_##SUFFIX(const adit_run *run, adit_view b, int64_t count, const double *x, const double *weights, double *y, double *energies) { \
        return run_batch((batch){BATCH(STORED, REAL, PATHS, b), .a = b, .in = {x, weights}, .out = {y, energies}, .one = probe_of_one});       \
    }                                                                                                                                          \
    int32_t adit_row_residuals_##SUFFIX(const adit_run *run, adit_view a, adit_view c, int64_t count, const double *y, const double *energies, \
        const double *x, const double *weights, adit_row_residual *rows, double *differences, double *images) {                                \
        return run_batch((batch){BATCH(STORED, REAL, PATHS, a), .a = a, .c = c, .in = {y, energies, x, weights}, .rows = rows,                 \
            .out = {differences, images}, .one = residuals_of_one});                                                                           \
    }                                                                                                                                          \
    int32_t adit_running_##SUFFIX(const adit_run *run, adit_view a, int64_t count, const double *y, const int64_t *rows, int64_t row_count, double *sums) { \
        return running_of_batch(run, PATH_OF(PATHS), sizeof(STORED), a, count, y, rows, row_count, sums);                                      \
    }                                                                                                                                          \
    int32_t adit_sums_##SUFFIX(const adit_run *run, adit_view a, adit_view b, int64_t count, const int64_t *rows, int64_t row_count, bool again, double *out) { \
        return sums_again(run, PATH_OF(PATHS), sizeof(STORED), sizeof(REAL), a, b, count, rows, row_count, again, out);                        \
    }

DEFINE_PASSES(f32, float, float, f32_paths)
DEFINE_PASSES(f64, double, double, f64_paths)
DEFINE_PASSES(bf16, uint16_t, float, bf16_paths)

#define DEFINE_FILTERS(SUFFIX, STORED, PATHS, IS_BF16)                                                                                         \
    int32_t adit_rounded_probes_##SUFFIX(const adit_run *run, adit_view b, int64_t count, const double *x, const double *weights, double *y) { \
        return run_batch((batch){BATCH(STORED, float, PATHS, b), .a = b, .in = {x, weights}, .out = {y}, .pitch = count * b.rows * 8,          \
            .bf16 = IS_BF16, .one = rounded_of_one});                                                                                          \
    }                                                                                                                                          \
    int32_t adit_filter_images_##SUFFIX(const adit_run *run, adit_view a, int64_t count, const double *y, const double *rounded_y, double *images) { \
        return run_batch((batch){BATCH(STORED, float, PATHS, a), .a = a, .in = {y, rounded_y}, .out = {images}, .pitch = count * a.rows * 8,   \
            .bf16 = IS_BF16, .one = images_of_one});                                                                                           \
    }

DEFINE_FILTERS(f32, float, f32_paths, false)
DEFINE_FILTERS(bf16, uint16_t, bf16_paths, true)
