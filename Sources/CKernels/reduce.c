// Reductions along axes: the work of the kernel `reduce` (Sources/Kernels/Reduce has the definition).
#include <math.h>

#include "internal.h"

enum { SIDE = 16, BLOCKS = 16 };  // cells reduced side by side, each a chain; blocks of them in a task

typedef struct {
    adit_progress progress;
    int32_t reduction;
    const adit_axes *kept, *reduced;
    int64_t cells, count;  // cells of the output; elements of each
    const void *x;
    void *out;
} job;

#define JOIN(VALUE)                                                                                                      \
    if (contiguous)                                                                                                      \
        for (int64_t t = 0; t < count; t++)                                                                              \
            for (int l = 0; l < SIDE; l++) {                                                                             \
                const REAL v = x[base[0] + t * stride + l], a = acc[l];                                                  \
                acc[l] = (VALUE);                                                                                        \
            }                                                                                                            \
    else                                                                                                                 \
        for (int64_t t = 0; t < count; t++)                                                                              \
            for (int l = 0; l < SIDE; l++) {                                                                             \
                const REAL v = x[base[l] + t * stride], a = acc[l];                                                      \
                acc[l] = (VALUE);                                                                                        \
            }                                                                                                            \
    break

// CLONES: every operation is rounded correctly and their order is fixed, so that the bits don't depend on the choice.
#define DEFINE_REDUCE(REAL_TYPE, BITS, NAN_BITS, SUFFIX)                                                                 \
    CLONES static void join_##SUFFIX(int32_t reduction, const REAL_TYPE *restrict x, int64_t stride, int64_t count,      \
        const int64_t *base, bool contiguous, REAL_TYPE *restrict acc) {                                                 \
        typedef REAL_TYPE REAL;                                                                                          \
        switch (reduction) {                                                                                             \
        case ADIT_PRODUCT: JOIN(a * v);                                                                                  \
        case ADIT_MIN: JOIN(a < v || a != a ? a : v);                                                                    \
        case ADIT_MAX: JOIN(a > v || a != a ? a : v);                                                                    \
        default: JOIN(a + v);                                                                                            \
        }                                                                                                                \
    }                                                                                                                    \
    static void block_##SUFFIX(const job *j, int64_t first, int64_t cells, REAL_TYPE *out) {                             \
        const int32_t r = j->reduction;                                                                                  \
        const REAL_TYPE start = r == ADIT_PRODUCT ? 1 : r == ADIT_MIN ? (REAL_TYPE)INFINITY                              \
            : r == ADIT_MAX ? -(REAL_TYPE)INFINITY : 0;                                                                  \
        int64_t base[SIDE];                                                                                              \
        bool contiguous = true;                                                                                          \
        /* Lanes without a cell repeat the last one. */                                                                  \
        for (int64_t l = 0; l < SIDE; l++) base[l] = adit_offset(j->kept, first + adit_min(l, cells - 1));                 \
        for (int64_t l = 1; l < SIDE; l++) contiguous = contiguous && base[l] == base[0] + l;                            \
        REAL_TYPE acc[SIDE], total[SIDE];                                                                                \
        for (int l = 0; l < SIDE; l++) acc[l] = total[l] = start;                                                        \
        const int32_t last = j->reduced->count - 1;                                                                      \
        const int64_t length = j->reduced->size[last], stride = j->reduced->stride[last];                                \
        int64_t done = 0;                                                                                                \
        while (done < j->count) {                                                                                        \
            /* As far as neither the panel nor the innermost axis ends. */                                               \
            const int64_t at = done % length, piece = adit_min(length - at, ADIT_PANEL - done % ADIT_PANEL);             \
            join_##SUFFIX(r, (const REAL_TYPE *)j->x + adit_offset(j->reduced, done), stride, piece, base, contiguous, acc); \
            done += piece;                                                                                               \
            if (done % ADIT_PANEL != 0 && done < j->count) continue;                                                     \
            for (int l = 0; l < SIDE; l++) {                                                                             \
                const REAL_TYPE a = total[l], v = acc[l];                                                                \
                total[l] = done <= ADIT_PANEL ? v : r == ADIT_PRODUCT ? a * v : r == ADIT_MIN ? (a < v || a != a ? a : v) \
                    : r == ADIT_MAX ? (a > v || a != a ? a : v) : a + v;                                                 \
                acc[l] = start;                                                                                          \
            }                                                                                                            \
        }                                                                                                                \
        const BITS bits = NAN_BITS;                                                                                      \
        REAL_TYPE canonical;                                                                                             \
        memcpy(&canonical, &bits, sizeof bits);                                                                          \
        for (int64_t l = 0; l < cells; l++) {                                                                            \
            const REAL_TYPE value = r == ADIT_MEAN ? total[l] / (REAL_TYPE)j->count : total[l];                          \
            out[l] = value != value ? canonical : value + 0;                                                             \
        }                                                                                                                \
    }                                                                                                                    \
    static void task_##SUFFIX(void *context, int64_t index, int32_t worker) {                                            \
        (void)worker;                                                                                                    \
        job *const j = context;                                                                                          \
        const int64_t end = adit_min((index + 1) * SIDE * BLOCKS, j->cells);                                             \
        for (int64_t first = index * SIDE * BLOCKS; first < end; first += SIDE) {                                        \
            if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED)) return;                                        \
            const int64_t cells = adit_min(SIDE, end - first);                                                           \
            block_##SUFFIX(j, first, cells, (REAL_TYPE *)j->out + first);                                                \
            adit_advance(&j->progress, cells * j->count);                                                                \
        }                                                                                                                \
    }                                                                                                                    \
    int32_t adit_reduce_##SUFFIX(const adit_run *run, int32_t reduction, const adit_axes *kept, const adit_axes *reduced, \
        const REAL_TYPE *x, REAL_TYPE *out) {                                                                            \
        if (!adit_run_is_valid(run) || reduction < ADIT_SUM || reduction > ADIT_MAX) return ADIT_BAD_ARGUMENT;           \
        job j = {.progress = {.run = run}, .reduction = reduction, .kept = kept, .reduced = reduced, .x = x, .out = out}; \
        if (!counted(&j)) return ADIT_BAD_ARGUMENT;                                                                      \
        adit_parallel(run->threads, adit_ceil_div(j.cells, SIDE * BLOCKS), task_##SUFFIX, &j);                           \
        return j.progress.canceled ? ADIT_CANCELED : ADIT_OK;                                                            \
    }

static bool counted(job *j) {
    if (j->kept->count < 0 || j->kept->count > 8 || j->reduced->count < 1 || j->reduced->count > 8) return false;
    j->cells = j->count = 1;
    for (int32_t d = 0; d < j->kept->count; d++) j->cells *= j->kept->size[d];
    for (int32_t d = 0; d < j->reduced->count; d++) j->count *= j->reduced->size[d];
    return j->cells >= 0 && j->count >= 0;
}

DEFINE_REDUCE(float, uint32_t, 0x7fc00000u, f32)
DEFINE_REDUCE(double, uint64_t, 0x7ff8000000000000u, f64)
