// The verifier's passes over convolutions of floats: linear maps of all rows, by the same tasks and tiles as the convolution itself.
#include <math.h>
#include <stdlib.h>

#include "conv_weights.h"
#include "passes.h"

static const adit_conv_path *const f64_paths[] = ADIT_PATHS(conv_f64);
static const adit_conv_path *const wide_paths[] = ADIT_PATHS(conv_wide);

enum { PROBES = 8 };

/// The outputs of a group that count: of weight other than 0.
typedef struct {
    int64_t count;
    int64_t *which;    // their places in the group
    int32_t *offsets;  // where they lie in Y, or among a worker's cells
    double *probe;     // their 8 numbers
} counted_outputs;

typedef struct {
    const adit_conv_plan *plan;
    const adit_conv_path *wide;  // for Y, in place or not, with tiles as wide as the plan's
    const float *x, *y;
    const double *filters, *energies;
    counted_outputs *outputs;  // of each group
    bool in_place;             // whether Y is read where it lies
    adit_conv_task *tasks;
    double *signals;           // of a worker: 8 sums of each of its task's positions, `pitch` apart; then by tiles
    float *cells;              // of a worker: Y at a tile's positions
    int64_t pitch, signal_pitch, cell_pitch;
    adit_row_residual *rows;
} job;

// MARK: the outputs that count

static void free_outputs(counted_outputs *outputs) {
    if (outputs == NULL) return;
    free(outputs[0].which);
    free(outputs[0].offsets);
    free(outputs[0].probe);
    free(outputs);
}

/// NULL without memory.
static counted_outputs *count_outputs(const adit_conv_plan *plan, const double *probe, const double *weights, bool in_place) {
    const int64_t all = plan->c.o, og = plan->og;
    counted_outputs *const outputs = adit_allocate((size_t)plan->c.groups * sizeof *outputs);
    if (outputs == NULL) return NULL;
    outputs[0] = (counted_outputs){.which = adit_allocate((size_t)all * sizeof(int64_t)), .offsets = adit_allocate((size_t)all * sizeof(int32_t)),
        .probe = adit_allocate((size_t)all * PROBES * sizeof(double))};
    if (outputs[0].which == NULL || outputs[0].offsets == NULL || outputs[0].probe == NULL) {
        free_outputs(outputs);
        return NULL;
    }
    for (int64_t group = 0; group < plan->c.groups; group++) {
        counted_outputs *const counted = &outputs[group];
        *counted = (counted_outputs){.which = outputs[0].which + group * og, .offsets = outputs[0].offsets + group * og,
            .probe = outputs[0].probe + group * og * PROBES};
        for (int64_t o = 0; o < og; o++) {
            if (weights[group * og + o] == 0) continue;
            const int64_t place = counted->count++;
            counted->which[place] = o;
            counted->offsets[place] = (int32_t)(in_place ? o * plan->positions : place * plan->path->width);
            memcpy(counted->probe + place * PROBES, probe + (group * og + o) * PROBES, PROBES * sizeof(double));
        }
    }
    return outputs;
}

/// The 8 sums over Y at `count` positions of one image, at most a tile's, from `position` on. Gives in which lane they start.
static int64_t sum_outputs(const job *j, int64_t group, int64_t image, int64_t position, int64_t count, float *cells, double *tile) {
    const adit_conv_plan *const plan = j->plan;
    const counted_outputs *const counted = &j->outputs[group];
    const int64_t width = plan->path->width;
    const float *const y = j->y + (image * plan->c.o + group * plan->og) * plan->positions;
    if (j->in_place) {
        // The last tile of an image reads some positions again rather than what lies beyond.
        const int64_t start = adit_min(position, plan->positions - width);
        // The next tile's cells are the next lines of all planes, too far apart for the processor to guess.
        for (int64_t i = 0; i < counted->count; i++) __builtin_prefetch(y + counted->offsets[i] + start + width, 0, 2);
        j->wide->tile(PROBES, counted->count, counted->offsets, y + start, counted->probe, tile);
        return position - start;
    }
    for (int64_t i = 0; i < counted->count; i++)
        memcpy(cells + i * width, y + counted->which[i] * plan->positions + position, (size_t)count * sizeof *cells);
    j->wide->tile(PROBES, counted->count, counted->offsets, cells, counted->probe, tile);
    return 0;
}

// MARK: tasks

/// Sums of a task's cells times `rows` filters, by tiles: rows x width each.
static void sum_steps(const job *j, int64_t index, int32_t how, const double *filters, int rows, adit_conv_task *task, double *sums) {
    const adit_conv_plan *const plan = j->plan;
    const adit_conv_path *const path = plan->path;
    const int64_t width = path->width, size = rows * width, taps = plan->c.kh * plan->c.kw;
    double tile[PROBES * CONV_WIDTH];
    for (int64_t pair = 0; pair < plan->pairs; pair += plan->held) {
        adit_conv_load(plan, j->x, index, pair, how, task);
        const double *const filter = filters + (task->group * plan->steps + pair * taps) * rows;
        const int64_t steps = adit_min(plan->held, plan->pairs - pair) * taps;
        for (int64_t s = 0; s < steps; s += CONV_BLOCK)
            for (int64_t cell = 0; cell < task->cell_count; cell += width) {
                const bool first = pair == 0 && s == 0;
                if (s == 0) adit_conv_prefetch(plan, j->x, index, pair + plan->held, cell / width);
                double *const sum = sums + cell * rows;
                path->tile(rows, adit_min(CONV_BLOCK, steps - s), plan->offsets + s, task->cells + cell * path->cell_bytes, filter + s * rows,
                    first ? sum : tile);
                for (int64_t i = 0; !first && i < size; i++) sum[i] += tile[i];
            }
    }
}

/// The filters' sums at all positions of a task, one filter after the other.
static void filter_task(const job *j, int64_t index, adit_conv_task *task, double *sums, double *signals) {
    const adit_conv_plan *const plan = j->plan;
    const int64_t width = plan->path->width;
    adit_conv_piece pieces[CONV_WIDTH];
    sum_steps(j, index, CONV_VALUE, j->filters, PROBES, task, sums);
    for (int64_t cell = 0; cell < task->cell_count; cell += width) {
        const int64_t count = adit_conv_pieces(plan, task, cell, width, pieces);
        for (int64_t p = 0; p < count; p++)
            for (int probe = 0; probe < PROBES; probe++)
                memcpy(signals + probe * j->pitch + pieces[p].place, sums + cell * PROBES + probe * width + pieces[p].lane,
                    (size_t)pieces[p].count * sizeof(double));
    }
}

static void residual_task(void *context, int64_t index, int32_t worker) {
    const job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    adit_conv_task *const task = &j->tasks[worker];
    const int64_t width = plan->path->width, pitch = j->pitch;
    double *const signals = j->signals + worker * j->signal_pitch, tile[PROBES * CONV_WIDTH];
    filter_task(j, index, task, signals + PROBES * pitch, signals);
    adit_conv_stretch stretch;
    for (int64_t run = 0; adit_conv_next_stretch(plan, task, &run, &stretch);) {
        adit_row_residual *const rows = j->rows + adit_conv_row(plan, task, &stretch);
        for (int64_t first = 0; first < stretch.count; first += width) {
            const int64_t count = adit_min(width, stretch.count - first);
            const int64_t lane =
                sum_outputs(j, task->group, stretch.image, stretch.position + first, count, j->cells + worker * j->cell_pitch, tile);
            for (int64_t i = 0; i < count; i++) {
                double residual = 0, signal = 0;
                for (int p = 0; p < PROBES; p++) {
                    const double s = signals[p * pitch + stretch.place + first + i], difference = tile[p * width + lane + i] - s;
                    residual += difference * difference;
                    signal += s * s;
                }
                rows[first + i] = (adit_row_residual){.residual = residual, .signal = signal, .maximum = signal < (double)INFINITY ? 0 : (double)INFINITY};
            }
        }
    }
}

static void energy_task(void *context, int64_t index, int32_t worker) {
    const job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    adit_conv_task *const task = &j->tasks[worker];
    double *const sums = j->signals + worker * j->signal_pitch;
    adit_conv_piece pieces[CONV_WIDTH];
    sum_steps(j, index, CONV_SQUARE, j->energies, 1, task, sums);
    for (int64_t cell = 0; cell < task->cell_count; cell += plan->path->width) {
        const int64_t count = adit_conv_pieces(plan, task, cell, plan->path->width, pieces);
        for (int64_t p = 0; p < count; p++) {
            const adit_conv_stretch stretch = {.image = pieces[p].image, .position = pieces[p].position};
            adit_row_residual *const rows = j->rows + adit_conv_row(plan, task, &stretch);
            for (int64_t i = 0; i < pieces[p].count; i++) rows[i].energy = sums[cell + pieces[p].lane + i];
        }
    }
}

// MARK: calls

static int32_t residuals(const adit_run *run, const adit_convolution *c, job j, const double *probe, const double *weights) {
    adit_conv_plan plan;
    int32_t status = adit_conv_make_plan(&plan, c, f64_paths[run->isa], PROBES, true, run->threads);
    if (status != ADIT_OK) return status;
    const int64_t workers = adit_min(run->threads, plan.tasks), width = plan.path->width;
    j.plan = &plan, j.wide = wide_paths[run->isa];
    j.in_place = plan.positions >= width && plan.positions <= (INT32_MAX - width) / plan.og;
    j.pitch = adit_round_up(plan.most_positions, 8), j.cell_pitch = j.in_place ? 0 : plan.og * width;
    j.signal_pitch = PROBES * (j.pitch + adit_round_up(plan.most_cells, width));
    j.outputs = count_outputs(&plan, probe, weights, j.in_place);
    j.tasks = adit_conv_make_tasks(&plan, workers);
    j.signals = adit_allocate((size_t)(workers * j.signal_pitch) * sizeof(double));
    j.cells = adit_allocate((size_t)(workers * j.cell_pitch) * sizeof(float));
    if (j.outputs == NULL || j.tasks == NULL || j.signals == NULL || j.cells == NULL) status = ADIT_NO_MEMORY;
    if (status == ADIT_OK) {
        // A narrow image's last lanes are never written.
        memset(j.cells, 0, (size_t)(workers * j.cell_pitch) * sizeof(float));
        adit_parallel((int32_t)workers, plan.tasks, residual_task, &j);
    }
    free_outputs(j.outputs);
    adit_conv_free_tasks(j.tasks, workers);
    free(j.signals);
    free(j.cells);
    adit_conv_free_plan(&plan);
    return status;
}

static int32_t energies(const adit_run *run, const adit_convolution *c, job j) {
    adit_conv_plan plan;
    int32_t status = adit_conv_make_plan(&plan, c, f64_paths[run->isa], 1, true, run->threads);
    if (status != ADIT_OK) return status;
    const int64_t workers = adit_min(run->threads, plan.tasks);
    j.plan = &plan, j.tasks = adit_conv_make_tasks(&plan, workers);
    j.signal_pitch = adit_round_up(plan.most_cells, plan.path->width);
    j.signals = adit_allocate((size_t)(workers * j.signal_pitch) * sizeof(double));
    if (j.tasks == NULL || j.signals == NULL) status = ADIT_NO_MEMORY;
    else adit_parallel((int32_t)workers, plan.tasks, energy_task, &j);
    adit_conv_free_tasks(j.tasks, workers);
    free(j.signals);
    adit_conv_free_plan(&plan);
    return status;
}

int32_t adit_conv_residuals(const adit_run *run, const adit_convolution *c, const float *x, const float *y, const double *filters,
    const double *energy, const double *probe, const double *weights, adit_row_residual *rows) {
    if (!adit_conv_is_valid(run, c)) return ADIT_BAD_ARGUMENT;
    const job j = {.x = x, .y = y, .filters = filters, .energies = energy, .rows = rows};
    const int32_t status = residuals(run, c, j, probe, weights);
    return status == ADIT_OK && energy != NULL ? energies(run, c, j) : status;
}
