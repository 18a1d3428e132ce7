// Chains of element-wise operations over a tensor, and the panels of a reduction at their end: the work of the kernel `compute`.
#include <math.h>

#include "elementary.h"
#include "internal.h"

enum { SIDE = 8, TASK = 16 * SIDE * ADIT_PANEL };  // panels reduced side by side; elements of a task

// CLONES: every operation is exact or rounded correctly, or a fixed order of such ones, so that the bits don't depend on the choice.

typedef struct {
    adit_progress progress;
    const uint8_t *steps;
    int32_t step_count, reduction;
    const void *x;
    int64_t count;
    void *out;
} job;

#define EACH(VALUE)                                                                                                         \
    for (int64_t i = 0; i < count; i++) block[i] = (VALUE) + 0;                                                             \
    break
#define JOIN(VALUE)                                                                                                         \
    for (int64_t t = 0; t < ADIT_PANEL; t++)                                                                                \
        for (int p = 0; p < SIDE; p++) {                                                                                    \
            const REAL x = block[p * ADIT_PANEL + t], a = acc[p];                                                           \
            acc[p] = (VALUE);                                                                                               \
        }                                                                                                                   \
    break

// Each step leaves +0 where it would leave -0; the last line gives every NaN its canonical bits.
#define DEFINE_CHAIN(REAL_TYPE, BITS, NAN_BITS, F, SUFFIX)                                                                  \
    typedef REAL_TYPE real_##SUFFIX;                                                                                        \
    CLONES static void step_##SUFFIX(int32_t step, int64_t count, real_##SUFFIX *restrict block) {                          \
        switch (step) {                                                                                                     \
        case ADIT_SQUARE: EACH(block[i] * block[i]);                                                                        \
        case ADIT_NEGATE: EACH(-block[i]);                                                                                  \
        case ADIT_ABS: EACH(F(fabs)(block[i]));                                                                             \
        case ADIT_SQRT: EACH(F(sqrt)(block[i]));                                                                            \
        case ADIT_RECIPROCAL: EACH(1 / block[i]);                                                                           \
        case ADIT_RELU: EACH(block[i] < 0 ? 0 : block[i]);                                                                  \
        case ADIT_FLOOR: EACH(F(floor)(block[i]));                                                                          \
        case ADIT_CEIL: EACH(F(ceil)(block[i]));                                                                            \
        case ADIT_ROUND: EACH(F(rint)(block[i]));                                                                           \
        case ADIT_TRUNCATE: EACH(F(trunc)(block[i]));                                                                       \
        case ADIT_EXP: EACH(adit_exp_##SUFFIX(block[i]));                                                                   \
        case ADIT_LOG: EACH(adit_log_##SUFFIX(block[i]));                                                                   \
        case ADIT_TANH: EACH(adit_tanh_##SUFFIX(block[i]));                                                                 \
        case ADIT_ERF: EACH(adit_erf_##SUFFIX(block[i]));                                                                   \
        case ADIT_SIGMOID: EACH(adit_sigmoid_##SUFFIX(block[i]));                                                           \
        case ADIT_GELU: EACH(adit_gelu_##SUFFIX(block[i]));                                                                 \
        case ADIT_GELU_TANH: EACH(adit_gelu_tanh_##SUFFIX(block[i]));                                                       \
        default: break;                                                                                                     \
        }                                                                                                                   \
    }                                                                                                                       \
    CLONES static void finish_##SUFFIX(int64_t count, real_##SUFFIX *restrict block) {                                      \
        for (int64_t i = 0; i < count; i++) {                                                                               \
            BITS bits = NAN_BITS;                                                                                           \
            real_##SUFFIX canonical;                                                                                        \
            memcpy(&canonical, &bits, sizeof bits);                                                                         \
            block[i] = block[i] != block[i] ? canonical : block[i];                                                         \
        }                                                                                                                   \
    }                                                                                                                       \
    /* SIDE whole panels, their chains next to each other. */                                                               \
    CLONES static void join_##SUFFIX(int32_t reduction, const real_##SUFFIX *restrict block, real_##SUFFIX *restrict acc) { \
        typedef real_##SUFFIX REAL;                                                                                         \
        switch (reduction) {                                                                                                \
        case ADIT_PRODUCT: JOIN(a * x);                                                                                     \
        case ADIT_MIN: JOIN(a < x || a != a ? a : x);                                                                       \
        case ADIT_MAX: JOIN(a > x || a != a ? a : x);                                                                       \
        default: JOIN(a + x);                                                                                               \
        }                                                                                                                   \
    }                                                                                                                       \
    static real_##SUFFIX start_##SUFFIX(int32_t reduction) {                                                                \
        return reduction == ADIT_PRODUCT ? 1 : reduction == ADIT_MIN ? (real_##SUFFIX)INFINITY                              \
            : reduction == ADIT_MAX ? -(real_##SUFFIX)INFINITY : 0;                                                         \
    }                                                                                                                       \
    static void task_##SUFFIX(void *context, int64_t index, int32_t worker) {                                               \
        (void)worker;                                                                                                       \
        job *const j = context;                                                                                             \
        if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED)) return;                                               \
        const int64_t end = adit_min((index + 1) * TASK, j->count);                                                         \
        real_##SUFFIX block[SIDE * ADIT_PANEL], *const out = j->out;                                                        \
        for (int64_t first = index * TASK; first < end; first += SIDE * ADIT_PANEL) {                                       \
            const int64_t count = adit_min(SIDE * ADIT_PANEL, end - first);                                                 \
            memcpy(block, (const real_##SUFFIX *)j->x + first, (size_t)count * sizeof *block);                              \
            for (int32_t s = 0; s < j->step_count; s++) step_##SUFFIX(j->steps[s], count, block);                           \
            if (j->reduction == ADIT_NO_REDUCTION) {                                                                        \
                finish_##SUFFIX(count, block);                                                                              \
                memcpy(out + first, block, (size_t)count * sizeof *block);                                                  \
                continue;                                                                                                   \
            }                                                                                                               \
            /* A panel that isn't full, and those that aren't there, are filled up with what changes nothing. */            \
            const real_##SUFFIX neutral = start_##SUFFIX(j->reduction);                                                     \
            real_##SUFFIX acc[SIDE];                                                                                        \
            for (int64_t i = count; i < SIDE * ADIT_PANEL; i++) block[i] = neutral;                                         \
            for (int p = 0; p < SIDE; p++) acc[p] = neutral;                                                                \
            join_##SUFFIX(j->reduction, block, acc);                                                                        \
            for (int64_t p = 0; p * ADIT_PANEL < count; p++) out[first / ADIT_PANEL + p] = acc[p];                          \
        }                                                                                                                   \
        adit_advance(&j->progress, (end - index * TASK) * (j->step_count + (j->reduction != ADIT_NO_REDUCTION)));           \
    }                                                                                                                       \
    int32_t adit_chain_##SUFFIX(const adit_run *run, const uint8_t *steps, int32_t step_count, int32_t reduction,           \
        const real_##SUFFIX *x, int64_t count, real_##SUFFIX *out) {                                                        \
        if (!is_valid(run, steps, step_count, reduction) || count < 0) return ADIT_BAD_ARGUMENT;                            \
        job j = {.progress = {.run = run}, .steps = steps, .step_count = step_count, .reduction = reduction, .x = x,        \
            .count = count, .out = out};                                                                                    \
        adit_parallel(run->threads, adit_ceil_div(count, TASK), task_##SUFFIX, &j);                                         \
        return j.progress.canceled ? ADIT_CANCELED : ADIT_OK;                                                               \
    }

static bool is_valid(const adit_run *run, const uint8_t *steps, int32_t step_count, int32_t reduction) {
    if (!adit_run_is_valid(run) || step_count < 0) return false;
    if (reduction != ADIT_NO_REDUCTION && (reduction < ADIT_SUM || reduction > ADIT_MAX)) return false;
    for (int32_t s = 0; s < step_count; s++)
        if (steps[s] > ADIT_GELU_TANH) return false;
    return true;
}

#define FLOAT_NAME(name) name##f
#define DOUBLE_NAME(name) name
DEFINE_CHAIN(float, uint32_t, 0x7fc00000u, FLOAT_NAME, f32)
DEFINE_CHAIN(double, uint64_t, 0x7ff8000000000000u, DOUBLE_NAME, f64)
