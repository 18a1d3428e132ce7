// Convolutions repeated to compare: every cell of some outputs or rows, in binary64 or exactly.
#include <math.h>
#include <stdlib.h>

#include "conv_weights.h"

static const adit_conv_path *const f64_paths[] = ADIT_PATHS(conv_f64);
static const adit_conv_path *const i8_paths[] = ADIT_PATHS(conv_i8);

static const double may_overflow = 0x1p127;  // sums of magnitudes from here on may leave binary32 on the way

typedef struct {
    const adit_conv_plan *plan;
    const adit_conv_weights *weights, *magnitudes;
    const char *x;
    const float *w;
    const void *y;
    const bool *wanted;
    double scale, floor;
    adit_conv_task *tasks;
    const int64_t *rows;
    int64_t wrong;  // the first element (of rows: their index and output) found so far; INT64_MAX for none
} job;

static void found(job *j, int64_t place) {
    int64_t first = __atomic_load_n(&j->wrong, __ATOMIC_RELAXED);
    while (place < first && !__atomic_compare_exchange_n(&j->wrong, &first, place, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

static bool is_close(const job *j, double value, double sum, double magnitude) { return fabs(value - sum) <= j->scale * magnitude + j->floor; }

/// One cell term by term, leaving out the padding: what is left where sums with its zeros can't tell.
static bool is_right(const job *j, int64_t image, int64_t output, int64_t position, float value) {
    const adit_conv_plan *const plan = j->plan;
    const adit_convolution *const c = &plan->c;
    const int64_t top = position / plan->ow * c->stride_h - c->pad_h, left = position % plan->ow * c->stride_w - c->pad_w;
    const float *w = j->w + output * plan->cg * c->kh * c->kw;
    double sum = 0, magnitude = 0;
    bool padded = false, finite = true;
    for (int64_t l = 0; l < plan->cg; l++)
        for (int64_t a = 0; a < c->kh; a++)
            for (int64_t b = 0; b < c->kw; b++, w++) {
                const int64_t row = top + a * c->dilation_h, column = left + b * c->dilation_w;
                if (!isfinite(*w)) finite = false;
                if (row < 0 || row >= c->h || column < 0 || column >= c->w) {
                    padded = true;
                    continue;
                }
                const int64_t channel = image * c->c + output / plan->og * plan->cg + l;
                const double product = (double)((const float *)(const void *)j->x)[(channel * c->h + row) * c->w + column] * (double)*w;
                sum += product, magnitude += fabs(product);
            }
    if (padded && !finite && !isfinite(value)) return true;
    if (!isfinite(magnitude)) return isnan(sum) ? isnan(value) : !isfinite(value);
    return (magnitude >= may_overflow && !isfinite(value)) || is_close(j, (double)value, sum, magnitude);
}

static void float_task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    const adit_conv_path *const path = plan->path;
    adit_conv_task *const values = &j->tasks[2 * worker], *const magnitudes = values + 1;
    double sums[CONV_ROWS * CONV_WIDTH], bounds[CONV_ROWS * CONV_WIDTH];
    adit_conv_piece pieces[CONV_WIDTH];
    // The group of a task is known before it is loaded: nothing is read for outputs that nobody wants.
    const int64_t group = plan->gathered ? index / plan->blocks : index / plan->blocks % plan->c.groups, o0 = group * plan->og;
    bool any = j->wanted == NULL;
    for (int64_t o = 0; o < plan->og && !any; o++) any = j->wanted[o0 + o];
    if (!any) return;
    adit_conv_load(plan, j->x, index, 0, CONV_VALUE, values);
    adit_conv_load(plan, j->x, index, 0, CONV_MAGNITUDE, magnitudes);
    for (int64_t panel = 0; panel < j->weights->panels; panel++) {
        int64_t first;
        const int64_t rows = adit_conv_panel(plan->og, j->weights->panels, panel, &first);
        bool some = j->wanted == NULL;
        for (int64_t r = 0; r < rows && !some; r++) some = j->wanted[o0 + first + r];
        for (int64_t cell = 0; some && cell < values->cell_count; cell += path->width) {
            path->tile((int)rows, plan->steps, plan->offsets, values->cells + cell * path->cell_bytes, adit_conv_packed(j->weights, plan, group, first), sums);
            path->tile((int)rows, plan->steps, plan->offsets, magnitudes->cells + cell * path->cell_bytes,
                adit_conv_packed(j->magnitudes, plan, group, first), bounds);
            const int64_t count = adit_conv_pieces(plan, values, cell, path->width, pieces);
            for (int64_t p = 0; p < count; p++)
                for (int64_t r = 0; r < rows; r++) {
                    const int64_t output = o0 + first + r, place = (pieces[p].image * plan->c.o + output) * plan->positions + pieces[p].position;
                    if (j->wanted != NULL && !j->wanted[output]) continue;
                    const float *const y = (const float *)j->y + place;
                    for (int64_t i = 0; i < pieces[p].count; i++) {
                        const double magnitude = bounds[r * path->width + pieces[p].lane + i];
                        const bool plain = magnitude < may_overflow && is_close(j, (double)y[i], sums[r * path->width + pieces[p].lane + i], magnitude);
                        if (!plain && !is_right(j, pieces[p].image, output, pieces[p].position + i, y[i])) found(j, place + i);
                    }
                }
        }
    }
}

static void integer_task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    const adit_conv_path *const path = plan->path;
    adit_conv_task *const task = &j->tasks[worker];
    int32_t sums[CONV_ROWS * CONV_WIDTH];
    adit_conv_piece pieces[CONV_WIDTH];
    adit_conv_load(plan, j->x, index, 0, CONV_VALUE, task);
    for (int64_t panel = 0; panel < j->weights->panels; panel++) {
        int64_t first;
        const int64_t rows = adit_conv_panel(plan->og, j->weights->panels, panel, &first);
        for (int64_t cell = 0; cell < task->cell_count; cell += path->width) {
            path->tile((int)rows, plan->steps, plan->offsets, task->cells + cell * path->cell_bytes,
                adit_conv_packed(j->weights, plan, task->group, first), sums);
            const int64_t count = adit_conv_pieces(plan, task, cell, path->width, pieces);
            for (int64_t p = 0; p < count; p++)
                for (int64_t r = 0; r < rows; r++) {
                    const int64_t place =
                        (pieces[p].image * plan->c.o + task->group * plan->og + first + r) * plan->positions + pieces[p].position;
                    const int32_t *const y = (const int32_t *)j->y + place, *const line = sums + r * path->width + pieces[p].lane;
                    for (int64_t i = 0; i < pieces[p].count; i++)
                        if (y[i] != line[i]) {
                            found(j, place + i);
                            break;
                        }
                }
        }
    }
}

/// Packed weights' magnitudes.
static bool absolute(const adit_conv_plan *plan, const adit_conv_weights *weights, adit_conv_weights *out) {
    const int64_t count = plan->c.o * plan->steps;
    *out = (adit_conv_weights){.cells = adit_allocate((size_t)count * sizeof(double)), .panels = weights->panels};
    if (out->cells == NULL) return false;
    const double *const from = (const double *)(const void *)weights->cells;
    double *const to = (double *)(void *)out->cells;
    for (int64_t i = 0; i < count; i++) to[i] = fabs(from[i]);
    return true;
}

static int32_t compare(const adit_run *run, const adit_conv_path *path, adit_body body, int64_t copies, const void *w, job j, const adit_convolution *c,
    int64_t *element) {
    adit_conv_plan plan;
    int32_t status = adit_conv_make_plan(&plan, c, path, c->o / c->groups, false, run->threads);
    if (status != ADIT_OK) return status;
    adit_conv_weights weights, magnitudes = {0};
    const int64_t workers = adit_min(run->threads, plan.tasks);
    status = adit_conv_pack(run, &plan, w, &weights);
    if (status == ADIT_OK && copies == 2 && !absolute(&plan, &weights, &magnitudes)) status = ADIT_NO_MEMORY;
    j.plan = &plan, j.weights = &weights, j.magnitudes = &magnitudes, j.wrong = INT64_MAX;
    if (status == ADIT_OK) j.tasks = adit_conv_make_tasks(&plan, workers * copies);
    if (status == ADIT_OK && j.tasks == NULL) status = ADIT_NO_MEMORY;
    if (status == ADIT_OK) adit_parallel((int32_t)workers, plan.tasks, body, &j);
    adit_conv_free_tasks(j.tasks, workers * copies);
    free(weights.cells);
    free(magnitudes.cells);
    adit_conv_free_plan(&plan);
    *element = j.wrong == INT64_MAX ? -1 : j.wrong;
    return status;
}

int32_t adit_conv_wrong_f32(const adit_run *run, const adit_convolution *c, const float *x, const float *w, const float *y, const bool *wanted,
    double scale, double floor, int64_t *element) {
    if (!adit_conv_is_valid(run, c)) return ADIT_BAD_ARGUMENT;
    const job j = {.x = (const char *)x, .w = w, .y = y, .wanted = wanted, .scale = scale, .floor = floor};
    return compare(run, f64_paths[run->isa], float_task, 2, w, j, c, element);
}

int32_t adit_conv_wrong_i8(const adit_run *run, const adit_convolution *c, const int8_t *x, const int8_t *w, const int32_t *y, int64_t *element) {
    if (!adit_conv_is_valid(run, c)) return ADIT_BAD_ARGUMENT;
    const job j = {.x = (const char *)x, .y = y};
    return compare(run, i8_paths[run->isa], integer_task, 1, w, j, c, element);
}

// MARK: rows

static void row_task(void *context, int64_t index, int32_t worker) {
    (void)worker;
    job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    const int64_t row = j->rows[index], position = row % plan->positions, group = row / plan->positions % plan->c.groups;
    const int64_t image = row / plan->positions / plan->c.groups;
    for (int64_t o = 0; o < plan->og; o++) {
        const int64_t output = group * plan->og + o, place = (image * plan->c.o + output) * plan->positions + position;
        if (is_right(j, image, output, position, ((const float *)j->y)[place])) continue;
        found(j, index * plan->og + o);
        return;
    }
}

int32_t adit_conv_wrong_rows_f32(const adit_run *run, const adit_convolution *c, const float *x, const float *w, const float *y, const int64_t *rows,
    int64_t count, double scale, double floor, int64_t *element) {
    if (!adit_conv_is_valid(run, c) || count < 0) return ADIT_BAD_ARGUMENT;
    adit_conv_plan plan;
    const int32_t status = adit_conv_make_plan(&plan, c, f64_paths[run->isa], 1, false, 1);
    if (status != ADIT_OK) return status;
    for (int64_t i = 0; i < count; i++)
        if (rows[i] < 0 || rows[i] >= c->n * c->groups * plan.positions) {
            adit_conv_free_plan(&plan);
            return ADIT_BAD_ARGUMENT;
        }
    job j = {.plan = &plan, .x = (const char *)x, .w = w, .y = y, .scale = scale, .floor = floor, .rows = rows, .wrong = INT64_MAX};
    adit_parallel(run->threads, count, row_task, &j);
    *element = -1;
    if (j.wrong != INT64_MAX) {
        const int64_t row = rows[j.wrong / plan.og], output = row / plan.positions % c->groups * plan.og + j.wrong % plan.og;
        *element = (row / plan.positions / c->groups * c->o + output) * plan.positions + row % plan.positions;
    }
    adit_conv_free_plan(&plan);
    return ADIT_OK;
}
