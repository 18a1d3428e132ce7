// Products over threads: picks the path, cuts C into tasks, runs them.
#include <stdlib.h>

#include "internal.h"

typedef struct {
    adit_progress progress;
    const adit_gemm_path *path;
    const adit_product *product;
    int64_t task_rows, task_columns, tasks_down;
    char *scratch;
    size_t scratch_stride;
} job;

static void run_task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    const adit_product *const p = j->product;
    const int64_t row = index % j->tasks_down * j->task_rows, column = index / j->tasks_down * j->task_columns;
    if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED) != 0) return;
    j->path->tile(&j->progress, p, row, adit_min(row + j->task_rows, p->m), column, adit_min(column + j->task_columns, p->n),
        j->scratch + (size_t)worker * j->scratch_stride);
}

/// Below this many operations a thread costs more than it brings (its start takes some 20 microseconds).
static const int64_t operations_per_thread = 2000000;

/// A task larger than this on a side is cut, so that threads which fall behind have less to finish. Every cut packs an operand once more.
static const int64_t largest_side = 2048;

static int32_t multiply(const adit_run *run, const adit_gemm_path *path, adit_product p) {
    // An operand's rows are vectors' lanes when C is narrow: C's transpose is the product of the transposes, with the same bits.
    if (p.n < p.m && p.n < path->column_step) {
        p = (adit_product){.m = p.n, .n = p.m, .k = p.k, .a = p.b, .a_row = p.b_column, .a_depth = p.b_depth, .b = p.a, .b_depth = p.a_depth,
            .b_column = p.a_row, .c = p.c, .c_row = p.c_column, .c_column = p.c_row};
    }
    // In floating point, since the product of three sizes may pass 2^63.
    const double useful = (double)p.m * (double)p.n * (double)p.k * 2 / (double)operations_per_thread;
    const int64_t threads = useful < 2 ? 1 : useful < run->threads ? (int64_t)useful : run->threads;
    // Cut the longer side until there is a task for each thread and none is too large.
    int64_t down = threads == 1 ? 1 : adit_ceil_div(p.m, largest_side), across = adit_ceil_div(p.n, largest_side);
    while (down * across < threads) {
        const int64_t rows = adit_ceil_div(p.m, down), columns = adit_ceil_div(p.n, across);
        if (rows <= path->row_step && columns <= path->column_step) break;
        if (columns >= rows && columns > path->column_step) across += 1;
        else down += 1;
    }
    job j = {.progress = {.run = run}, .path = path, .product = &p};
    j.task_rows = adit_round_up(adit_ceil_div(p.m, down), path->row_step);
    j.task_columns = adit_round_up(adit_ceil_div(p.n, across), path->column_step);
    j.tasks_down = adit_ceil_div(p.m, j.task_rows);
    const int64_t tasks = j.tasks_down * adit_ceil_div(p.n, j.task_columns);
    const int64_t workers = adit_min(threads, tasks);
    j.scratch_stride = (size_t)adit_round_up((int64_t)path->scratch_bytes(j.task_rows, j.task_columns, p.k), ADIT_ALIGNMENT);
    j.scratch = adit_allocate(j.scratch_stride * (size_t)workers);
    if (j.scratch == NULL) return ADIT_NO_MEMORY;
    adit_parallel((int32_t)workers, tasks, run_task, &j);
    free(j.scratch);
    return j.progress.canceled != 0 ? ADIT_CANCELED : ADIT_OK;
}

/// The strides of op(X) over rows and columns, X stored with leading dimension `ld`.
#define ROW_STRIDE(ld, transposed) ((transposed) ? 1 : (ld))
#define COLUMN_STRIDE(ld, transposed) ((transposed) ? (ld) : 1)

#define DEFINE_GEMM(NAME, PATHS, SOURCE, CELL)                                                                                              \
    int32_t NAME(const adit_run *run, int64_t m, int64_t n, int64_t k, const SOURCE *a, int64_t lda, bool transpose_a, const SOURCE *b,      \
        int64_t ldb, bool transpose_b, CELL *c, int64_t ldc) {                                                                              \
        if (!adit_run_is_valid(run) || m < 0 || n < 0 || k < 0) return ADIT_BAD_ARGUMENT;                                                   \
        if (m == 0 || n == 0) return ADIT_OK;                                                                                               \
        if (k == 0) {                                                                                                                       \
            for (int64_t i = 0; i < m; i++) memset(c + i * ldc, 0, (size_t)n * sizeof(CELL));                                               \
            return ADIT_OK;                                                                                                                 \
        }                                                                                                                                   \
        const adit_product p = {.m = m, .n = n, .k = k, .a = a, .a_row = ROW_STRIDE(lda, transpose_a), .a_depth = COLUMN_STRIDE(lda, transpose_a), \
            .b = b, .b_depth = ROW_STRIDE(ldb, transpose_b), .b_column = COLUMN_STRIDE(ldb, transpose_b), .c = c, .c_row = ldc, .c_column = 1};      \
        return multiply(run, PATHS[run->isa], p);                                                                                           \
    }

static const adit_gemm_path *const f32_paths[] = ADIT_PATHS(f32);
static const adit_gemm_path *const f64_paths[] = ADIT_PATHS(f64);
static const adit_gemm_path *const i8_paths[] = ADIT_PATHS(i8);

DEFINE_GEMM(adit_gemm_f32, f32_paths, float, float)
DEFINE_GEMM(adit_gemm_f64, f64_paths, double, double)
DEFINE_GEMM(adit_gemm_i8, i8_paths, int8_t, int32_t)
