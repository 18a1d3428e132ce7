// Template of a training step's phases: included once for each instruction set, with LANES (floats in a vector), ROWS (of the
// register tile, which is ROWS x 2 vectors) and PATH(x).
//
// Nothing is packed: a tile's rows are broadcast from where they lie (X's rows in the client's tensor), its columns read as vectors.
// Lanes beyond a matrix's last column hold what happens to follow and are dropped. Every sum is the panel-256 rule's, every other
// operation one rounding, in the order of docs/PROTOCOL.md, `mlp.train`: bits don't depend on path or threads.
#include "elementary.h"
#include "side_rows.h"

#define COLUMNS (2 * LANES)

typedef float PATH(vector) __attribute__((ext_vector_type(LANES), aligned(4)));
typedef float PATH(tile)[ROWS][COLUMNS] __attribute__((aligned(64)));

/// out[i][:] = sum over l of a_i(l) b[l, :], where a_i(l) is rows[i][l] or, `across`, rows[l][place[i]].
static inline __attribute__((always_inline)) void PATH(product)(int vectors, bool across, const float *const *rows, const int64_t place[ROWS],
    const float *b, int64_t b_stride, int64_t depth, PATH(tile) out) {
    const float *lines[ROWS];
    if (!across) {
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS; i++) lines[i] = rows[i];
    }
    int64_t l = 0;
    do {
        const int64_t end = adit_min(l + ADIT_PANEL, depth);
        const bool first = l == 0, last = end == depth;
        PATH(vector) sum[ROWS][2];
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS; i++) sum[i][0] = sum[i][1] = (PATH(vector))(0.0f);
#pragma clang loop unroll_count(2)
        for (; l < end; l++) {
            const float *const line = b + l * b_stride;
            const PATH(vector) b0 = *(const PATH(vector) *)line, b1 = vectors == 2 ? *(const PATH(vector) *)(line + LANES) : b0;
            const float *const row = across ? rows[l] : NULL;
#pragma clang loop unroll(full)
            for (int i = 0; i < ROWS; i++) {
                const PATH(vector) ai = (PATH(vector))(across ? row[place[i]] : lines[i][l]);
                sum[i][0] = __builtin_elementwise_fma(ai, b0, sum[i][0]);
                if (vectors == 2) sum[i][1] = __builtin_elementwise_fma(ai, b1, sum[i][1]);
            }
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS; i++) {
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) {
                PATH(vector) *const cell = (PATH(vector) *)(out[i] + v * LANES);
                const PATH(vector) total = first ? sum[i][v] : *cell + sum[i][v];
                *cell = last ? total + (PATH(vector))(0.0f) : total;  // -0 becomes +0; NaN needs no one form before it is written out
            }
        }
    } while (l < depth);
}

static __attribute__((noinline)) void PATH(rows_product)(int vectors, const float *const *rows, const float *b, int64_t b_stride, int64_t depth, PATH(tile) out) {
    if (vectors == 1) PATH(product)(1, false, rows, NULL, b, b_stride, depth, out);
    else PATH(product)(2, false, rows, NULL, b, b_stride, depth, out);
}

static __attribute__((noinline)) void PATH(across_product)(
    int vectors, const float *const *rows, int64_t first, int64_t count, const float *b, int64_t b_stride, int64_t depth, PATH(tile) out) {
    int64_t place[ROWS];
    if (count >= ROWS) {
        // Constant distances: one address for all rows.
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS; i++) place[i] = first + i;
        if (vectors == 1) PATH(product)(1, true, rows, place, b, b_stride, depth, out);
        else PATH(product)(2, true, rows, place, b, b_stride, depth, out);
        return;
    }
    for (int i = 0; i < ROWS; i++) place[i] = first + adit_min(i, count - 1);
    if (vectors == 1) PATH(product)(1, true, rows, place, b, b_stride, depth, out);
    else PATH(product)(2, true, rows, place, b, b_stride, depth, out);
}

static inline int PATH(vectors)(int64_t columns) { return columns > LANES ? 2 : 1; }

/// A thread's share of a matrix of tiles: whole strips of columns where there are enough, otherwise rows of every strip.
typedef struct {
    int64_t strip0, strip1, row0, row1;
} PATH(part);

static PATH(part) PATH(cut)(int64_t rows, int64_t columns, int32_t worker, int32_t team) {
    const int64_t strips = adit_ceil_div(columns, COLUMNS), tiles = adit_ceil_div(rows, ROWS);
    if (strips >= tiles || strips % team == 0)
        return (PATH(part)){adit_share(strips, worker, team), adit_share(strips, worker + 1, team), 0, rows};
    return (PATH(part)){0, strips, adit_share(tiles, worker, team) * ROWS, adit_min(adit_share(tiles, worker + 1, team) * ROWS, rows)};
}

static inline __attribute__((always_inline)) void PATH(activate_row)(int32_t activation, int64_t count, float *restrict z) {
    switch (activation) {
    case ADIT_ACTIVATION_RELU:
        for (int64_t j = 0; j < count; j++) z[j] = z[j] < 0 ? 0 : z[j];
        break;
    case ADIT_ACTIVATION_TANH:
        for (int64_t j = 0; j < count; j++) z[j] = adit_tanh_f32(z[j]);
        break;
    case ADIT_ACTIVATION_GELU:
        for (int64_t j = 0; j < count; j++) z[j] = adit_gelu_f32(z[j]);
        break;
    default: break;
    }
}

/// d[j] times the activation's derivative; of gelu from z, of the others from a = f(z).
static inline __attribute__((always_inline)) void PATH(differentiate_row)(
    int32_t activation, int64_t count, const float *restrict z, const float *restrict a, float *restrict d) {
    switch (activation) {
    case ADIT_ACTIVATION_RELU:
        for (int64_t j = 0; j < count; j++) d[j] = a[j] > 0 ? d[j] : 0;
        break;
    case ADIT_ACTIVATION_TANH:
        for (int64_t j = 0; j < count; j++) d[j] = d[j] * fmaf(-a[j], a[j], 1);
        break;
    case ADIT_ACTIVATION_GELU:
        for (int64_t j = 0; j < count; j++) d[j] = d[j] * adit_gelu_slope_f32(z[j]);
        break;
    default: break;
    }
}

static void PATH(forward)(adit_train_job *job, int32_t index, int32_t worker) {
    const adit_train_layer *const layer = &job->layers[index];
    const int64_t batch = job->plan->batch;
    const PATH(part) part = PATH(cut)(batch, layer->out, worker, job->team);
    PATH(tile) sums;
    for (int64_t s = part.strip0; s < part.strip1; s++) {
        const int64_t j = s * COLUMNS, columns = adit_min(layer->out - j, COLUMNS);
        for (int64_t i = part.row0; i < part.row1; i += ROWS) {
            const float *lines[ROWS];
            for (int r = 0; r < ROWS; r++) lines[r] = layer->rows[adit_min(i + r, batch - 1)];
            PATH(rows_product)(PATH(vectors)(columns), lines, layer->w + j, layer->out, layer->in, sums);
            for (int64_t r = 0; r < ROWS && i + r < part.row1; r++) {
                float *const line = sums[r];
                for (int64_t c = 0; c < columns; c++) line[c] = line[c] + layer->b[j + c];
                if (layer->z != NULL) memcpy(layer->z + (i + r) * layer->stride + j, line, (size_t)columns * sizeof(float));
                PATH(activate_row)(layer->activation, columns, line);
                memcpy(layer->a + (i + r) * layer->stride + j, line, (size_t)columns * sizeof(float));
            }
        }
    }
}

/// Losses and gradients of SIDE rows, whose values lie side by side: v[j * SIDE + r].
static void PATH(cross_entropy)(int64_t classes, const int32_t labels[SIDE], float scale, float *restrict v, float losses[SIDE]) {
    float largest[SIDE], sum[SIDE], chosen[SIDE];
    adit_side_largest(classes, v, largest);
    for (int r = 0; r < SIDE; r++) chosen[r] = v[labels[r] * SIDE + r] - largest[r];
    adit_side_powers(classes, v, largest, sum);
    for (int r = 0; r < SIDE; r++) losses[r] = adit_log_f32(sum[r]) - chosen[r];
    for (int64_t j = 0; j < classes; j++)
        for (int r = 0; r < SIDE; r++) v[j * SIDE + r] = (v[j * SIDE + r] / sum[r] - (j == labels[r] ? 1.0f : 0.0f)) * scale;
}

/// The same for squared errors; `v` comes as outputs minus targets.
static void PATH(squared_error)(int64_t outputs, float scale, float *restrict v, float losses[SIDE]) {
    float sum[SIDE], panel[SIDE];
    for (int64_t start = 0; start < outputs; start += ADIT_PANEL) {
        for (int r = 0; r < SIDE; r++) panel[r] = 0;
        for (int64_t j = start; j < adit_min(start + ADIT_PANEL, outputs); j++)
            for (int r = 0; r < SIDE; r++) panel[r] = fmaf(v[j * SIDE + r], v[j * SIDE + r], panel[r]);
        for (int r = 0; r < SIDE; r++) sum[r] = start == 0 ? panel[r] : sum[r] + panel[r];
    }
    for (int r = 0; r < SIDE; r++) losses[r] = sum[r];
    for (int64_t j = 0; j < outputs * SIDE; j++) v[j] = v[j] * scale;
}

/// Losses of a thread's rows and the gradient before the last activation; besides, W's transposes for the way back.
static void PATH(loss)(adit_train_job *job, int32_t worker) {
    const adit_train_plan *const plan = job->plan;
    const adit_train_layer *const layer = &job->layers[plan->layer_count - 1];
    const int64_t batch = plan->batch, blocks = adit_ceil_div(batch, SIDE), out = layer->out;
    const int32_t *const order = job->order + job->step * batch;
    float *const v = job->scratch + worker * job->scratch_stride;
    for (int64_t block = adit_share(blocks, worker, job->team); block < adit_share(blocks, worker + 1, job->team); block++) {
        const int64_t first = block * SIDE, rows = adit_min(SIDE, batch - first);
        float losses[SIDE];
        int32_t labels[SIDE] = {0};
        for (int64_t r = 0; r < SIDE; r++) {
            // Rows beyond the batch repeat its last one and are dropped.
            const int64_t row = first + adit_min(r, rows - 1);
            const float *const a = layer->a + row * layer->stride;
            if (plan->loss == ADIT_CROSS_ENTROPY) {
                labels[r] = job->labels[order[row]];
                for (int64_t j = 0; j < out; j++) v[j * SIDE + r] = a[j];
            } else {
                const float *const target = job->targets + (int64_t)order[row] * out;
                for (int64_t j = 0; j < out; j++) v[j * SIDE + r] = a[j] - target[j];
            }
        }
        if (plan->loss == ADIT_CROSS_ENTROPY) PATH(cross_entropy)(out, labels, plan->loss_scale, v, losses);
        else PATH(squared_error)(out, plan->loss_scale, v, losses);
        for (int64_t r = 0; r < rows; r++) {
            job->row_losses[first + r] = losses[r];
            float *const d = layer->d + (first + r) * layer->stride;
            for (int64_t j = 0; j < out; j++) d[j] = v[j * SIDE + r];
            if (plan->loss != ADIT_CROSS_ENTROPY)
                PATH(differentiate_row)(layer->activation, out, layer->z == NULL ? NULL : layer->z + (first + r) * layer->stride,
                    layer->a + (first + r) * layer->stride, d);
        }
    }
    for (int32_t i = 1; i < plan->layer_count; i++) {
        const adit_train_layer *const other = &job->layers[i];
        const int64_t begin = adit_share(adit_ceil_div(other->in, 8), worker, job->team) * 8;
        const int64_t end = adit_min(adit_share(adit_ceil_div(other->in, 8), worker + 1, job->team) * 8, other->in);
        for (int64_t l = begin; l < end; l += 8)
            for (int64_t j = 0; j < other->out; j++)
                for (int64_t p = l; p < adit_min(l + 8, end); p++) other->transposed[j * other->transposed_stride + p] = other->w[p * other->out + j];
    }
}

/// The gradient before the activation of the layer below `index`: D W^T times the derivative.
static void PATH(backward)(adit_train_job *job, int32_t index, int32_t worker) {
    const adit_train_layer *const layer = &job->layers[index], *const below = &job->layers[index - 1];
    const int64_t batch = job->plan->batch;
    const PATH(part) part = PATH(cut)(batch, layer->in, worker, job->team);
    PATH(tile) sums;
    for (int64_t s = part.strip0; s < part.strip1; s++) {
        const int64_t j = s * COLUMNS, columns = adit_min(layer->in - j, COLUMNS);
        for (int64_t i = part.row0; i < part.row1; i += ROWS) {
            const float *lines[ROWS];
            for (int r = 0; r < ROWS; r++) lines[r] = layer->d + adit_min(i + r, batch - 1) * layer->stride;
            PATH(rows_product)(PATH(vectors)(columns), lines, layer->transposed + j, layer->transposed_stride, layer->out, sums);
            for (int64_t r = 0; r < ROWS && i + r < part.row1; r++) {
                const int64_t place = (i + r) * below->stride + j;
                PATH(differentiate_row)(below->activation, columns, below->z == NULL ? NULL : below->z + place, below->a + place, sums[r]);
                memcpy(below->d + place, sums[r], (size_t)columns * sizeof(float));
            }
        }
    }
}

static inline __attribute__((always_inline)) float PATH(written)(float x) {
    const float y = x + 0;
    return y != y ? ADIT_NAN_F32 : y;
}

/// Moves `count` parameters by their gradients.
static inline __attribute__((always_inline)) void PATH(move)(const adit_train_job *job, int64_t count, const float *restrict gradient, float *restrict w,
    float *restrict first, float *restrict second) {
    const adit_train_plan *const plan = job->plan;
    const float rate = job->rates[job->step];
    if (plan->optimiser == ADIT_ADAM) {
        const float epsilon = job->epsilons[job->step];
        for (int64_t j = 0; j < count; j++) {
            const float g = gradient[j];
            const float m = fmaf(plan->first_decay, first[j], plan->first_share * g);
            const float v = fmaf(plan->second_decay, second[j], plan->second_share * (g * g));
            first[j] = PATH(written)(m), second[j] = PATH(written)(v);
            w[j] = PATH(written)(fmaf(-rate, m / (sqrtf(v) + epsilon), w[j]));
        }
    } else if (first != NULL) {
        for (int64_t j = 0; j < count; j++) {
            const float v = fmaf(plan->first_decay, first[j], gradient[j]);
            first[j] = PATH(written)(v);
            w[j] = PATH(written)(fmaf(-rate, v, w[j]));
        }
    } else {
        for (int64_t j = 0; j < count; j++) w[j] = PATH(written)(fmaf(-rate, gradient[j], w[j]));
    }
}

#define AT(array, place) ((array) == NULL ? NULL : (array) + (place))

/// Gradients of every layer, tile by tile, and the parameters moved by them while they are in the nearest cache.
static void PATH(update)(adit_train_job *job, int32_t worker) {
    const int64_t batch = job->plan->batch;
    PATH(tile) sums;
    for (int32_t index = 0; index < job->plan->layer_count; index++) {
        const adit_train_layer *const layer = &job->layers[index];
        const PATH(part) part = PATH(cut)(layer->in, layer->out, worker, job->team);
        for (int64_t s = part.strip0; s < part.strip1; s++) {
            const int64_t j = s * COLUMNS, columns = adit_min(layer->out - j, COLUMNS);
            if (part.row0 == 0 && part.row1 > 0) {
                // The bias's gradient: D's columns, in the same panels.
                float sum[COLUMNS], panel[COLUMNS];
                for (int64_t start = 0; start < batch; start += ADIT_PANEL) {
                    for (int64_t c = 0; c < columns; c++) panel[c] = 0;
                    for (int64_t r = start; r < adit_min(start + ADIT_PANEL, batch); r++)
                        for (int64_t c = 0; c < columns; c++) panel[c] = panel[c] + layer->d[r * layer->stride + j + c];
                    for (int64_t c = 0; c < columns; c++) sum[c] = start == 0 ? panel[c] : sum[c] + panel[c];
                }
                for (int64_t c = 0; c < columns; c++) sum[c] = sum[c] + 0;
                PATH(move)(job, columns, sum, layer->b + j, AT(layer->b1, j), AT(layer->b2, j));
            }
            for (int64_t i = part.row0; i < part.row1; i += ROWS) {
                const int64_t rows = adit_min(ROWS, part.row1 - i);
                PATH(across_product)(PATH(vectors)(columns), layer->rows, i, rows, layer->d + j, layer->stride, batch, sums);
                for (int64_t r = 0; r < rows; r++) {
                    const int64_t place = (i + r) * layer->out + j;
                    if (columns == COLUMNS) PATH(move)(job, COLUMNS, sums[r], layer->w + place, AT(layer->w1, place), AT(layer->w2, place));
                    else PATH(move)(job, columns, sums[r], layer->w + place, AT(layer->w1, place), AT(layer->w2, place));
                }
            }
        }
    }
}

#define TRAIN_PATH {PATH(forward), PATH(loss), PATH(backward), PATH(update)}
