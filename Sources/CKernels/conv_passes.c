// The verifier's passes over convolutions: linear maps of all rows, by the same tasks and tiles as the convolution itself.
#include <math.h>
#include <stdlib.h>

#include "conv_weights.h"
#include "passes.h"

static const adit_conv_path *const f64_paths[] = ADIT_PATHS(conv_f64);
static const adit_conv_path *const i8_paths[] = ADIT_PATHS(conv_i8);
static const adit_conv_field_path *const field_paths[] = ADIT_PATHS(conv_field);

enum { PROBES = 8, DIGITS = 4, FIELD_OUTPUTS = 1024, Y_BYTES = 256 << 10 };

/// Row of a task's piece: its first position's number among all rows.
static int64_t row_of(const adit_conv_plan *plan, int64_t image, int64_t group, int64_t position) {
    return (image * plan->c.groups + group) * plan->positions + position;
}

// MARK: residuals

typedef struct {
    const adit_conv_plan *plan;
    const float *x, *y;
    const double *filters, *energies, *probe, *weights;
    adit_conv_task *tasks;
    double *lines;         // of a worker: 8 sums of each position, then the energy
    double *outputs;       // of a worker: Y's cells, og x a tile's width
    int32_t *zeros;        // offsets of those
    int64_t line_stride, output_stride;
    adit_row_residual *rows;
} residual_job;

/// Y's cells at the positions of a piece, minus what the convolution gave, squared.
static void finish_piece(const residual_job *j, const adit_conv_task *task, const adit_conv_piece *piece, const double *signals, double *cells) {
    const adit_conv_plan *const plan = j->plan;
    const int64_t width = plan->path->width, og = plan->og, o0 = task->group * og;
    double tile[PROBES * CONV_WIDTH];
    for (int64_t o = 0; o < og; o++) {
        double *const line = cells + o * width;
        if (j->weights[o0 + o] == 0) for (int64_t i = 0; i < width; i++) line[i] = 0;
        else plan->path->line(j->y + (piece->image * plan->c.o + o0 + o) * plan->positions + piece->position, NULL, piece->count, 1, CONV_VALUE, line);
    }
    plan->path->tile(PROBES, og, j->zeros, cells, j->probe + o0 * PROBES, tile);
    adit_row_residual *const rows = j->rows + row_of(plan, piece->image, task->group, piece->position);
    for (int64_t i = 0; i < piece->count; i++) {
        double residual = 0, signal = 0;
        for (int p = 0; p < PROBES; p++) {
            const double s = signals[p * width + piece->lane + i], difference = tile[p * width + i] - s;
            residual += difference * difference;
            signal += s * s;
        }
        rows[i].residual = residual, rows[i].signal = signal, rows[i].maximum = signal < (double)INFINITY ? 0 : (double)INFINITY;
    }
}

static void residual_task(void *context, int64_t index, int32_t worker) {
    const residual_job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    const adit_conv_path *const path = plan->path;
    adit_conv_task *const task = &j->tasks[worker];
    double *const cells = j->outputs + worker * j->output_stride;
    double signals[PROBES * CONV_WIDTH];
    adit_conv_piece pieces[CONV_WIDTH];
    adit_conv_load(plan, j->x, index, CONV_VALUE, task);
    const double *const filter = j->filters + task->group * plan->steps * PROBES;
    for (int64_t cell = 0; cell < task->cell_count; cell += path->width) {
        const int64_t count = adit_conv_pieces(plan, task, cell, path->width, pieces);
        if (count == 0) continue;
        path->tile(PROBES, plan->steps, plan->offsets, task->cells + cell * path->cell_bytes, filter, signals);
        for (int64_t p = 0; p < count; p++) finish_piece(j, task, &pieces[p], signals, cells);
    }
    for (int64_t cell = 0; j->energies == NULL && cell < task->cell_count; cell += path->width) {
        const int64_t count = adit_conv_pieces(plan, task, cell, path->width, pieces);
        for (int64_t p = 0; p < count; p++)
            for (int64_t i = 0; i < pieces[p].count; i++) j->rows[row_of(plan, pieces[p].image, task->group, pieces[p].position) + i].energy = 0;
    }
    if (j->energies == NULL) return;
    adit_conv_load(plan, j->x, index, CONV_SQUARE, task);
    for (int64_t cell = 0; cell < task->cell_count; cell += path->width) {
        const int64_t count = adit_conv_pieces(plan, task, cell, path->width, pieces);
        path->tile(1, plan->steps, plan->offsets, task->cells + cell * path->cell_bytes, j->energies + task->group * plan->steps, signals);
        for (int64_t p = 0; p < count; p++)
            for (int64_t i = 0; i < pieces[p].count; i++)
                j->rows[row_of(plan, pieces[p].image, task->group, pieces[p].position) + i].energy = signals[pieces[p].lane + i];
    }
}

int32_t adit_conv_residuals(const adit_run *run, const adit_convolution *c, const float *x, const float *y, const double *filters,
    const double *energies, const double *probe, const double *weights, adit_row_residual *rows) {
    if (!adit_conv_is_valid(run, c)) return ADIT_BAD_ARGUMENT;
    adit_conv_plan plan;
    int32_t status = adit_conv_make_plan(&plan, c, f64_paths[run->isa], PROBES, run->threads);
    if (status != ADIT_OK) return status;
    const int64_t workers = adit_min(run->threads, plan.tasks), width = plan.path->width;
    residual_job j = {.plan = &plan, .x = x, .y = y, .filters = filters, .energies = energies, .probe = probe, .weights = weights, .rows = rows,
        .output_stride = adit_round_up(plan.og * width, 8)};
    j.tasks = adit_conv_make_tasks(&plan, workers);
    j.outputs = adit_allocate((size_t)(workers * j.output_stride) * sizeof(double));
    j.zeros = adit_allocate((size_t)plan.og * sizeof *j.zeros);
    status = j.tasks != NULL && j.outputs != NULL && j.zeros != NULL ? ADIT_OK : ADIT_NO_MEMORY;
    if (status == ADIT_OK) {
        for (int64_t i = 0; i < workers * j.output_stride; i++) j.outputs[i] = 0;
        for (int64_t o = 0; o < plan.og; o++) j.zeros[o] = (int32_t)(o * width);
        adit_parallel((int32_t)workers, plan.tasks, residual_task, &j);
    }
    adit_conv_free_tasks(j.tasks, workers);
    free(j.outputs);
    free(j.zeros);
    adit_conv_free_plan(&plan);
    return status;
}

// MARK: the field

typedef struct {
    const adit_conv_plan *plan;
    const adit_conv_field_path *field;
    const int8_t *x;
    const int32_t *y;
    uint32_t *filters;  // digits in pairs of channels: groups x steps x DIGITS
    int32_t *digits;    // of the outputs' entries: o x 3
    adit_conv_task *tasks;
    int64_t wrong;      // the first row found so far; INT64_MAX for none
} field_job;

/// Whether the rows of a piece agree; remembers the first that doesn't.
static void compare_piece(field_job *j, const adit_conv_task *task, const adit_conv_piece *piece, const int64_t *sums) {
    const adit_conv_plan *const plan = j->plan;
    const int64_t width = plan->path->width, og = plan->og;
    __int128 found[CONV_WIDTH] = {0};
    for (int64_t o = 0; o < og; o += FIELD_OUTPUTS) {
        int64_t digits[3 * CONV_WIDTH] = {0};
        const int64_t plane = piece->image * plan->c.o + task->group * og + o;
        j->field->line(j->y + plane * plan->positions + piece->position, plan->positions, adit_min(FIELD_OUTPUTS, og - o),
            j->digits + (task->group * og + o) * 3, piece->count, digits);
        for (int64_t i = 0; i < piece->count; i++) {
            const __int128 part = (__int128)digits[i] + (__int128)digits[piece->count + i] * (1 << 21)
                + (__int128)digits[2 * piece->count + i] * ((__int128)1 << 42);
            found[i] += (__int128)adit_field_reduce(part);
        }
    }
    for (int64_t i = 0; i < piece->count; i++) {
        __int128 expected = 0;
        for (int t = DIGITS - 1; t >= 0; t--) expected = expected * 65536 + sums[t * width + piece->lane + i];
        if (adit_field_reduce(expected) == adit_field_reduce(found[i])) continue;
        const int64_t row = row_of(plan, piece->image, task->group, piece->position + i);
        int64_t first = __atomic_load_n(&j->wrong, __ATOMIC_RELAXED);
        while (row < first && !__atomic_compare_exchange_n(&j->wrong, &first, row, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    }
}

static void field_task(void *context, int64_t index, int32_t worker) {
    field_job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    const adit_conv_path *const path = plan->path;
    adit_conv_task *const task = &j->tasks[worker];
    adit_conv_piece pieces[CONV_WIDTH];
    adit_conv_load(plan, j->x, index, CONV_VALUE, task);
    for (int64_t cell = 0; cell < task->cell_count; cell += path->width) {
        const int64_t count = adit_conv_pieces(plan, task, cell, path->width, pieces);
        if (count == 0) continue;
        int64_t sums[DIGITS * CONV_WIDTH] = {0};
        int32_t tile[DIGITS * CONV_WIDTH];
        for (int64_t s = 0; s < plan->steps; s += CONV_FIELD_STEPS) {
            path->tile(DIGITS, adit_min(CONV_FIELD_STEPS, plan->steps - s), plan->offsets + s, task->cells + cell * path->cell_bytes,
                j->filters + (task->group * plan->steps + s) * DIGITS, tile);
            for (int64_t i = 0; i < DIGITS * path->width; i++) sums[i] += tile[i];
        }
        for (int64_t p = 0; p < count; p++) compare_piece(j, task, &pieces[p], sums);
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
    int32_t status = adit_conv_make_plan(&plan, c, i8_paths[run->isa], DIGITS, run->threads);
    if (status != ADIT_OK) return status;
    const int64_t workers = adit_min(run->threads, plan.tasks), depth = plan.cg * c->kh * c->kw;
    field_job j = {.plan = &plan, .field = field_paths[run->isa], .x = x, .y = y, .wrong = INT64_MAX};
    j.tasks = adit_conv_make_tasks(&plan, workers);
    j.filters = adit_allocate((size_t)(c->groups * plan.steps * DIGITS) * sizeof *j.filters);
    j.digits = adit_allocate((size_t)c->o * 3 * sizeof *j.digits);
    status = j.tasks != NULL && j.filters != NULL && j.digits != NULL ? ADIT_OK : ADIT_NO_MEMORY;
    for (int64_t v = 0; v < count && status == ADIT_OK; v++) {
        pack_filters(&plan, filters + v * c->groups * depth, j.filters);
        for (int64_t o = 0; o < c->o; o++)
            for (int t = 0; t < 3; t++) j.digits[o * 3 + t] = (int32_t)(vectors[v * c->o + o] >> (21 * t) & 0x1fffff);
        adit_parallel((int32_t)workers, plan.tasks, field_task, &j);
    }
    adit_conv_free_tasks(j.tasks, workers);
    free(j.filters);
    free(j.digits);
    adit_conv_free_plan(&plan);
    *row = j.wrong == INT64_MAX ? -1 : j.wrong;
    return status;
}
