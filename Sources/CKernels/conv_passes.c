// The verifier's passes over convolutions of floats: linear maps of all rows, by the same tasks and tiles as the convolution itself.
#include <math.h>
#include <stdlib.h>

#include "conv_quads.h"
#include "conv_weights.h"
#include "passes.h"

static const adit_conv_path *const f64_paths[] = ADIT_PATHS(conv_f64);
static const adit_conv_path *const wide_paths[] = ADIT_PATHS(conv_wide);
static const adit_conv_quads_path *const quads_paths[] = ADIT_PATHS(conv_quads);

enum { PROBES = CONV_PROBES, PLANES = 16 };

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
    double *signals;           // of a worker: 8 sums of each of its task's positions, `pitch` apart; Y's by tiles; then what the task takes
    float *cells;              // of a worker: Y at a tile's positions
    int64_t pitch, signal_pitch, cell_pitch;
    adit_row_residual *rows;
    const adit_conv_quads *quads;
    int64_t doubtful, most_doubtful;  // rows of quads that were summed directly; that are worth it
    bool failed;               // a quad's sums aren't finite
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

/// The 8 sums over Y at a stretch's positions, by tiles of 8 x width. Gives in which lane those of the last tile start.
static int64_t sum_outputs(const job *j, int64_t group, const adit_conv_stretch *stretch, float *cells, double *sums) {
    const adit_conv_plan *const plan = j->plan;
    const counted_outputs *const counted = &j->outputs[group];
    const int64_t width = plan->path->width, size = PROBES * width;
    const float *const y = j->y + (stretch->image * plan->c.o + group * plan->og) * plan->positions;
    if (!j->in_place) {
        // So few positions that they are one tile.
        for (int64_t i = 0; i < counted->count; i++)
            memcpy(cells + i * width, y + counted->which[i] * plan->positions + stretch->position, (size_t)stretch->count * sizeof *cells);
        j->wide->tile(PROBES, counted->count, counted->offsets, cells, counted->probe, sums);
        return 0;
    }
    double tile[PROBES * CONV_WIDTH];
    int64_t start = 0;
    // Some planes at a time, each read line after line.
    for (int64_t first = 0; first == 0 || first < counted->count; first += PLANES) {
        const int64_t count = adit_min(PLANES, counted->count - first), next = adit_min(PLANES, counted->count - first - count);
        const int32_t *const offsets = counted->offsets + first;
        for (int64_t place = 0; place < stretch->count; place += width) {
            // The last tile of an image reads some positions again rather than what lies beyond.
            start = adit_min(stretch->position + place, plan->positions - width);
            double *const sum = sums + place * PROBES;
            for (int64_t i = 0; i < next; i++) __builtin_prefetch(y + offsets[count + i] + start, 0, 2);
            j->wide->tile(PROBES, count, offsets, y + start, counted->probe + first * PROBES, first == 0 ? sum : tile);
            for (int64_t i = 0; first > 0 && i < size; i++) sum[i] += tile[i];
        }
    }
    return stretch->position + (stretch->count - 1) / width * width - start;
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

/// The 8 sums over X of one position, `pitch` apart.
static void sum_directly(const job *j, int64_t group, int64_t image, int64_t position, double *signals) {
    const adit_conv_plan *const plan = j->plan;
    const adit_convolution *const c = &plan->c;
    const int64_t top = position / plan->ow * c->stride_h - c->pad_h, left = position % plan->ow * c->stride_w - c->pad_w;
    const float *plane = j->x + (image * c->c + group * plan->cg) * c->h * c->w;
    const double *filter = j->filters + group * plan->cg * c->kh * c->kw * PROBES;
    double sums[PROBES] = {0};
    for (int64_t channel = 0; channel < plan->cg; channel++, plane += c->h * c->w)
        for (int64_t a = 0; a < c->kh; a++)
            for (int64_t b = 0; b < c->kw; b++, filter += PROBES) {
                const int64_t row = top + a * c->dilation_h, column = left + b * c->dilation_w;
                if (row < 0 || row >= c->h || column < 0 || column >= c->w) continue;
                const double x = (double)plane[row * c->w + column];
                for (int p = 0; p < PROBES; p++) sums[p] += x * filter[p];
            }
    for (int p = 0; p < PROBES; p++) signals[p * j->pitch] = sums[p];
}

/// |y - s|^2 and |s|^2 for 8 sums over Y, `width` apart, and over X, `pitch` apart.
static void compare_row(const double *y, int64_t width, const double *s, int64_t pitch, double *residual, double *signal) {
    *residual = *signal = 0;
    for (int p = 0; p < PROBES; p++) {
        const double difference = y[p * width] - s[p * pitch];
        *residual += difference * difference;
        *signal += s[p * pitch] * s[p * pitch];
    }
}

/// The rows of a stretch, from its sums over X. Whether all of those are finite.
static bool compare(job *j, int64_t group, adit_conv_stretch stretch, int32_t worker) {
    const adit_conv_plan *const plan = j->plan;
    const int64_t width = plan->path->width, pitch = j->pitch;
    const adit_conv_task task = {.group = group};
    adit_row_residual *const rows = j->rows + adit_conv_row(plan, &task, &stretch);
    double *const signals = j->signals + worker * j->signal_pitch, *const sums = signals + PROBES * pitch;
    const int64_t last = sum_outputs(j, group, &stretch, j->cells + worker * j->cell_pitch, sums);
    // Beyond 6 T: what quads lose to the neighbours of a row, or a wrong row.
    const double limit = j->quads != NULL ? 0x1p-46 * (double)(plan->steps + 3) : (double)INFINITY;
    bool finite = true;
    for (int64_t first = 0; first < stretch.count; first += width) {
        const int64_t count = adit_min(width, stretch.count - first), lane = first + width < stretch.count ? 0 : last;
        double residuals[CONV_WIDTH] = {0}, squares[CONV_WIDTH] = {0};
        for (int p = 0; p < PROBES; p++) {
            const double *const s = signals + p * pitch + stretch.place + first, *const t = sums + first * PROBES + p * width + lane;
            for (int64_t i = 0; i < count; i++) {
                const double difference = t[i] - s[i];
                residuals[i] += difference * difference;
                squares[i] += s[i] * s[i];
            }
        }
        for (int64_t i = 0; i < count; i++) {
            if (residuals[i] > limit * squares[i] && __atomic_fetch_add(&j->doubtful, 1, __ATOMIC_RELAXED) < j->most_doubtful) {
                sum_directly(j, group, stretch.image, stretch.position + first + i, signals + stretch.place + first + i);
                compare_row(sums + first * PROBES + lane + i, width, signals + stretch.place + first + i, pitch, &residuals[i], &squares[i]);
            }
            const bool is_finite = squares[i] < (double)INFINITY;
            rows[first + i] = (adit_row_residual){.residual = residuals[i], .signal = squares[i], .maximum = is_finite ? 0 : (double)INFINITY};
            finite &= is_finite;
        }
    }
    return finite;
}

static void residual_task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    adit_conv_task *const task = &j->tasks[worker];
    double *const signals = j->signals + worker * j->signal_pitch;
    filter_task(j, index, task, signals + 2 * PROBES * j->pitch, signals);
    adit_conv_stretch stretch;
    for (int64_t run = 0; adit_conv_next_stretch(j->plan, task, &run, &stretch);) compare(j, task->group, stretch, worker);
}

static void quads_task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    if (__atomic_load_n(&j->failed, __ATOMIC_RELAXED) || __atomic_load_n(&j->doubtful, __ATOMIC_RELAXED) > j->most_doubtful) return;
    double *const signals = j->signals + worker * j->signal_pitch;
    int64_t group;
    const adit_conv_stretch stretch = adit_conv_quads_task(j->quads, j->x, index, signals + 2 * PROBES * j->pitch, j->pitch, signals, &group);
    if (!compare(j, group, stretch, worker)) __atomic_store_n(&j->failed, true, __ATOMIC_RELAXED);
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

/// The tasks of a plan, or of its quads.
static int32_t run_residuals(const adit_run *run, job *j, int64_t tasks, int64_t most_positions, int64_t scratch) {
    const int64_t workers = adit_min(run->threads, tasks);
    j->pitch = adit_round_up(most_positions, CONV_WIDTH), j->signal_pitch = 2 * PROBES * j->pitch + scratch;
    j->tasks = j->quads == NULL ? adit_conv_make_tasks(j->plan, workers) : NULL;
    j->signals = adit_allocate((size_t)(workers * j->signal_pitch) * sizeof(double));
    j->cells = adit_allocate((size_t)(workers * j->cell_pitch) * sizeof(float));
    const bool has_memory = (j->tasks != NULL || j->quads != NULL) && j->signals != NULL && j->cells != NULL;
    if (has_memory) {
        // A narrow image's last lanes are never written.
        memset(j->cells, 0, (size_t)(workers * j->cell_pitch) * sizeof(float));
        adit_parallel((int32_t)workers, tasks, j->quads != NULL ? quads_task : residual_task, j);
    }
    if (j->tasks != NULL) adit_conv_free_tasks(j->tasks, workers);
    free(j->signals);
    free(j->cells);
    return has_memory ? ADIT_OK : ADIT_NO_MEMORY;
}

static int32_t residuals(const adit_run *run, const adit_convolution *c, job j, const double *probe, const double *weights) {
    adit_conv_plan plan;
    int32_t status = adit_conv_make_plan(&plan, c, f64_paths[run->isa], PROBES, true, run->threads);
    if (status != ADIT_OK) return status;
    const int64_t width = plan.path->width;
    j.plan = &plan, j.wide = wide_paths[run->isa];
    j.in_place = plan.positions >= width && plan.positions <= (INT32_MAX - width) / plan.og;
    j.cell_pitch = j.in_place ? 0 : plan.og * width;
    j.outputs = count_outputs(&plan, probe, weights, j.in_place);
    if (j.outputs == NULL) status = ADIT_NO_MEMORY;
    // Energies are asked for where something looks wrong: then nothing may depend on how rows are summed together.
    j.failed = j.energies != NULL || !adit_conv_quads_suit(&plan, plan.path);
    if (status == ADIT_OK && !j.failed) {
        adit_conv_quads quads;
        status = adit_conv_make_quads(&quads, &plan, plan.path, quads_paths[run->isa], j.filters, run->threads);
        // Each takes some twenty times what it takes among others.
        j.quads = &quads, j.most_doubtful = c->n * c->groups * plan.positions / 20;
        if (status == ADIT_OK) status = run_residuals(run, &j, quads.tasks, quads.most_positions, quads.scratch);
        adit_conv_free_quads(&quads);
        j.quads = NULL;
    }
    // Six input rows share their sums, so a NaN or an infinity in one would spread to others.
    j.failed |= j.doubtful > j.most_doubtful;
    if (status == ADIT_OK && j.failed)
        status = run_residuals(run, &j, plan.tasks, plan.most_positions, PROBES * adit_round_up(plan.most_cells, width));
    free_outputs(j.outputs);
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
