// Products over threads: picks the path, cuts C into tasks or puts small products together in one, runs them.
#include "internal.h"

typedef struct {
    adit_progress progress;
    const adit_gemm_path *path;
    const adit_product *product;         // the first of the batch
    int64_t count;                       // products
    int64_t next_a, next_b, next_c;      // bytes from one to the next
    int64_t group;                       // products in a task; 1 where a product may be more than one task
    bool direct;
    int64_t task_rows, task_columns, tasks_down, tasks;  // of each product
    char *scratch;
    size_t scratch_stride;
} job;

static void run_task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED) != 0) return;
    char *const scratch = j->scratch + (size_t)worker * j->scratch_stride;
    const int64_t tile = index % j->tasks, first = index / j->tasks * j->group;
    const int64_t row = tile % j->tasks_down * j->task_rows, column = tile / j->tasks_down * j->task_columns;
    const int64_t last = adit_min(first + j->group, j->count);
    for (int64_t item = first; item < last; item++) {
        adit_product p = *j->product;
        p.a = (const char *)p.a + item * j->next_a;
        p.b = (const char *)p.b + item * j->next_b;
        p.c = (char *)p.c + item * j->next_c;
        if (j->direct) j->path->direct(&p, scratch);
        else if (!j->path->tile(&j->progress, &p, row, adit_min(row + j->task_rows, p.m), column, adit_min(column + j->task_columns, p.n), scratch)) return;
    }
#if defined(__x86_64__)
    if (j->product->past_caches) __builtin_ia32_sfence();
#endif
    if (j->direct) adit_advance(&j->progress, (last - first) * 2 * j->product->m * j->product->n * j->product->k);
}

/// Below this many operations a thread costs more than it brings.
static const int64_t operations_per_thread = 500000;

/// A task larger than this on a side is cut, so that threads which fall behind have less to finish. Every cut packs an operand once more.
static const int64_t largest_side = 2048;

/// Elements of both operands up to which a product isn't packed: they fit the first two caches many times over.
static const int64_t direct_elements = 8192;

/// Cells of a batch's C from which on they are written past the caches: with the operands 24 MiB of F32 or more, so that they fall out of most anyway.
static const double past_caches_cells = 2 << 20;

/// What packing an element of A or of B costs, in multiplications of a row by a column: 0.4 and 0.3 ns against 0.017 ns on a core of Zen 4.
/// An A that is read where it lies costs what a second core's cache has to fetch once more.
static const double packing_a = 24, packing_b = 16, reading_a = 2;

/// What the slowest thread has to do, in multiplications and in packing, if C's sides are cut in so many parts.
static double cut_cost(const adit_gemm_path *path, const adit_product *p, int64_t count, int64_t threads, int64_t down, int64_t across) {
    const int64_t rows = adit_round_up(adit_ceil_div(p->m, down), path->row_step), columns = adit_round_up(adit_ceil_div(p->n, across), path->column_step);
    const double rounds = (double)adit_ceil_div(adit_ceil_div(p->m, rows) * adit_ceil_div(p->n, columns) * count, threads);
    const double each_row = path->in_place && p->a_depth == 1 ? reading_a : packing_a;
    return rounds * ((double)rows * (double)columns + each_row * (double)rows + packing_b * (double)columns);
}

/// How many parts each side of C is cut in: a task for each thread and none too large, and of those cuts into as many tasks as threads, or up to
/// four times as many, the one whose slowest thread has the least to do. A handful are looked at, since small products come here too.
static void cut(const adit_gemm_path *path, const adit_product *p, int64_t count, int64_t threads, int64_t *down, int64_t *across) {
    const int64_t least_down = threads == 1 ? 1 : adit_ceil_div(p->m, largest_side), least_across = adit_ceil_div(p->n, largest_side);
    const int64_t most_down = adit_ceil_div(p->m, path->row_step), most_across = adit_ceil_div(p->n, path->column_step);
    *down = least_down, *across = least_across;
    while (*down * *across * count < threads) {
        const int64_t rows = adit_ceil_div(p->m, *down), columns = adit_ceil_div(p->n, *across);
        if (rows <= path->row_step && columns <= path->column_step) break;
        if (columns >= rows && columns > path->column_step) *across += 1;
        else *down += 1;
    }
    double best = cut_cost(path, p, count, threads, *down, *across);
    for (int64_t tasks = threads; tasks <= 4 * threads; tasks += threads)
        for (int64_t d = 1; d * d <= tasks; d++) {
            if (tasks % d != 0) continue;
            for (int turned = 0; turned < 2; turned++) {
                const int64_t rows = turned ? tasks / d : d, columns = tasks / rows;
                if (rows < least_down || rows > most_down || columns < least_across || columns > most_across) continue;
                const double cost = cut_cost(path, p, count, threads, rows, columns);
                if (cost < best) best = cost, *down = rows, *across = columns;
            }
        }
}

static int32_t multiply(const adit_run *run, const adit_gemm_path *path, job j, adit_product p) {
    // In floating point, since the product of four sizes may pass 2^63.
    const double single = (double)p.m * (double)p.n * (double)p.k * 2, useful = single * (double)j.count / (double)operations_per_thread;
    const int64_t threads = useful < 2 ? 1 : useful < run->threads ? (int64_t)useful : run->threads;
    j.direct = path->direct != NULL && p.m <= direct_elements && p.n <= 1024 && p.k <= direct_elements
        && (p.m + p.n) * p.k <= direct_elements && p.m * p.n <= direct_elements;
    p.past_caches = j.direct && (double)p.m * (double)p.n * (double)j.count > past_caches_cells;
    // An operand's rows are vectors' lanes when C is narrow: C's transpose is the product of the transposes, with the same bits.
    if (!j.direct && p.n < p.m && p.n < path->column_step) {
        const job k = j;
        j.next_a = k.next_b, j.next_b = k.next_a;
        p = (adit_product){.m = p.n, .n = p.m, .k = p.k, .a = p.b, .a_row = p.b_column, .a_depth = p.b_depth, .b = p.a, .b_depth = p.a_depth,
            .b_column = p.a_row, .c = p.c, .c_row = p.c_column, .c_column = p.c_row};
    }
    int64_t down = 1, across = 1;
    if (j.direct || (j.count >= 4 * threads && p.m <= largest_side && p.n <= largest_side)) {
        // Whole products, one to a thread, as many to a task as are worth the trouble of handing it out.
        const double worthwhile = (double)operations_per_thread / (single > 1 ? single : 1);
        j.group = adit_max(1, adit_min(worthwhile < 1e6 ? (int64_t)worthwhile : 1000000, adit_ceil_div(j.count, 4 * threads)));
    } else {
        cut(path, &p, j.count, threads, &down, &across);
        j.group = 1;
    }
    j.path = path, j.product = &p, j.progress.run = run;
    j.task_rows = adit_round_up(adit_ceil_div(p.m, down), path->row_step);
    j.task_columns = adit_round_up(adit_ceil_div(p.n, across), path->column_step);
    j.tasks_down = adit_ceil_div(p.m, j.task_rows);
    j.tasks = j.tasks_down * adit_ceil_div(p.n, j.task_columns);
    const int64_t tasks = adit_ceil_div(j.count, j.group) * j.tasks, workers = adit_min(threads, tasks);
    j.scratch_stride = (size_t)adit_round_up((int64_t)path->scratch_bytes(j.task_rows, j.task_columns, p.k), ADIT_ALIGNMENT);
    j.scratch = adit_take(j.scratch_stride * (size_t)workers);
    if (j.scratch == NULL) return ADIT_NO_MEMORY;
    adit_parallel((int32_t)workers, tasks, run_task, &j);
    adit_give(j.scratch);
    return j.progress.canceled != 0 ? ADIT_CANCELED : ADIT_OK;
}

/// `source` and `cell`: bytes of an element of A and B, and of C.
static int32_t run_batch(const adit_run *run, const adit_gemm_path *const paths[], int64_t source, int64_t cell, const adit_batch *g) {
    if (!adit_run_is_valid(run) || g->count < 0 || g->m < 0 || g->n < 0 || g->k < 0) return ADIT_BAD_ARGUMENT;
    if (g->count == 0 || g->m == 0 || g->n == 0) return ADIT_OK;
    if (g->k == 0) {
        for (int64_t item = 0; item < g->count; item++)
            for (int64_t i = 0; i < g->m; i++) memset((char *)g->c + (item * g->next_c + i * g->ldc) * cell, 0, (size_t)(g->n * cell));
        return ADIT_OK;
    }
    const adit_product p = {.m = g->m, .n = g->n, .k = g->k, .a = g->a, .a_row = g->transpose_a ? 1 : g->lda, .a_depth = g->transpose_a ? g->lda : 1,
        .b = g->b, .b_depth = g->transpose_b ? 1 : g->ldb, .b_column = g->transpose_b ? g->ldb : 1, .c = g->c, .c_row = g->ldc, .c_column = 1};
    const job j = {.count = g->count, .next_a = g->next_a * source, .next_b = g->next_b * source, .next_c = g->next_c * cell};
    return multiply(run, paths[run->isa], j, p);
}

static const adit_gemm_path *const f32_paths[] = ADIT_PATHS(f32);
static const adit_gemm_path *const f64_paths[] = ADIT_PATHS(f64);
static const adit_gemm_path *const i8_paths[] = ADIT_PATHS(i8);
static const adit_gemm_path *const wide_paths[] = ADIT_PATHS(wide);

int32_t adit_batch_f32(const adit_run *run, const adit_batch *batch) { return run_batch(run, f32_paths, 4, 4, batch); }
int32_t adit_batch_f64(const adit_run *run, const adit_batch *batch) { return run_batch(run, f64_paths, 8, 8, batch); }
int32_t adit_batch_i8(const adit_run *run, const adit_batch *batch) { return run_batch(run, i8_paths, 1, 4, batch); }

int32_t adit_batch_bf16(const adit_run *run, const adit_batch *batch) {
#if defined(__x86_64__)
    static const adit_gemm_path *const pairs[] = {&adit_wide_portable, &adit_wide_avx2, &adit_bf16_pairs};
    if (adit_run_is_valid(run) && run->isa == ADIT_ISA_AVX512 && __builtin_cpu_supports("avx512bf16") && adit_bf16_stays_normal(run, batch))
        return run_batch(run, pairs, 2, 4, batch);
#endif
    return run_batch(run, wide_paths, 2, 4, batch);
}

#define DEFINE_GEMM(SUFFIX, SOURCE, CELL)                                                                                                   \
    int32_t adit_gemm_##SUFFIX(const adit_run *run, int64_t m, int64_t n, int64_t k, const SOURCE *a, int64_t lda, bool transpose_a,         \
        const SOURCE *b, int64_t ldb, bool transpose_b, CELL *c, int64_t ldc) {                                                             \
        return adit_batch_##SUFFIX(run, &(adit_batch){.count = 1, .m = m, .n = n, .k = k, .a = a, .lda = lda, .transpose_a = transpose_a,    \
            .b = b, .ldb = ldb, .transpose_b = transpose_b, .c = c, .ldc = ldc});                                                           \
    }

DEFINE_GEMM(f32, float, float)
DEFINE_GEMM(f64, double, double)
DEFINE_GEMM(i8, int8_t, int32_t)
DEFINE_GEMM(bf16, uint16_t, float)
