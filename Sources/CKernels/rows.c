// Softmax and layer normalisation of rows: the work of the kernels of those names (Sources/Kernels/Rows has the definitions).
#include "elementary.h"
#include "internal.h"

enum { SIDE = 8 };  // rows whose sums run side by side: each is a chain of additions

typedef struct {
    adit_progress progress;
    int64_t rows, columns;
    const void *x, *gamma, *beta;
    double epsilon;
    void *out;
} job;

// CLONES: every operation is rounded correctly and their order is fixed, so that the bits don't depend on the choice.
#define DEFINE_ROWS(REAL, NAN_VALUE, F, FMA, SUFFIX)                                                                              \
    /* sums[r] = the panel-256 sum of TERM over row r, `count` rows of n. */                                                      \
    CLONES static void sums_##SUFFIX(int64_t count, int64_t n, const REAL *v, bool squares, REAL *sums) {                         \
        for (int64_t start = 0; start < n; start += ADIT_PANEL) {                                                                 \
            const int64_t end = adit_min(start + ADIT_PANEL, n);                                                                  \
            REAL acc[SIDE] = {0};                                                                                                 \
            if (count == SIDE && squares)                                                                                         \
                for (int64_t j = start; j < end; j++)                                                                             \
                    for (int r = 0; r < SIDE; r++) acc[r] = FMA(v[r * n + j], v[r * n + j], acc[r]);                              \
            else if (count == SIDE)                                                                                               \
                for (int64_t j = start; j < end; j++)                                                                             \
                    for (int r = 0; r < SIDE; r++) acc[r] += v[r * n + j];                                                        \
            else                                                                                                                  \
                for (int64_t r = 0; r < count; r++)                                                                               \
                    for (int64_t j = start; j < end; j++) acc[r] = squares ? FMA(v[r * n + j], v[r * n + j], acc[r]) : acc[r] + v[r * n + j]; \
            for (int64_t r = 0; r < count; r++) sums[r] = start == 0 ? acc[r] : sums[r] + acc[r];                                 \
        }                                                                                                                         \
    }                                                                                                                             \
    CLONES static void finish_##SUFFIX(int64_t n, REAL *restrict y) {                                                             \
        for (int64_t j = 0; j < n; j++) y[j] = y[j] != y[j] ? NAN_VALUE : y[j] + 0;                                               \
    }                                                                                                                             \
    CLONES static void softmax_rows_##SUFFIX(int64_t count, int64_t n, const REAL *restrict x, REAL *restrict y) {                \
        REAL sums[SIDE] = {0};                                                                                                    \
        for (int64_t r = 0; r < count; r++) {                                                                                     \
            /* The largest of eight lanes, then of them; a NaN anywhere makes the row NaN. */                                     \
            REAL lanes[16], largest = -(REAL)INFINITY;                                                                            \
            int is_nan = 0;                                                                                                       \
            for (int l = 0; l < 16; l++) lanes[l] = largest;                                                                      \
            int64_t j = 0;                                                                                                        \
            for (; j + 16 <= n; j += 16)                                                                                          \
                for (int l = 0; l < 16; l++) lanes[l] = lanes[l] > x[r * n + j + l] ? lanes[l] : x[r * n + j + l];                \
            for (; j < n; j++) largest = largest > x[r * n + j] ? largest : x[r * n + j];                                         \
            for (int l = 0; l < 16; l++) largest = largest > lanes[l] ? largest : lanes[l];                                       \
            for (int64_t i = 0; i < n; i++) is_nan |= x[r * n + i] != x[r * n + i];                                               \
            if (is_nan) largest = NAN_VALUE;                                                                                      \
            for (int64_t i = 0; i < n; i++) y[r * n + i] = adit_exp_##SUFFIX(x[r * n + i] - largest);                             \
        }                                                                                                                         \
        sums_##SUFFIX(count, n, y, false, sums);                                                                                  \
        for (int64_t r = 0; r < count; r++)                                                                                       \
            for (int64_t j = 0; j < n; j++) y[r * n + j] = y[r * n + j] / sums[r];                                                \
    }                                                                                                                             \
    CLONES static void normal_rows_##SUFFIX(int64_t count, int64_t n, const REAL *restrict x, const REAL *restrict gamma,         \
        const REAL *restrict beta, REAL epsilon, REAL *restrict y) {                                                              \
        REAL sums[SIDE] = {0}, squares[SIDE] = {0};                                                                               \
        sums_##SUFFIX(count, n, x, false, sums);                                                                                  \
        for (int64_t r = 0; r < count; r++) {                                                                                     \
            const REAL mean = sums[r] / (REAL)n;                                                                                  \
            for (int64_t j = 0; j < n; j++) y[r * n + j] = x[r * n + j] - mean;                                                   \
        }                                                                                                                         \
        sums_##SUFFIX(count, n, y, true, squares);                                                                                \
        for (int64_t r = 0; r < count; r++) {                                                                                     \
            REAL *const line = y + r * n;                                                                                         \
            const REAL scale = 1 / F(sqrt)(squares[r] / (REAL)n + epsilon);                                                       \
            for (int64_t j = 0; j < n; j++) line[j] *= scale;                                                                     \
            if (gamma != NULL && beta != NULL) for (int64_t j = 0; j < n; j++) line[j] = FMA(line[j], gamma[j], beta[j]);         \
            else if (gamma != NULL) for (int64_t j = 0; j < n; j++) line[j] *= gamma[j];                                          \
            else if (beta != NULL) for (int64_t j = 0; j < n; j++) line[j] += beta[j];                                            \
        }                                                                                                                         \
    }                                                                                                                             \
    static void task_##SUFFIX(void *context, int64_t index, int32_t worker) {                                                     \
        (void)worker;                                                                                                             \
        job *const j = context;                                                                                                   \
        if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED)) return;                                                     \
        const int64_t n = j->columns, group = row_group(n), end = adit_min((index + 1) * group, j->rows);                         \
        for (int64_t first = index * group; first < end; first += SIDE) {                                                         \
            const int64_t count = adit_min(SIDE, end - first);                                                                    \
            const REAL *const x = (const REAL *)j->x + first * n;                                                                 \
            REAL *const y = (REAL *)j->out + first * n;                                                                           \
            if (j->epsilon < 0) softmax_rows_##SUFFIX(count, n, x, y);                                                            \
            else normal_rows_##SUFFIX(count, n, x, j->gamma, j->beta, (REAL)j->epsilon, y);                                       \
            finish_##SUFFIX(count * n, y);                                                                                        \
        }                                                                                                                         \
        adit_advance(&j->progress, (end - index * group) * n * 5);                                                                \
    }                                                                                                                             \
    static int32_t run_##SUFFIX(const adit_run *run, int64_t rows, int64_t columns, const REAL *x, const REAL *gamma,             \
        const REAL *beta, double epsilon, REAL *out) {                                                                            \
        if (!adit_run_is_valid(run) || rows < 0 || columns < 1) return ADIT_BAD_ARGUMENT;                                         \
        job j = {.progress = {.run = run}, .rows = rows, .columns = columns, .x = x, .gamma = gamma, .beta = beta,                \
            .epsilon = epsilon, .out = out};                                                                                      \
        adit_parallel(run->threads, adit_ceil_div(rows, row_group(columns)), task_##SUFFIX, &j);                                  \
        return j.progress.canceled ? ADIT_CANCELED : ADIT_OK;                                                                     \
    }                                                                                                                             \
    int32_t adit_softmax_##SUFFIX(const adit_run *run, int64_t rows, int64_t columns, const REAL *x, REAL *out) {                 \
        return run_##SUFFIX(run, rows, columns, x, NULL, NULL, -1, out);                                                          \
    }                                                                                                                             \
    int32_t adit_layernorm_##SUFFIX(const adit_run *run, int64_t rows, int64_t columns, const REAL *x, const REAL *gamma,         \
        const REAL *beta, double epsilon, REAL *out) {                                                                            \
        if (!(epsilon >= 0)) return ADIT_BAD_ARGUMENT;                                                                            \
        return run_##SUFFIX(run, rows, columns, x, gamma, beta, epsilon, out);                                                    \
    }

/// Rows of a task: about 64 KiB of floats, whole groups of SIDE.
static int64_t row_group(int64_t columns) { return adit_round_up(adit_max(1, 16384 / columns), SIDE); }

#define FLOAT_NAME(name) name##f
#define DOUBLE_NAME(name) name
DEFINE_ROWS(float, ADIT_NAN_F32, FLOAT_NAME, fmaf, f32)
DEFINE_ROWS(double, ADIT_NAN_F64, DOUBLE_NAME, fma, f64)
