// Chains of element-wise operations over a tensor, and the panels of a reduction at their end: the work of the kernel `compute`, and its check.
#include <math.h>

#include "elementary.h"
#include "internal.h"

// Panels reduced side by side; elements of a task; elements whose powers are taken together.
enum { SIDE = 8, BLOCK = SIDE * ADIT_PANEL, TASK = 16 * BLOCK, POWERS = 64 };

// CLONES: every operation is exact or rounded correctly, or a fixed order of such ones, so that the bits don't depend on the choice.

typedef struct {
    adit_progress progress;
    const adit_chain *chain;
    const void *x;
    void *out;
    const void *found;
    int64_t first;  // the lowest index of an element that differs
} job;

static void note(job *j, int64_t index) {
    int64_t seen = __atomic_load_n(&j->first, __ATOMIC_RELAXED);
    while (index < seen && !__atomic_compare_exchange_n(&j->first, &seen, index, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

/// `count` elements of what repeats with a period shorter than the tensor, from place `first` on.
static void repeat(char *restrict to, const char *from, size_t size, int64_t period, int64_t first, int64_t count) {
    int64_t done = 0;
    for (int64_t at = first % period; done < adit_min(period, count); at = 0) {
        const int64_t piece = adit_min(adit_min(period, count) - done, period - at);
        memcpy(to + done * size, from + at * size, piece * size);
        done += piece;
    }
    for (int64_t piece; done < count; done += piece) {
        piece = adit_min(done, count - done);
        memcpy(to + done * size, to, piece * size);
    }
}

#define EACH(VALUE)                       \
    for (int64_t i = 0; i < count; i++) { \
        const REAL x = block[i];          \
        block[i] = (VALUE) + 0;           \
    }                                     \
    break
#define WITH(VALUE)                                 \
    if (others != NULL)                             \
        for (int64_t i = 0; i < count; i++) {       \
            const REAL x = block[i], y = others[i]; \
            block[i] = (VALUE) + 0;                 \
        }                                           \
    else                                            \
        for (int64_t i = 0; i < count; i++) {       \
            const REAL x = block[i], y = low;       \
            block[i] = (VALUE) + 0;                 \
        }                                           \
    break
#define JOIN(VALUE)                                               \
    for (int64_t t = 0; t < ADIT_PANEL; t++)                      \
        for (int p = 0; p < SIDE; p++) {                          \
            const REAL x = block[p * ADIT_PANEL + t], a = acc[p]; \
            acc[p] = (VALUE);                                     \
        }                                                         \
    break

// Each step leaves +0 where it would leave -0; the last line gives every NaN its canonical bits.
#define DEFINE_CHAIN(REAL_TYPE, BITS, NAN_BITS, F, SUFFIX)                                                                      \
    /* x^n by repeated squaring, from the lowest bit of |n| on. */                                                              \
    CLONES static void power_##SUFFIX(int32_t n, int64_t count, REAL_TYPE *restrict block) {                                    \
        for (int64_t start = 0; start < count; start += POWERS) {                                                               \
            const int64_t length = adit_min(POWERS, count - start);                                                             \
            REAL_TYPE square[POWERS], result[POWERS];                                                                           \
            for (int64_t i = 0; i < length; i++) square[i] = block[start + i];                                                  \
            for (int64_t i = 0; i < length; i++) result[i] = 1;                                                                 \
            for (int32_t rest = n < 0 ? -n : n; rest > 0; rest >>= 1) {                                                         \
                if (rest & 1)                                                                                                   \
                    for (int64_t i = 0; i < length; i++) result[i] *= square[i];                                                \
                for (int64_t i = 0; i < length; i++) square[i] *= square[i];                                                    \
            }                                                                                                                   \
            for (int64_t i = 0; i < length; i++) block[start + i] = (n < 0 ? 1 / result[i] : result[i]) + 0;                    \
        }                                                                                                                       \
    }                                                                                                                           \
    CLONES static void step_##SUFFIX(const adit_chain_step *step, int64_t count, const REAL_TYPE *restrict others,              \
        REAL_TYPE *restrict block) {                                                                                            \
        typedef REAL_TYPE REAL;                                                                                                 \
        const REAL low = (REAL)step->a, high = (REAL)step->b;                                                                   \
        switch (step->code) {                                                                                                   \
        case ADIT_SQUARE: EACH(x * x);                                                                                          \
        case ADIT_NEGATE: EACH(-x);                                                                                             \
        case ADIT_ABS: EACH(F(fabs)(x));                                                                                        \
        case ADIT_SQRT: EACH(F(sqrt)(x));                                                                                       \
        case ADIT_RECIPROCAL: EACH(1 / x);                                                                                      \
        case ADIT_RELU: EACH(x < 0 ? 0 : x);                                                                                    \
        case ADIT_FLOOR: EACH(F(floor)(x));                                                                                     \
        case ADIT_CEIL: EACH(F(ceil)(x));                                                                                       \
        case ADIT_ROUND: EACH(F(rint)(x));                                                                                      \
        case ADIT_TRUNCATE: EACH(F(trunc)(x));                                                                                  \
        case ADIT_EXP: EACH(adit_exp_##SUFFIX(x));                                                                              \
        case ADIT_LOG: EACH(adit_log_##SUFFIX(x));                                                                              \
        case ADIT_TANH: EACH(adit_tanh_##SUFFIX(x));                                                                            \
        case ADIT_ERF: EACH(adit_erf_##SUFFIX(x));                                                                              \
        case ADIT_SIGMOID: EACH(adit_sigmoid_##SUFFIX(x));                                                                      \
        case ADIT_GELU: EACH(adit_gelu_##SUFFIX(x));                                                                            \
        case ADIT_GELU_TANH: EACH(adit_gelu_tanh_##SUFFIX(x));                                                                  \
        case ADIT_SIGN: EACH(x > 0 ? 1 : x < 0 ? -1 : x);                                                                       \
        case ADIT_RSQRT: EACH(1 / F(sqrt)(x));                                                                                  \
        case ADIT_SILU: EACH(adit_silu_##SUFFIX(x));                                                                            \
        case ADIT_SOFTPLUS: EACH(adit_softplus_##SUFFIX(x));                                                                    \
        case ADIT_WITH_ADD: WITH(x + y);                                                                                        \
        case ADIT_WITH_SUB: WITH(x - y);                                                                                        \
        case ADIT_WITH_MUL: WITH(x * y);                                                                                        \
        case ADIT_WITH_DIV: WITH(x / y);                                                                                        \
        case ADIT_WITH_MIN: WITH(x < y || x != x ? x : y);                                                                      \
        case ADIT_WITH_MAX: WITH(x > y || x != x ? x : y);                                                                      \
        case ADIT_POW: power_##SUFFIX(step->exponent, count, block); break;                                                     \
        case ADIT_CLAMP: EACH(x < low ? low : x > high ? high : x);                                                             \
        case ADIT_LEAKY_RELU: EACH(x < 0 ? low * x : x);                                                                        \
        default: break;                                                                                                         \
        }                                                                                                                       \
    }                                                                                                                           \
    CLONES static void finish_##SUFFIX(int64_t count, REAL_TYPE *restrict block) {                                              \
        for (int64_t i = 0; i < count; i++) {                                                                                   \
            BITS bits = NAN_BITS;                                                                                               \
            REAL_TYPE canonical;                                                                                                \
            memcpy(&canonical, &bits, sizeof bits);                                                                             \
            block[i] = block[i] != block[i] ? canonical : block[i];                                                             \
        }                                                                                                                       \
    }                                                                                                                           \
    /* SIDE whole panels, their chains next to each other. */                                                                   \
    CLONES static void join_##SUFFIX(int32_t reduction, const REAL_TYPE *restrict block, REAL_TYPE *restrict acc) {             \
        typedef REAL_TYPE REAL;                                                                                                 \
        switch (reduction) {                                                                                                    \
        case ADIT_PRODUCT: JOIN(a * x);                                                                                         \
        case ADIT_MIN: JOIN(a < x || a != a ? a : x);                                                                           \
        case ADIT_MAX: JOIN(a > x || a != a ? a : x);                                                                           \
        default: JOIN(a + x);                                                                                                   \
        }                                                                                                                       \
    }                                                                                                                           \
    static REAL_TYPE start_##SUFFIX(int32_t reduction) {                                                                        \
        return reduction == ADIT_PRODUCT ? 1 : reduction == ADIT_MIN ? (REAL_TYPE)INFINITY                                      \
            : reduction == ADIT_MAX ? -(REAL_TYPE)INFINITY : 0;                                                                 \
    }                                                                                                                           \
    /* All steps on the block from element `first` on. */                                                                       \
    static void steps_##SUFFIX(const adit_chain *chain, const REAL_TYPE *x, int64_t first, int64_t count, REAL_TYPE *block) {   \
        REAL_TYPE repeated[BLOCK];                                                                                              \
        memcpy(block, x + first, (size_t)count * sizeof *block);                                                                \
        for (int32_t s = 0; s < chain->step_count; s++) {                                                                       \
            adit_chain_step step = chain->steps[s];                                                                             \
            const REAL_TYPE *others = step.data;                                                                                \
            if (others != NULL && step.period == 1) {                                                                           \
                step.a = others[0];                                                                                             \
                others = NULL;                                                                                                  \
            } else if (others != NULL && step.period < chain->count) {                                                          \
                repeat((char *)repeated, step.data, sizeof *block, step.period, first, count);                                  \
                others = repeated;                                                                                              \
            } else if (others != NULL) {                                                                                        \
                others += first;                                                                                                \
            }                                                                                                                   \
            step_##SUFFIX(&step, count, others, block);                                                                         \
        }                                                                                                                       \
    }                                                                                                                           \
    static void task_##SUFFIX(void *context, int64_t index, int32_t worker) {                                                   \
        (void)worker;                                                                                                           \
        job *const j = context;                                                                                                 \
        const adit_chain *const chain = j->chain;                                                                               \
        if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED)) return;                                                   \
        const int64_t end = adit_min((index + 1) * TASK, chain->count);                                                         \
        REAL_TYPE block[BLOCK], *const out = j->out;                                                                            \
        for (int64_t first = index * TASK; first < end; first += BLOCK) {                                                       \
            const int64_t count = adit_min(BLOCK, end - first);                                                                 \
            if (out == NULL && __atomic_load_n(&j->first, __ATOMIC_RELAXED) < first) return;                                    \
            steps_##SUFFIX(chain, j->x, first, count, block);                                                                   \
            if (chain->reduction == ADIT_NO_REDUCTION) {                                                                        \
                const REAL_TYPE *const found = (const REAL_TYPE *)j->found + first;                                             \
                finish_##SUFFIX(count, block);                                                                                  \
                if (out != NULL) {                                                                                              \
                    memcpy(out + first, block, (size_t)count * sizeof *block);                                                  \
                } else if (memcmp(found, block, (size_t)count * sizeof *block) != 0) {                                          \
                    int64_t wrong = 0;                                                                                          \
                    while (memcmp(found + wrong, block + wrong, sizeof *block) == 0) wrong++;                                   \
                    note(j, first + wrong);                                                                                     \
                    return;                                                                                                     \
                }                                                                                                               \
                continue;                                                                                                       \
            }                                                                                                                   \
            /* A panel that isn't full, and those that aren't there, are filled up with what changes nothing. */                \
            const REAL_TYPE neutral = start_##SUFFIX(chain->reduction);                                                         \
            REAL_TYPE acc[SIDE];                                                                                                \
            for (int64_t i = count; i < BLOCK; i++) block[i] = neutral;                                                         \
            for (int p = 0; p < SIDE; p++) acc[p] = neutral;                                                                    \
            join_##SUFFIX(chain->reduction, block, acc);                                                                        \
            for (int64_t p = 0; p * ADIT_PANEL < count; p++) out[first / ADIT_PANEL + p] = acc[p];                              \
        }                                                                                                                       \
        adit_advance(&j->progress, (end - index * TASK) * (chain->step_count + (chain->reduction != ADIT_NO_REDUCTION)));       \
    }                                                                                                                           \
    int32_t adit_chain_##SUFFIX(const adit_run *run, const adit_chain *chain, const REAL_TYPE *x, REAL_TYPE *out) {             \
        if (!is_valid(run, chain) || out == NULL) return ADIT_BAD_ARGUMENT;                                                     \
        job j = {.progress = {.run = run}, .chain = chain, .x = x, .out = out};                                                 \
        adit_parallel(run->threads, adit_ceil_div(chain->count, TASK), task_##SUFFIX, &j);                                      \
        return j.progress.canceled ? ADIT_CANCELED : ADIT_OK;                                                                   \
    }                                                                                                                           \
    int32_t adit_chain_check_##SUFFIX(const adit_run *run, const adit_chain *chain, const REAL_TYPE *x, const REAL_TYPE *found, \
        int64_t *first) {                                                                                                       \
        if (!is_valid(run, chain) || chain->reduction != ADIT_NO_REDUCTION) return ADIT_BAD_ARGUMENT;                           \
        job j = {.progress = {.run = run}, .chain = chain, .x = x, .found = found, .first = INT64_MAX};                         \
        adit_parallel(run->threads, adit_ceil_div(chain->count, TASK), task_##SUFFIX, &j);                                      \
        *first = j.first == INT64_MAX ? -1 : j.first;                                                                           \
        return j.progress.canceled ? ADIT_CANCELED : ADIT_OK;                                                                   \
    }

static bool is_valid(const adit_run *run, const adit_chain *chain) {
    if (!adit_run_is_valid(run) || chain->step_count < 0 || chain->step_count > ADIT_CHAIN_STEPS || chain->count < 0) return false;
    if (chain->reduction != ADIT_NO_REDUCTION && (chain->reduction < ADIT_SUM || chain->reduction > ADIT_MAX)) return false;
    for (int32_t s = 0; s < chain->step_count; s++) {
        const adit_chain_step *const step = chain->steps + s;
        const bool has_operand = step->code >= ADIT_WITH_ADD && step->code <= ADIT_WITH_MAX;
        if (step->code < 0 || (step->code >= ADIT_SUM && step->code < ADIT_WITH_ADD) || step->code > ADIT_LEAKY_RELU) return false;
        if (step->code == ADIT_POW && (step->exponent < -1024 || step->exponent > 1024)) return false;
        if (step->data != NULL && (!has_operand || step->period < 1)) return false;
    }
    return true;
}

#define FLOAT_NAME(name) name##f
#define DOUBLE_NAME(name) name
DEFINE_CHAIN(float, uint32_t, 0x7fc00000u, FLOAT_NAME, f32)
DEFINE_CHAIN(double, uint64_t, 0x7ff8000000000000u, DOUBLE_NAME, f64)
