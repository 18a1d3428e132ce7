// The 8 probes of a convolution with three rows of taps, by half as many multiply-adds: Winograd's F(4, 3) along the rows.
//
// Four output rows read six input rows. Their sums have errors relative to the largest products of all six, not of their own three, so
// rows that look wrong are to be computed directly as well, as are all rows where one reads a NaN or an infinity.
#ifndef ADIT_CONV_QUADS_H
#define ADIT_CONV_QUADS_H

#include "conv.h"

enum { CONV_PROBES = 8 };

/// How a convolution is cut into tasks of whole quads: four output rows of one image and group.
typedef struct {
    const adit_conv_plan *plan;        // of the same convolution: its sizes
    const adit_conv_path *path;        // cells and sums of binary64
    const adit_conv_quads_path *quads;
    int64_t held;                      // channels that a task holds at a time
    int64_t block, blocks, tasks;      // quads of a task; tasks of an image and group; tasks
    int64_t plane_width, plane;        // cells of a line, and of a channel's line i of all the task's quads
    int64_t sums;                      // cells that have sums: whole tiles
    int64_t scratch, most_positions;   // numbers of a worker; positions of a task
    int32_t *offsets;                  // of each step of `held` channels
    double *filters;                   // for each group and line: channels x kw x 8
    float *zeros;                      // a row of the padding
} adit_conv_quads;

/// Whether the sizes suit.
bool adit_conv_quads_suit(const adit_conv_plan *plan, const adit_conv_path *path);

/// ADIT_OK, or ADIT_NO_MEMORY; then there is nothing to free. `filters`: groups x depth x 8.
int32_t adit_conv_make_quads(adit_conv_quads *q, const adit_conv_plan *plan, const adit_conv_path *path, const adit_conv_quads_path *quads,
    const double *filters, int32_t threads);
void adit_conv_free_quads(adit_conv_quads *q);

/// The filters' sums at all positions of task `index`, one filter after the other, `pitch` apart; which positions and group those are.
adit_conv_stretch adit_conv_quads_task(
    const adit_conv_quads *q, const float *x, int64_t index, double *scratch, int64_t pitch, double *signals, int64_t *group);

#endif
