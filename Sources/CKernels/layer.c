// What follows a layer's product: bias, and an activation of each element or the softmax of each row.
#include <stdlib.h>

#include "elementary.h"
#include "internal.h"
#include "side_rows.h"

enum { TASK = 16384 };  // elements of a task, about

// CLONES: every operation is rounded once, in a fixed order, so that the bits don't depend on the choice.

typedef struct {
    adit_progress progress;
    int64_t rows, columns, task_rows;
    const float *product, *bias;
    int32_t activation;
    float *y, *scratch;
} job;

#define EACH(VALUE)                              \
    for (int64_t j = 0; j < count; j++) {        \
        const float z = product[j] + bias[j];    \
        y[j] = (VALUE);                          \
    }                                            \
    break

CLONES static void activate(int32_t activation, int64_t count, const float *restrict product, const float *restrict bias, float *restrict y) {
    switch (activation) {
    case ADIT_ACTIVATION_RELU: EACH(z < 0 ? 0 : z);
    case ADIT_ACTIVATION_GELU: EACH(adit_gelu_f32(z));
    case ADIT_ACTIVATION_TANH: EACH(adit_tanh_f32(z));
    default: EACH(z);
    }
    for (int64_t j = 0; j < count; j++) {
        const float written = y[j] + 0;
        y[j] = written != written ? ADIT_NAN_F32 : written;
    }
}

/// The softmax of SIDE rows, whose elements lie side by side.
CLONES static void softmax(int64_t columns, float *restrict v) {
    float largest[SIDE], sum[SIDE];
    adit_side_largest(columns, v, largest);
    adit_side_powers(columns, v, largest, sum);
    for (int64_t j = 0; j < columns; j++)
        for (int r = 0; r < SIDE; r++) {
            const float written = v[j * SIDE + r] / sum[r] + 0;
            v[j * SIDE + r] = written != written ? ADIT_NAN_F32 : written;
        }
}

static void task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED)) return;
    const int64_t end = adit_min((index + 1) * j->task_rows, j->rows), columns = j->columns;
    for (int64_t row = index * j->task_rows; row < end; row += SIDE) {
        const int64_t rows = adit_min(SIDE, end - row);
        if (j->activation != ADIT_ACTIVATION_SOFTMAX) {
            for (int64_t r = 0; r < rows; r++)
                activate(j->activation, columns, j->product + (row + r) * columns, j->bias, j->y + (row + r) * columns);
            continue;
        }
        float *const v = j->scratch + worker * columns * SIDE;
        for (int64_t r = 0; r < SIDE; r++) {
            // Rows that aren't there repeat the last one.
            const float *const product = j->product + (row + adit_min(r, rows - 1)) * columns;
            for (int64_t c = 0; c < columns; c++) v[c * SIDE + r] = product[c] + j->bias[c];
        }
        softmax(columns, v);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns; c++) j->y[(row + r) * columns + c] = v[c * SIDE + r];
    }
    adit_advance(&j->progress, (end - index * j->task_rows) * columns);
}

int32_t adit_layer(const adit_run *run, int64_t rows, int64_t columns, const float *product, const float *bias, int32_t activation, float *y) {
    if (!adit_run_is_valid(run) || rows < 0 || columns < 1 || activation < 0 || activation > ADIT_ACTIVATION_SOFTMAX) return ADIT_BAD_ARGUMENT;
    job j = {.progress = {.run = run}, .rows = rows, .columns = columns, .product = product, .bias = bias, .activation = activation, .y = y};
    j.task_rows = adit_round_up(adit_max(TASK / columns, 1), SIDE);
    const int64_t tasks = adit_ceil_div(rows, j.task_rows);
    if (activation == ADIT_ACTIVATION_SOFTMAX) {
        j.scratch = adit_allocate((size_t)(adit_max(adit_min(run->threads, tasks), 1) * columns * SIDE) * sizeof(float));
        if (j.scratch == NULL) return ADIT_NO_MEMORY;
    }
    adit_parallel(run->threads, tasks, task, &j);
    free(j.scratch);
    return j.progress.canceled ? ADIT_CANCELED : ADIT_OK;
}
