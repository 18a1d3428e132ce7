// Softmax's parts for SIDE rows whose elements lie side by side, v[j * SIDE + r]: a layer's last activation, and a training's loss.
//
// Every operation is rounded once, in the order of docs/PROTOCOL.md, `mlp.forward`: the bits don't depend on the instruction set.
#ifndef ADIT_SIDE_ROWS_H
#define ADIT_SIDE_ROWS_H

#include "elementary.h"
#include "internal.h"

#define SIDE 16

/// The largest of each row; a NaN is never taken.
ADIT_ELEMENTARY void adit_side_largest(int64_t columns, const float *restrict v, float *restrict largest) {
    for (int r = 0; r < SIDE; r++) largest[r] = -INFINITY;
    for (int64_t j = 0; j < columns; j++)
        for (int r = 0; r < SIDE; r++) largest[r] = v[j * SIDE + r] > largest[r] ? v[j * SIDE + r] : largest[r];
}

/// v = exp(v - largest), and each row's sum of that, in panels.
ADIT_ELEMENTARY void adit_side_powers(int64_t columns, float *restrict v, const float *restrict largest, float *restrict sum) {
    float panel[SIDE];
    for (int64_t start = 0; start < columns; start += ADIT_PANEL) {
        for (int r = 0; r < SIDE; r++) panel[r] = 0;
        for (int64_t j = start; j < adit_min(start + ADIT_PANEL, columns); j++)
            for (int r = 0; r < SIDE; r++) {
                v[j * SIDE + r] = adit_exp_f32(v[j * SIDE + r] - largest[r]);
                panel[r] = panel[r] + v[j * SIDE + r];
            }
        for (int r = 0; r < SIDE; r++) sum[r] = start == 0 ? panel[r] : sum[r] + panel[r];
    }
}

#endif
