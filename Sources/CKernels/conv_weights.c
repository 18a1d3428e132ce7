// Packs a convolution's weights, and makes its workers' memory.
#include <stdlib.h>

#include "conv_weights.h"

typedef struct {
    const adit_conv_plan *plan;
    const adit_conv_weights *weights;
    const void *w;
} job;

/// One panel: for each step its outputs' weights, of I8 those of two channels as 16-bit halves.
static void pack_panel(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    const int64_t group = index / j->weights->panels, taps = plan->c.kh * plan->c.kw, k = plan->cg * taps;
    int64_t first;
    const int64_t rows = adit_conv_panel(plan->og, j->weights->panels, index % j->weights->panels, &first);
    void *const packed = (void *)adit_conv_packed(j->weights, plan, group, first);
    const int64_t line = (group * plan->og + first) * k;
    if (plan->path->depth == 2) {
        const int8_t *const w = (const int8_t *)j->w + line;
        uint32_t *const out = packed;
        for (int64_t s = 0; s < plan->steps; s++) {
            const int64_t channel = s / taps * 2, tap = s % taps;
            for (int64_t r = 0; r < rows; r++) {
                const int8_t *const at = w + r * k + channel * taps + tap;
                out[s * rows + r] = (uint32_t)(uint16_t)(int16_t)at[0] | (channel + 1 < plan->cg ? (uint32_t)(uint16_t)(int16_t)at[taps] << 16 : 0);
            }
        }
    } else if (plan->path->cell_bytes == 4) {
        const float *const w = (const float *)j->w + line;
        float *const out = packed;
        for (int64_t s = 0; s < k; s++)
            for (int64_t r = 0; r < rows; r++) out[s * rows + r] = w[r * k + s];
    } else {
        const float *const w = (const float *)j->w + line;
        double *const out = packed;
        for (int64_t s = 0; s < k; s++)
            for (int64_t r = 0; r < rows; r++) out[s * rows + r] = (double)w[r * k + s];
    }
}

int32_t adit_conv_pack(const adit_run *run, const adit_conv_plan *plan, const void *w, adit_conv_weights *weights) {
    const int64_t panels = adit_ceil_div(plan->og, plan->path->rows);
    *weights = (adit_conv_weights){.cells = adit_allocate((size_t)(plan->c.o * plan->steps * plan->path->cell_bytes)), .panels = panels};
    if (weights->cells == NULL) return ADIT_NO_MEMORY;
    job j = {.plan = plan, .weights = weights, .w = w};
    // A thread's start isn't worth less than a few hundred thousand weights.
    const int64_t worthwhile = adit_max(1, plan->c.o * plan->steps / 500000);
    adit_parallel((int32_t)adit_min(run->threads, worthwhile), panels * plan->c.groups, pack_panel, &j);
    return ADIT_OK;
}

adit_conv_task *adit_conv_make_tasks(const adit_conv_plan *plan, int64_t count) {
    adit_conv_task *const tasks = adit_allocate((size_t)count * sizeof *tasks);
    if (tasks == NULL) return NULL;
    memset(tasks, 0, (size_t)count * sizeof *tasks);
    for (int64_t i = 0; i < count; i++)
        if (!adit_conv_make_task(plan, &tasks[i])) {
            adit_conv_free_tasks(tasks, count);
            return NULL;
        }
    return tasks;
}

void adit_conv_free_tasks(adit_conv_task *tasks, int64_t count) {
    for (int64_t i = 0; tasks != NULL && i < count; i++) adit_conv_free_task(&tasks[i]);
    free(tasks);
}
