// Weights in panels of a register tile's rows: shared by the convolution and by the passes that repeat it.
#ifndef ADIT_CONV_WEIGHTS_H
#define ADIT_CONV_WEIGHTS_H

#include "conv.h"

/// For each group and panel: steps x rows cells, steps outermost.
typedef struct {
    char *cells;
    int64_t panels;  // of a group
} adit_conv_weights;

/// ADIT_OK, or ADIT_NO_MEMORY. `cells` is freed with free(), also after a failure.
int32_t adit_conv_pack(const adit_run *run, const adit_conv_plan *plan, const void *w, adit_conv_weights *weights);

/// The packed panel of a group that starts with its output `first`.
static inline const char *adit_conv_packed(const adit_conv_weights *weights, const adit_conv_plan *plan, int64_t group, int64_t first) {
    return weights->cells + (group * plan->og + first) * plan->steps * plan->path->cell_bytes;
}

/// `count` workers' tasks, or NULL.
adit_conv_task *adit_conv_make_tasks(const adit_conv_plan *plan, int64_t count);
void adit_conv_free_tasks(adit_conv_task *tasks, int64_t count);

#endif
