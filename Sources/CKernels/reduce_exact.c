// Reductions along axes whose results are integers: part of the work of the kernel `reduce` (Sources/Kernels/Reduce/ExactReduction.swift has the
// definition). They are the same in any order, so lanes are whatever lies together: cells, or elements of one cell.
#include "internal.h"

// Lanes; elements from which a task is worth its start, and between two looks at whether to go on.
enum { LANES = 32, TASK = 1 << 16, LOOK = 1 << 20 };

typedef struct {
    adit_progress progress;
    int32_t operation;
    const adit_axes *kept, *reduced;
    int64_t cells, count;  // cells of the output; elements of each
    bool along;            // whether the innermost reduced axis is contiguous: lanes are elements of one cell
    int64_t row, blocks;   // cells that lie together, blocks of at most LANES that make a row
    int64_t batch;         // blocks of a task
    const void *x;
    void *out;
    int64_t overflow;  // the first cell whose total doesn't fit, or `cells`
} job;

static void note(job *j, int64_t cell) {
    int64_t seen = __atomic_load_n(&j->overflow, __ATOMIC_RELAXED);
    while (cell < seen && !__atomic_compare_exchange_n(&j->overflow, &seen, cell, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

// `steps` times, each lane meets the next element v. Whole vectors have a loop of their own, of a size that the compiler knows.
#define STEPS(WIDTH, BODY)                             \
    for (int64_t t = 0; t < steps; t++) {              \
        const T *const from = x + t * stride;          \
        const int64_t at = place + t * place_step;     \
        (void)at;                                      \
        for (int l = 0; l < (WIDTH); l++) {            \
            const T v = from[l];                       \
            BODY;                                      \
        }                                              \
    }
#define EACH(BODY)                  \
    if (width == LANES)             \
        STEPS(LANES, BODY)          \
    else                            \
        STEPS(width, BODY)          \
    break

// A NaN, which doesn't equal itself, is better than every number.
#define LESS(v, b) (((v) < (b)) | (((v) != (v)) & ((b) == (b))))
#define MORE(v, b) (((v) > (b)) | (((v) != (v)) & ((b) == (b))))
#define TAKE(BETTER)                               \
    do {                                           \
        const bool better = BETTER(v, best[l]);    \
        best[l] = better ? v : best[l];            \
        places[l] = better ? at : places[l];       \
    } while (0)

// Totals: high * 2^64 + low; of I8 and I32 `low` alone, as signed. A carry out of `low` and v's sign go into `high`.
#define ADD_NARROW low[l] += (uint64_t)(int64_t)v
#define ADD_WIDE                                                   \
    do {                                                           \
        const uint64_t sum = low[l] + (uint64_t)v;                 \
        high[l] += ((int64_t)v >> 63) + (int64_t)(sum < low[l]);   \
        low[l] = sum;                                              \
    } while (0)

#define TOTAL(ADD) case ADIT_TOTAL: EACH(ADD);
#define NO_TOTAL

// CLONES: all is exact, so that the results don't depend on the choice.
#define DEFINE_EXACT(TYPE, SUFFIX, TOTALS, IS_WIDE)                                                                                 \
    typedef struct {                                                                                                                \
        TYPE best[LANES];                                                                                                           \
        int64_t places[LANES], high[LANES];                                                                                         \
        uint64_t low[LANES];                                                                                                        \
    } lanes_##SUFFIX;                                                                                                               \
    CLONES static void join_##SUFFIX(int32_t operation, const TYPE *restrict x, int64_t stride, int64_t steps, int width,           \
        int64_t place, int64_t place_step, lanes_##SUFFIX *restrict lanes) {                                                        \
        typedef TYPE T;                                                                                                             \
        TYPE *const best = lanes->best;                                                                                             \
        int64_t *const places = lanes->places, *const high = lanes->high;                                                           \
        uint64_t *const low = lanes->low;                                                                                           \
        (void)high, (void)low;                                                                                                      \
        switch (operation) {                                                                                                        \
            TOTALS                                                                                                                  \
        case ADIT_LEAST: EACH(best[l] = v < best[l] ? v : best[l]);                                                                 \
        case ADIT_LARGEST: EACH(best[l] = v > best[l] ? v : best[l]);                                                               \
        case ADIT_PLACE_OF_LEAST: EACH(TAKE(LESS));                                                                                 \
        default: EACH(TAKE(MORE));                                                                                                  \
        }                                                                                                                           \
    }                                                                                                                               \
    static __int128 total_##SUFFIX(const lanes_##SUFFIX *lanes, int l) {                                                            \
        return (IS_WIDE) ? lanes->high[l] * ((__int128)1 << 64) + lanes->low[l] : (__int128)(int64_t)lanes->low[l];                 \
    }                                                                                                                               \
    static void write_##SUFFIX(job *j, int64_t cell, TYPE best, int64_t place, __int128 total) {                                    \
        if (j->operation == ADIT_LEAST || j->operation == ADIT_LARGEST) {                                                           \
            ((TYPE *)j->out)[cell] = best;                                                                                          \
            return;                                                                                                                 \
        }                                                                                                                           \
        const bool fits = j->operation != ADIT_TOTAL || total == (int64_t)total;                                                    \
        if (!fits) note(j, cell);                                                                                                   \
        ((int64_t *)j->out)[cell] = j->operation != ADIT_TOTAL ? place : fits ? (int64_t)total : 0;                                 \
    }                                                                                                                               \
    /* One cell from its lanes, of which element `l` of each step was the l-th. */                                                  \
    static void finish_##SUFFIX(job *j, int64_t cell, const lanes_##SUFFIX *lanes, int count) {                                     \
        const bool least = j->operation == ADIT_LEAST || j->operation == ADIT_PLACE_OF_LEAST;                                       \
        TYPE b = lanes->best[0];                                                                                                    \
        int64_t place = lanes->places[0];                                                                                           \
        const bool adds = j->operation == ADIT_TOTAL;                                                                               \
        __int128 total = adds ? total_##SUFFIX(lanes, 0) : 0;                                                                       \
        for (int l = 1; l < count; l++) {                                                                                           \
            const TYPE v = lanes->best[l];                                                                                          \
            const int64_t at = lanes->places[l] + l;                                                                                \
            const bool ties = (v == b) | ((v != v) & (b != b));                                                                     \
            if ((least ? LESS(v, b) : MORE(v, b)) || (ties && at < place)) b = v, place = at;                                       \
            if (adds) total += total_##SUFFIX(lanes, l);                                                                            \
        }                                                                                                                           \
        write_##SUFFIX(j, cell, b, place, total);                                                                                   \
    }                                                                                                                               \
    /* `width` cells that lie together, or one. False once the call is to stop. */                                                  \
    static bool block_##SUFFIX(job *j, int64_t cell, int width, int64_t *untold) {                                                  \
        const int32_t last = j->reduced->count - 1;                                                                                 \
        const int64_t length = j->reduced->size[last], stride = j->reduced->stride[last];                                           \
        const int used = j->along ? (int)adit_min(LANES, length) : width;                                                           \
        const TYPE *const base = j->count > 0 ? (const TYPE *)j->x + adit_offset(j->kept, cell) : NULL;                             \
        lanes_##SUFFIX lanes;                                                                                                       \
        for (int l = 0; l < adit_max(used, 1); l++) lanes.best[l] = 0, lanes.places[l] = lanes.high[l] = 0, lanes.low[l] = 0;       \
        for (int64_t done = 0, piece; done < j->count; done += piece) {                                                             \
            const TYPE *const from = base + adit_offset(j->reduced, done);                                                          \
            piece = adit_min(length - done % length, TASK);                                                                         \
            /* Every lane in use begins with its first element, and meets it again. */                                              \
            if (done == 0) memcpy(lanes.best, from, used * sizeof(TYPE));                                                           \
            if (j->along) {                                                                                                         \
                const int64_t steps = piece / LANES, rest = piece % LANES;                                                          \
                if (steps > 0) join_##SUFFIX(j->operation, from, LANES, steps, LANES, done, LANES, &lanes);                         \
                if (rest > 0) join_##SUFFIX(j->operation, from + piece - rest, 0, 1, (int)rest, done + piece - rest, 0, &lanes);    \
            } else {                                                                                                                \
                join_##SUFFIX(j->operation, from, stride, piece, width, done, 1, &lanes);                                           \
            }                                                                                                                       \
            *untold += piece * width;                                                                                               \
            if (*untold >= LOOK && !adit_advance(&j->progress, *untold)) return false;                                              \
            if (*untold >= LOOK) *untold = 0;                                                                                       \
        }                                                                                                                           \
        if (j->along)                                                                                                               \
            finish_##SUFFIX(j, cell, &lanes, used);                                                                                 \
        else                                                                                                                        \
            for (int l = 0; l < width; l++) write_##SUFFIX(j, cell + l, lanes.best[l], lanes.places[l], total_##SUFFIX(&lanes, l)); \
        return true;                                                                                                                \
    }                                                                                                                               \
    static void task_##SUFFIX(void *context, int64_t index, int32_t worker) {                                                       \
        (void)worker;                                                                                                               \
        job *const j = context;                                                                                                     \
        const int64_t all = j->cells / j->row * j->blocks, end = adit_min((index + 1) * j->batch, all);                             \
        int64_t untold = 0;                                                                                                         \
        for (int64_t block = index * j->batch; block < end; block++) {                                                              \
            if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED)) return;                                                   \
            const int64_t first = block % j->blocks * LANES;                                                                        \
            const int width = (int)adit_min(LANES, j->row - first);                                                                 \
            if (!block_##SUFFIX(j, block / j->blocks * j->row + first, width, &untold)) return;                                     \
        }                                                                                                                           \
        adit_advance(&j->progress, untold);                                                                                         \
    }

DEFINE_EXACT(int8_t, i8, TOTAL(ADD_NARROW), false)
DEFINE_EXACT(int32_t, i32, TOTAL(ADD_NARROW), false)
DEFINE_EXACT(int64_t, i64, TOTAL(ADD_WIDE), true)
DEFINE_EXACT(float, f32, NO_TOTAL, false)
DEFINE_EXACT(double, f64, NO_TOTAL, false)

static bool counted(job *j) {
    const adit_axes *const kept = j->kept, *const reduced = j->reduced;
    if (kept->count < 0 || kept->count > 8 || reduced->count < 1 || reduced->count > 8) return false;
    j->cells = j->count = 1;
    for (int32_t d = 0; d < kept->count; d++) j->cells *= kept->size[d];
    for (int32_t d = 0; d < reduced->count; d++) j->count *= reduced->size[d];
    if (j->cells < 0 || j->count < 0 || (j->count == 0 && j->operation != ADIT_TOTAL)) return false;
    j->along = reduced->stride[reduced->count - 1] == 1;
    // Cells are taken together where they lie so.
    const bool together = !j->along && j->cells > 0 && kept->count > 0 && kept->stride[kept->count - 1] == 1;
    j->row = together ? kept->size[kept->count - 1] : 1;
    j->blocks = adit_ceil_div(j->row, LANES);
    j->batch = adit_max(1, TASK / adit_max(1, adit_min(TASK, j->count) * adit_min(j->row, LANES)));
    j->overflow = j->cells;
    return true;
}

int32_t adit_reduce_exact(const adit_run *run, int32_t operation, int32_t format, const adit_axes *kept, const adit_axes *reduced, const void *x,
    void *out, int64_t *overflow) {
    static const adit_body tasks[] = {task_i8, task_i32, task_i64, task_f32, task_f64};
    if (!adit_run_is_valid(run) || operation < ADIT_TOTAL || operation > ADIT_PLACE_OF_LARGEST) return ADIT_BAD_ARGUMENT;
    if (format < ADIT_OF_I8 || format > ADIT_OF_F64 || (format >= ADIT_OF_F32 && operation < ADIT_PLACE_OF_LEAST)) return ADIT_BAD_ARGUMENT;
    if (operation >= ADIT_PLACE_OF_LEAST && reduced->count != 1) return ADIT_BAD_ARGUMENT;
    job j = {.progress = {.run = run}, .operation = operation, .kept = kept, .reduced = reduced, .x = x, .out = out};
    if (!counted(&j)) return ADIT_BAD_ARGUMENT;
    adit_parallel(run->threads, adit_ceil_div(j.cells / j.row * j.blocks, j.batch), tasks[format], &j);
    *overflow = j.overflow < j.cells ? j.overflow : -1;
    return j.progress.canceled ? ADIT_CANCELED : ADIT_OK;
}
