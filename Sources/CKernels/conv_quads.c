// Tasks of the probes' quads: how they are cut, laid out and summed.
#include <stdlib.h>

#include "conv_quads.h"

enum {
    LINES = 6,                  // of a quad
    CELL_BYTES = 512 << 10,     // of a task's cells: half of a second cache
    MOST_CELL_BYTES = 2 << 20,  // most where one quad of all channels that are held takes more
};

static int64_t held_channels(const adit_conv_plan *plan) { return adit_min(plan->cg, adit_max(1, CONV_BLOCK / plan->c.kw)); }

bool adit_conv_quads_suit(const adit_conv_plan *plan, const adit_conv_path *path) {
    const adit_convolution *const c = &plan->c;
    // A quad of one or two rows would take longer.
    return c->kh == 3 && c->stride_h == 1 && c->stride_w == 1 && c->dilation_h == 1 && plan->oh >= 3 && plan->ow >= path->width / 2
        && held_channels(plan) * LINES * (c->w + 2 * c->pad_w) * (int64_t)sizeof(double) <= MOST_CELL_BYTES;
}

/// G times each tap's three rows.
static void transform(const adit_conv_quads *q, const double *filters) {
    const adit_convolution *const c = &q->plan->c;
    const int64_t across = c->kw * CONV_PROBES, line = q->plan->cg * across;
    for (int64_t group = 0; group < c->groups; group++)
        for (int64_t channel = 0; channel < q->plan->cg; channel++) {
            const double *const f = filters + (group * q->plan->cg + channel) * 3 * across;
            double *const u = q->filters + group * LINES * line + channel * across;
            for (int64_t j = 0; j < across; j++) {
                const double top = f[j], middle = f[across + j], bottom = f[2 * across + j];
                const double outer = (top + bottom) / 6, wide = top / 24 + bottom / 6;
                u[j] = top / 4;
                u[line + j] = -outer - middle / 6;
                u[2 * line + j] = middle / 6 - outer;
                u[3 * line + j] = wide + middle / 12;
                u[4 * line + j] = wide - middle / 12;
                u[5 * line + j] = bottom;
            }
        }
}

int32_t adit_conv_make_quads(adit_conv_quads *q, const adit_conv_plan *plan, const adit_conv_path *path, const adit_conv_quads_path *quads,
    const double *filters, int32_t threads) {
    const adit_convolution *const c = &plan->c;
    const int64_t all = adit_ceil_div(plan->oh, 4), width = path->width;
    *q = (adit_conv_quads){.plan = plan, .path = path, .quads = quads, .held = held_channels(plan), .plane_width = c->w + 2 * c->pad_w};
    q->block = adit_max(1, adit_min(all, CELL_BYTES / (q->held * LINES * q->plane_width * (int64_t)sizeof(double))));
    // Enough tasks that no thread waits long for the last.
    while (q->block > 1 && threads > 1 && (double)c->n * (double)c->groups * (double)adit_ceil_div(all, q->block) < 4.0 * threads)
        q->block = adit_ceil_div(q->block, 2);
    q->blocks = adit_ceil_div(all, q->block);
    q->block = adit_ceil_div(all, q->blocks);
    q->tasks = c->n * c->groups * q->blocks;
    q->plane = q->block * q->plane_width;
    q->sums = adit_round_up((q->block - 1) * q->plane_width + plan->ow, width);
    q->most_positions = adit_min(plan->oh, q->block * 4) * plan->ow;
    // The last tile reads beyond the last position: what it finds there is thrown away.
    q->scratch = adit_round_up(q->held * LINES * q->plane + 2 * width + c->kw * c->dilation_w, 8) + LINES * q->sums * CONV_PROBES;
    q->offsets = adit_allocate((size_t)(q->held * c->kw) * sizeof *q->offsets);
    q->filters = adit_allocate((size_t)(c->groups * LINES * plan->cg * c->kw * CONV_PROBES) * sizeof *q->filters);
    q->zeros = adit_allocate((size_t)c->w * sizeof *q->zeros);
    if (q->offsets == NULL || q->filters == NULL || q->zeros == NULL) {
        adit_conv_free_quads(q);
        return ADIT_NO_MEMORY;
    }
    memset(q->zeros, 0, (size_t)c->w * sizeof *q->zeros);
    for (int64_t s = 0; s < q->held * c->kw; s++) q->offsets[s] = (int32_t)(s / c->kw * LINES * q->plane + s % c->kw * c->dilation_w);
    transform(q, filters);
    return ADIT_OK;
}

void adit_conv_free_quads(adit_conv_quads *q) {
    free(q->offsets);
    free(q->filters);
    free(q->zeros);
    *q = (adit_conv_quads){0};
}

/// Asks for rows first..<last of channels first..<last of x's planes.
static void prefetch(const adit_convolution *c, const float *planes, int64_t first, int64_t last, int64_t top, int64_t bottom) {
    for (int64_t channel = first; channel < last; channel++)
        for (int64_t at = top * c->w; at < bottom * c->w; at += 16) __builtin_prefetch(planes + channel * c->h * c->w + at, 0, 2);
}

adit_conv_stretch adit_conv_quads_task(
    const adit_conv_quads *q, const float *x, int64_t index, double *scratch, int64_t pitch, double *signals, int64_t *group) {
    const adit_conv_plan *const plan = q->plan;
    const adit_convolution *const c = &plan->c;
    const int64_t image = index / q->blocks / c->groups, first = index % q->blocks * q->block, width = q->path->width;
    const int64_t quads = adit_min(q->block, adit_ceil_div(plan->oh, 4) - first), count = (quads - 1) * q->plane_width + plan->ow;
    const int64_t tiles = adit_ceil_div(count, width), size = CONV_PROBES * width, line = plan->cg * c->kw * CONV_PROBES;
    const int64_t top = first * 4 - c->pad_h, bottom = adit_min(c->h, top + quads * 4 + 2);
    *group = index / q->blocks % c->groups;
    const float *const planes = x + (image * c->c + *group * plan->cg) * c->h * c->w;
    double *const sums = scratch + adit_round_up(q->held * LINES * q->plane + 2 * width + c->kw * c->dilation_w, 8), tile[CONV_PROBES * CONV_WIDTH];
    for (int64_t start = 0; start < plan->cg; start += q->held) {
        const int64_t channels = adit_min(q->held, plan->cg - start), next = adit_min(q->held, plan->cg - start - channels);
        for (int64_t channel = 0; channel < channels; channel++)
            for (int64_t quad = 0; quad < quads; quad++) {
                const float *rows[LINES];
                for (int64_t i = 0; i < LINES; i++) {
                    const int64_t row = top + quad * 4 + i;
                    rows[i] = row < 0 || row >= c->h ? q->zeros : planes + ((start + channel) * c->h + row) * c->w;
                }
                q->quads->load(rows, c->w, c->pad_w, scratch + channel * LINES * q->plane + quad * q->plane_width, q->plane);
            }
        for (int64_t i = 0; i < LINES * tiles; i++) {
            const int64_t one = i / tiles, cell = i % tiles * width;
            const double *const filter = q->filters + (*group * LINES + one) * line + start * c->kw * CONV_PROBES;
            double *const sum = sums + (one * q->sums + cell) * CONV_PROBES;
            prefetch(c, planes + (start + channels) * c->h * c->w, next * i / (LINES * tiles), next * (i + 1) / (LINES * tiles), adit_max(0, top), bottom);
            q->path->tile(CONV_PROBES, channels * c->kw, q->offsets, scratch + one * q->plane + cell, filter, start == 0 ? sum : tile);
            for (int64_t j = 0; start > 0 && j < size; j++) sum[j] += tile[j];
        }
    }
    double beyond[CONV_WIDTH];
    for (int64_t quad = 0; quad < quads; quad++)
        for (int64_t column = 0; column < plan->ow;) {
            const int64_t cell = quad * q->plane_width + column, lane = cell % width, part = adit_min(width - lane, plan->ow - column);
            for (int64_t probe = 0; probe < CONV_PROBES; probe++) {
                double *rows[4];
                for (int64_t r = 0; r < 4; r++) {
                    const bool is_row = (first + quad) * 4 + r < plan->oh;
                    rows[r] = is_row ? signals + probe * pitch + (quad * 4 + r) * plan->ow + column : beyond;
                }
                q->quads->sum(sums + (cell - lane) * CONV_PROBES + probe * width + lane, q->sums * CONV_PROBES, part, rows);
            }
            column += part;
        }
    return (adit_conv_stretch){.image = image, .position = first * 4 * plan->ow, .count = adit_min(plan->oh - first * 4, quads * 4) * plan->ow};
}
