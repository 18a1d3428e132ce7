// Convolutions over threads: packs the weights, then lays out each task's input and runs register tiles over it.
#include <stdlib.h>

#include "conv_weights.h"

typedef struct {
    adit_progress progress;
    const adit_conv_plan *plan;
    const adit_conv_weights *weights;
    const char *x;
    char *y;
    adit_conv_task *tasks;  // one for each worker
    int64_t untold;         // operations done that nobody was told of
} job;

enum { TOLD_AT_ONCE = 20000000 };  // operations: a few hundred reports a second

/// False once the call is to stop.
static bool advance(job *j, int64_t operations) {
    if (__atomic_add_fetch(&j->untold, operations, __ATOMIC_RELAXED) < TOLD_AT_ONCE) return true;
    return adit_advance(&j->progress, __atomic_exchange_n(&j->untold, 0, __ATOMIC_RELAXED));
}

static void run_task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    const adit_conv_path *const path = plan->path;
    if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED) != 0) return;
    adit_conv_task *const task = &j->tasks[worker];
    adit_conv_load(plan, j->x, index, 0, CONV_VALUE, task);
    _Alignas(ADIT_ALIGNMENT) uint32_t tile[CONV_ROWS * CONV_WIDTH];
    adit_conv_piece pieces[CONV_WIDTH];
    const int64_t o0 = task->group * plan->og, panels = j->weights->panels;
    // A stretch of tiles keeps its cells and the panel's weights near.
    for (int64_t panel = 0; panel < panels; panel++) {
        int64_t first;
        const int64_t rows = adit_conv_panel(plan->og, panels, panel, &first);
        const char *const w = adit_conv_packed(j->weights, plan, task->group, first);
        for (int64_t cell = 0; cell < task->cell_count; cell += path->width) {
            path->tile((int)rows, plan->steps, plan->offsets, task->cells + cell * path->cell_bytes, w, tile);
            const int64_t count = adit_conv_pieces(plan, task, cell, path->width, pieces);
            for (int64_t p = 0; p < count; p++) {
                const adit_conv_piece *const piece = &pieces[p];
                char *const out = j->y + ((piece->image * plan->c.o + o0 + first) * plan->positions + piece->position) * 4;
                for (int64_t r = 0; r < rows; r++)
                    memcpy(out + r * plan->positions * 4, tile + r * path->width + piece->lane, (size_t)piece->count * 4);
            }
        }
        if (!advance(j, 2 * rows * plan->cg * plan->c.kh * plan->c.kw * task->positions)) return;
    }
}

static int32_t convolve(const adit_run *run, const adit_conv_path *path, const adit_convolution *c, const void *x, const void *w, void *y) {
    adit_conv_plan plan;
    int32_t status = adit_conv_make_plan(&plan, c, path, c->o / c->groups, false, run->threads);
    if (status != ADIT_OK) return status;
    adit_conv_weights weights;
    status = adit_conv_pack(run, &plan, w, &weights);
    const int64_t workers = adit_min(run->threads, plan.tasks);
    job j = {.progress = {.run = run}, .plan = &plan, .weights = &weights, .x = x, .y = y};
    if (status == ADIT_OK) j.tasks = adit_conv_make_tasks(&plan, workers);
    if (status == ADIT_OK && j.tasks == NULL) status = ADIT_NO_MEMORY;
    if (status == ADIT_OK) {
        adit_parallel((int32_t)workers, plan.tasks, run_task, &j);
        status = j.progress.canceled != 0 ? ADIT_CANCELED : ADIT_OK;
    }
    adit_conv_free_tasks(j.tasks, workers);
    free(weights.cells);
    adit_conv_free_plan(&plan);
    return status;
}

static const adit_conv_path *const f32_paths[] = ADIT_PATHS(conv_f32);
static const adit_conv_path *const i8_paths[] = ADIT_PATHS(conv_i8);

int32_t adit_conv_f32(const adit_run *run, const adit_convolution *c, const float *x, const float *w, float *y) {
    return adit_conv_is_valid(run, c) ? convolve(run, f32_paths[run->isa], c, x, w, y) : ADIT_BAD_ARGUMENT;
}

int32_t adit_conv_i8(const adit_run *run, const adit_convolution *c, const int8_t *x, const int8_t *w, int32_t *y) {
    return adit_conv_is_valid(run, c) ? convolve(run, i8_paths[run->isa], c, x, w, y) : ADIT_BAD_ARGUMENT;
}
