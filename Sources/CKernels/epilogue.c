// What follows a product or a convolution: a bias for each column or channel and an activation, each rounded once; and the comparison of a
// result with that.
#include <math.h>

#include "elementary.h"
#include "internal.h"

enum { PIECE = 1024, TASK = 1 << 14 };  // cells computed together, on the stack; cells of a task, about

typedef struct {
    adit_progress progress;
    int64_t rows, n, plane, task;  // cells of a task
    const void *product, *bias;
    int32_t activation;
    void *out;
    const void *found;
    int64_t first;  // the lowest index of a cell that differs
} job;

static void note(job *j, int64_t index) {
    int64_t seen = __atomic_load_n(&j->first, __ATOMIC_RELAXED);
    while (index < seen && !__atomic_compare_exchange_n(&j->first, &seen, index, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

#define EACH(VALUE)                                    \
    for (int64_t i = 0; i < count; i++) {              \
        const REAL x = out[i];                         \
        out[i] = (VALUE) + 0;                          \
    }                                                  \
    break

// CLONES: every operation is exact or rounded correctly, of the functions too (elementary.h), so that the bits don't depend on the choice.
#define DEFINE_EPILOGUE(REAL_TYPE, BITS, NAN_BITS, SUFFIX)                                                                         \
    CLONES static void cells_##SUFFIX(int64_t count, const REAL_TYPE *product, const REAL_TYPE *bias, int32_t activation,          \
        REAL_TYPE *restrict out) {                                                                                                 \
        typedef REAL_TYPE REAL;                                                                                                    \
        if (bias != NULL) for (int64_t i = 0; i < count; i++) out[i] = product[i] + bias[i] + 0;                                   \
        else for (int64_t i = 0; i < count; i++) out[i] = product[i] + 0;                                                          \
        switch (activation) {                                                                                                      \
        case ADIT_RELU_ACTIVATION: EACH(x < 0 ? 0 : x);                                                                            \
        case ADIT_GELU_ACTIVATION: EACH(adit_gelu_##SUFFIX(x));                                                                    \
        case ADIT_GELU_TANH_ACTIVATION: EACH(adit_gelu_tanh_##SUFFIX(x));                                                          \
        default: break;                                                                                                            \
        }                                                                                                                          \
        for (int64_t i = 0; i < count; i++) {                                                                                      \
            const BITS bits = NAN_BITS;                                                                                            \
            REAL canonical;                                                                                                        \
            memcpy(&canonical, &bits, sizeof bits);                                                                                \
            out[i] = out[i] != out[i] ? canonical : out[i];                                                                        \
        }                                                                                                                          \
    }                                                                                                                              \
    /* Cells from `place` on, at most PIECE; false once one differs from what was found. */                                                        \
    static bool piece_##SUFFIX(job *j, int64_t place, int64_t count, const REAL_TYPE *bias) {                                                      \
        REAL_TYPE cells[PIECE];                                                                                                                    \
        cells_##SUFFIX(count, (const REAL_TYPE *)j->product + place, bias, j->activation, cells);                                                  \
        if (j->out != NULL) {                                                                                                                      \
            memcpy((REAL_TYPE *)j->out + place, cells, (size_t)count * sizeof *cells);                                                             \
        } else if (memcmp((const REAL_TYPE *)j->found + place, cells, (size_t)count * sizeof *cells) != 0) {                                       \
            int64_t wrong = 0;                                                                                                                     \
            while (memcmp((const REAL_TYPE *)j->found + place + wrong, cells + wrong, sizeof *cells) == 0) wrong++;                                \
            note(j, place + wrong);                                                                                                                \
            return false;                                                                                                                          \
        }                                                                                                                                          \
        return true;                                                                                                                               \
    }                                                                                                                                              \
    static void task_##SUFFIX(void *context, int64_t index, int32_t worker) {                                                                      \
        (void)worker;                                                                                                                              \
        job *const j = context;                                                                                                                    \
        if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED)) return;                                                                      \
        const int64_t n = j->n, plane = j->plane, start = index * j->task, end = adit_min(start + j->task, j->rows * n * plane);                   \
        const REAL_TYPE *const bias = j->bias;                                                                                                     \
        REAL_TYPE repeated[PIECE];                                                                                                                 \
        /* Of narrow rows several at once: the bias is repeated. */                                                                                \
        const int64_t period = bias == NULL || plane > 1 ? end - start : n < PIECE / 2 ? PIECE / n * n : n;                                        \
        if (bias != NULL && plane == 1 && period != n) for (int64_t i = 0; i < period; i++) repeated[i] = bias[i % n];                             \
        for (int64_t line = start; line < end; line += period) {                                                                                   \
            const int64_t length = adit_min(period, end - line);                                                                                   \
            for (int64_t i = 0; i < length; i += PIECE) {                                                                                          \
                const int64_t count = adit_min(PIECE, length - i);                                                                                 \
                const REAL_TYPE *biases = bias == NULL ? NULL : (period != n ? repeated : bias) + i;                                               \
                if (bias != NULL && plane > 1) {                                                                                                   \
                    /* Each channel's number for its part of the piece. */                                                                         \
                    for (int64_t at = line + i, k = 0; k < count;) {                                                                               \
                        const int64_t same = adit_min(count - k, plane - at % plane);                                                              \
                        const REAL_TYPE number = bias[at / plane % n];                                                                             \
                        for (int64_t last = k + same; k < last; k++) repeated[k] = number;                                                         \
                        at += same;                                                                                                                \
                    }                                                                                                                              \
                    biases = repeated;                                                                                                             \
                }                                                                                                                                  \
                if (!piece_##SUFFIX(j, line + i, count, biases)) return;                                                                           \
            }                                                                                                                                      \
        }                                                                                                                                          \
        adit_advance(&j->progress, end - start);                                                                                                   \
    }                                                                                                                                              \
    int32_t adit_epilogue_##SUFFIX(const adit_run *run, int64_t rows, int64_t n, int64_t plane, const REAL_TYPE *product, const REAL_TYPE *bias,   \
        int32_t activation, REAL_TYPE *out) {                                                                                                      \
        job j = {.rows = rows, .n = n, .plane = plane, .product = product, .bias = bias, .activation = activation, .out = out};                    \
        return run_all(run, &j, task_##SUFFIX);                                                                                                    \
    }                                                                                                                                              \
    int32_t adit_epilogue_check_##SUFFIX(const adit_run *run, int64_t rows, int64_t n, int64_t plane, const REAL_TYPE *product,                    \
        const REAL_TYPE *bias, int32_t activation, const REAL_TYPE *found, int64_t *first) {                                                       \
        job j = {.rows = rows, .n = n, .plane = plane, .product = product, .bias = bias, .activation = activation, .found = found};                \
        const int32_t status = run_all(run, &j, task_##SUFFIX);                                                                                    \
        *first = j.first == INT64_MAX ? -1 : j.first;                                                                                              \
        return status;                                                                                                                             \
    }

static int32_t run_all(const adit_run *run, job *j, adit_body task) {
    j->first = INT64_MAX;
    if (!adit_run_is_valid(run) || j->rows < 0 || j->n < 0 || j->plane < 1 || j->activation < 0 || j->activation > ADIT_LAST_ACTIVATION)
        return ADIT_BAD_ARGUMENT;
    if (j->rows == 0 || j->n == 0) return ADIT_OK;
    j->progress.run = run;
    // Whole rows, but of planes any cells.
    j->task = j->plane > 1 ? TASK : adit_max(1, TASK / j->n) * j->n;
    adit_parallel(run->threads, adit_ceil_div(j->rows * j->n * j->plane, j->task), task, j);
    return j->progress.canceled ? ADIT_CANCELED : ADIT_OK;
}

DEFINE_EPILOGUE(float, uint32_t, 0x7fc00000u, f32)
DEFINE_EPILOGUE(double, uint64_t, 0x7ff8000000000000u, f64)
