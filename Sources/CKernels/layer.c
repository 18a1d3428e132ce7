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
    float *y;            // written, or NULL where `found` is compared
    const float *found;
    int64_t first;       // the lowest index of an element that differs
    float *scratch;      // of each worker: a row, and SIDE rows of a softmax
    int64_t scratch_size;
} job;

/// Compares a row with what was found, and notes the first element that differs.
static void compare(job *j, int64_t row, const float *line) {
    const float *const found = j->found + row * j->columns;
    if (memcmp(found, line, (size_t)j->columns * sizeof *line) == 0) return;
    int64_t place = 0;
    while (memcmp(found + place, line + place, sizeof *line) == 0) place++;
    place += row * j->columns;
    int64_t seen = __atomic_load_n(&j->first, __ATOMIC_RELAXED);
    while (place < seen && !__atomic_compare_exchange_n(&j->first, &seen, place, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

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
    float *const line = j->scratch + worker * j->scratch_size, *const v = line + columns;
    for (int64_t row = index * j->task_rows; row < end; row += SIDE) {
        const int64_t rows = adit_min(SIDE, end - row);
        const bool is_softmax = j->activation == ADIT_ACTIVATION_SOFTMAX;
        if (is_softmax) {
            for (int64_t r = 0; r < SIDE; r++) {
                // Rows that aren't there repeat the last one.
                const float *const product = j->product + (row + adit_min(r, rows - 1)) * columns;
                for (int64_t c = 0; c < columns; c++) v[c * SIDE + r] = product[c] + j->bias[c];
            }
            softmax(columns, v);
        }
        for (int64_t r = 0; r < rows; r++) {
            float *const to = j->y != NULL ? j->y + (row + r) * columns : line;
            if (is_softmax)
                for (int64_t c = 0; c < columns; c++) to[c] = v[c * SIDE + r];
            else activate(j->activation, columns, j->product + (row + r) * columns, j->bias, to);
            if (j->y == NULL) compare(j, row + r, to);
        }
    }
    adit_advance(&j->progress, (end - index * j->task_rows) * columns);
}

static int32_t run_all(const adit_run *run, job *j) {
    if (!adit_run_is_valid(run) || j->rows < 0 || j->columns < 1 || j->activation < 0 || j->activation > ADIT_ACTIVATION_SOFTMAX) return ADIT_BAD_ARGUMENT;
    j->progress.run = run;
    j->first = INT64_MAX;
    j->task_rows = adit_round_up(adit_max(TASK / j->columns, 1), SIDE);
    j->scratch_size = j->columns * (j->activation == ADIT_ACTIVATION_SOFTMAX ? SIDE + 1 : 1);
    const int64_t tasks = adit_ceil_div(j->rows, j->task_rows), workers = adit_max(adit_min(run->threads, tasks), 1);
    j->scratch = adit_allocate((size_t)(workers * j->scratch_size) * sizeof(float));
    if (j->scratch == NULL) return ADIT_NO_MEMORY;
    adit_parallel(run->threads, tasks, task, j);
    free(j->scratch);
    return j->progress.canceled ? ADIT_CANCELED : ADIT_OK;
}

int32_t adit_layer(const adit_run *run, int64_t rows, int64_t columns, const float *product, const float *bias, int32_t activation, float *y) {
    job j = {.rows = rows, .columns = columns, .product = product, .bias = bias, .activation = activation, .y = y};
    return run_all(run, &j);
}

int32_t adit_layer_check(const adit_run *run, int64_t rows, int64_t columns, const float *product, const float *bias, int32_t activation,
    const float *found, int64_t *first) {
    job j = {.rows = rows, .columns = columns, .product = product, .bias = bias, .activation = activation, .found = found};
    const int32_t status = run_all(run, &j);
    *first = j.first == INT64_MAX ? -1 : j.first;
    return status;
}
