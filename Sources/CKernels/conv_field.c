// The verifier's pass over convolutions of integers: both sides of Freivalds' equation in GF(2^61 - 1), for every row.
#include <stdlib.h>

#include "conv_weights.h"
#include "passes.h"

static const adit_conv_path *const i8_paths[] = ADIT_PATHS(conv_i8);
static const adit_conv_field_path *const field_paths[] = ADIT_PATHS(conv_field);

enum { DIGITS = 4, FIELD_OUTPUTS = 1024, STRETCH = 512 };

typedef struct {
    const adit_conv_plan *plan;
    const adit_conv_field_path *field;
    const int8_t *x;
    const int32_t *y;
    uint32_t *filters;  // digits in pairs of channels: groups x steps x DIGITS
    int32_t *digits;    // of the outputs' entries: o x 3
    adit_conv_task *tasks;
    uint64_t *expected;  // of a worker: the filter's value at each of its task's positions
    int64_t *sums;       // of a worker: its digits' sums, by tiles
    int64_t pitch, sum_pitch;
    int64_t wrong;      // the first row found so far; INT64_MAX for none
} job;

/// The outputs' side of at most STRETCH positions of one image: sum over o of entry_o y[o].
static void outputs_of(const job *j, int64_t group, const int32_t *y, int64_t count, uint64_t found[STRETCH]) {
    const adit_conv_plan *const plan = j->plan;
    int64_t sums[3 * STRETCH];
    for (int64_t o = 0; o < plan->og; o += FIELD_OUTPUTS) {
        memset(sums, 0, sizeof sums);
        j->field->line(y + o * plan->positions, plan->positions, adit_min(FIELD_OUTPUTS, plan->og - o), j->digits + (group * plan->og + o) * 3, count,
            STRETCH, sums);
        for (int64_t i = 0; i < count; i++) {
            const __int128 part = (__int128)sums[i] + (__int128)sums[STRETCH + i] * (1 << 21) + (__int128)sums[2 * STRETCH + i] * ((__int128)1 << 42);
            found[i] = adit_field_reduce((__int128)(o > 0 ? found[i] : 0) + part);
        }
    }
}

/// The filter's side at all positions of a task.
static void filter_task(const job *j, int64_t index, adit_conv_task *task, int64_t *sums, uint64_t *expected) {
    const adit_conv_plan *const plan = j->plan;
    const adit_conv_path *const path = plan->path;
    const int64_t width = path->width, size = DIGITS * width, taps = plan->c.kh * plan->c.kw;
    int32_t tile[DIGITS * CONV_WIDTH];
    adit_conv_piece pieces[CONV_WIDTH];
    for (int64_t pair = 0; pair < plan->pairs; pair += plan->held) {
        adit_conv_load(plan, j->x, index, pair, CONV_VALUE, task);
        const uint32_t *const filter = j->filters + (task->group * plan->steps + pair * taps) * DIGITS;
        const int64_t steps = adit_min(plan->held, plan->pairs - pair) * taps;
        for (int64_t s = 0; s < steps; s += CONV_BLOCK)
            for (int64_t cell = 0; cell < task->cell_count; cell += width) {
                int64_t *const sum = sums + cell * DIGITS;
                if (s == 0) adit_conv_prefetch(plan, j->x, index, pair + plan->held, cell / width);
                path->tile(DIGITS, adit_min(CONV_BLOCK, steps - s), plan->offsets + s, task->cells + cell * path->cell_bytes, filter + s * DIGITS, tile);
                if (pair == 0 && s == 0) for (int64_t i = 0; i < size; i++) sum[i] = tile[i];
                else for (int64_t i = 0; i < size; i++) sum[i] += tile[i];
            }
    }
    for (int64_t cell = 0; cell < task->cell_count; cell += width) {
        const int64_t count = adit_conv_pieces(plan, task, cell, width, pieces);
        for (int64_t p = 0; p < count; p++)
            for (int64_t i = pieces[p].lane; i < pieces[p].lane + pieces[p].count; i++) {
                __int128 sum = 0;
                for (int t = DIGITS - 1; t >= 0; t--) sum = sum * 65536 + sums[cell * DIGITS + t * width + i];
                expected[pieces[p].place + i - pieces[p].lane] = adit_field_reduce(sum);
            }
    }
}

static void task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    adit_conv_task *const task = &j->tasks[worker];
    uint64_t *const expected = j->expected + worker * j->pitch, found[STRETCH];
    filter_task(j, index, task, j->sums + worker * j->sum_pitch, expected);
    adit_conv_stretch stretch;
    for (int64_t run = 0; adit_conv_next_stretch(plan, task, &run, &stretch);)
        for (int64_t first = 0; first < stretch.count; first += STRETCH) {
            const int64_t count = adit_min(STRETCH, stretch.count - first);
            const int64_t plane = stretch.image * plan->c.o + task->group * plan->og;
            outputs_of(j, task->group, j->y + plane * plan->positions + stretch.position + first, count, found);
            for (int64_t i = 0; i < count; i++) {
                if (expected[stretch.place + first + i] == found[i]) continue;
                const int64_t row = adit_conv_row(plan, task, &stretch) + first + i;
                int64_t seen = __atomic_load_n(&j->wrong, __ATOMIC_RELAXED);
                while (row < seen && !__atomic_compare_exchange_n(&j->wrong, &seen, row, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
            }
        }
}

/// Digit t of a number below 2^61: in -2^15..<2^15, the highest below 2^14; value = sum of digit[t] 2^(16 t).
static void split(uint64_t value, int16_t digits[DIGITS]) {
    int64_t rest = (int64_t)value;
    for (int t = 0; t < DIGITS; t++) {
        digits[t] = (int16_t)(uint16_t)(uint64_t)rest;
        rest = (rest - digits[t]) / 65536;
    }
}

static void pack_filters(const adit_conv_plan *plan, const uint64_t *filters, uint32_t *out) {
    const int64_t taps = plan->c.kh * plan->c.kw, depth = plan->cg * taps;
    for (int64_t group = 0; group < plan->c.groups; group++)
        for (int64_t s = 0; s < plan->steps; s++) {
            const int64_t channel = s / taps * 2, tap = s % taps;
            int16_t low[DIGITS], high[DIGITS] = {0};
            split(filters[group * depth + channel * taps + tap], low);
            if (channel + 1 < plan->cg) split(filters[group * depth + (channel + 1) * taps + tap], high);
            for (int t = 0; t < DIGITS; t++) *out++ = (uint32_t)(uint16_t)low[t] | (uint32_t)(uint16_t)high[t] << 16;
        }
}

int32_t adit_conv_mismatch(const adit_run *run, const adit_convolution *c, const int8_t *x, const int32_t *y, const uint64_t *filters,
    const uint64_t *vectors, int64_t count, int64_t *row) {
    if (!adit_conv_is_valid(run, c) || count < 0) return ADIT_BAD_ARGUMENT;
    adit_conv_plan plan;
    int32_t status = adit_conv_make_plan(&plan, c, i8_paths[run->isa], DIGITS, true, run->threads);
    if (status != ADIT_OK) return status;
    const int64_t workers = adit_min(run->threads, plan.tasks), depth = plan.cg * c->kh * c->kw;
    job j = {.plan = &plan, .field = field_paths[run->isa], .x = x, .y = y, .pitch = adit_round_up(plan.most_positions, 8),
        .sum_pitch = DIGITS * adit_round_up(plan.most_cells, plan.path->width), .wrong = INT64_MAX};
    j.tasks = adit_conv_make_tasks(&plan, workers);
    j.filters = adit_allocate((size_t)(c->groups * plan.steps * DIGITS) * sizeof *j.filters);
    j.digits = adit_allocate((size_t)c->o * 3 * sizeof *j.digits);
    j.expected = adit_allocate((size_t)(workers * j.pitch) * sizeof *j.expected);
    j.sums = adit_allocate((size_t)(workers * j.sum_pitch) * sizeof *j.sums);
    status = j.tasks != NULL && j.filters != NULL && j.digits != NULL && j.expected != NULL && j.sums != NULL ? ADIT_OK : ADIT_NO_MEMORY;
    for (int64_t v = 0; v < count && status == ADIT_OK; v++) {
        pack_filters(&plan, filters + v * c->groups * depth, j.filters);
        for (int64_t o = 0; o < c->o; o++)
            for (int t = 0; t < 3; t++) j.digits[o * 3 + t] = (int32_t)(vectors[v * c->o + o] >> (21 * t) & 0x1fffff);
        adit_parallel((int32_t)workers, plan.tasks, task, &j);
    }
    adit_conv_free_tasks(j.tasks, workers);
    free(j.filters);
    free(j.digits);
    free(j.expected);
    free(j.sums);
    adit_conv_free_plan(&plan);
    *row = j.wrong == INT64_MAX ? -1 : j.wrong;
    return status;
}
