// The inputs of some rows of a convolution's linear map, as a matrix.
#include "conv.h"

enum { AHEAD = 32 };  // channels whose lines are asked for

static const adit_conv_path *const f32_paths[] = ADIT_PATHS(conv_f32);

typedef struct {
    const adit_conv_plan *plan;
    const float *x;
    const int64_t *rows;
    float *out;
} job;

static void gather_row(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const adit_conv_plan *const plan = j->plan;
    const adit_convolution *const c = &plan->c;
    const int64_t taps = c->kh * c->kw, row = j->rows[index], position = row % plan->positions;
    const int64_t group = row / plan->positions % c->groups, image = row / plan->positions / c->groups;
    const int64_t top = position / plan->ow * c->stride_h - c->pad_h, left = position % plan->ow * c->stride_w - c->pad_w;
    float *out = j->out + index * plan->cg * taps;
    memset(out, 0, (size_t)(plan->cg * taps) * sizeof *out);
    const float *plane = j->x + (image * c->c + group * plan->cg) * c->h * c->w;
    // A row reads a line or two of each channel's plane, far apart: asked for some channels ahead.
    for (int64_t l = 0; l < plan->cg; l++, plane += c->h * c->w, out += taps)
        for (int64_t a = 0; a < c->kh; a++) {
            const int64_t down = top + a * c->dilation_h;
            if (down < 0 || down >= c->h) continue;
            const float *const line = plane + down * c->w;
            __builtin_prefetch(line + AHEAD * c->h * c->w + adit_max(left, 0));
            for (int64_t b = 0, across = left; b < c->kw; b++, across += c->dilation_w)
                if (across >= 0 && across < c->w) out[a * c->kw + b] = line[across];
        }
}

int32_t adit_conv_gather(const adit_run *run, const adit_convolution *c, const float *x, const int64_t *rows, int64_t count, float *out) {
    if (!adit_conv_is_valid(run, c) || count < 0) return ADIT_BAD_ARGUMENT;
    adit_conv_plan plan;
    int32_t status = adit_conv_make_plan(&plan, c, f32_paths[run->isa], 1, false, 1);
    if (status != ADIT_OK) return status;
    for (int64_t i = 0; i < count && status == ADIT_OK; i++)
        if (rows[i] < 0 || rows[i] >= c->n * c->groups * plan.positions) status = ADIT_BAD_ARGUMENT;
    job j = {.plan = &plan, .x = x, .rows = rows, .out = out};
    if (status == ADIT_OK) adit_parallel(run->threads, count, gather_row, &j);
    adit_conv_free_plan(&plan);
    return status;
}
