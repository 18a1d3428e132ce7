// How a convolution is cut into tasks, and how a task's part of the input is laid out.
#include <stdlib.h>

#include "conv.h"

enum {
    TASK_BYTES = 512 << 10,    // of a task's cells: half of a second cache
    PLANES_BYTES = 4 << 20,    // most for planes, whose smallest task is an output row
    MOST_POSITIONS = 512,      // of a gathered task
};
static const int64_t largest_task = (int64_t)1 << 32;  // bytes; a job that needs more is no job for this layout

static int64_t outputs(int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
    const int64_t room = size + 2 * pad - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
}

bool adit_conv_is_valid(const adit_run *run, const adit_convolution *c) {
    const int64_t most = INT32_MAX;
    const int64_t sizes[] = {c->n, c->c, c->h, c->w, c->o, c->kh, c->kw, c->groups, c->stride_h, c->stride_w, c->dilation_h, c->dilation_w};
    if (!adit_run_is_valid(run)) return false;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] < 1 || sizes[i] > most) return false;
    if (c->pad_h < 0 || c->pad_w < 0 || c->pad_h > most || c->pad_w > most || c->c % c->groups != 0 || c->o % c->groups != 0) return false;
    return outputs(c->h, c->kh, c->stride_h, c->pad_h, c->dilation_h) > 0 && outputs(c->w, c->kw, c->stride_w, c->pad_w, c->dilation_w) > 0;
}

/// The phases that taps read, and each step's offset; false if there are too many.
static bool place_planes(adit_conv_plan *plan) {
    const adit_convolution *const c = &plan->c;
    plan->slots = 0;
    for (int64_t i = 0; i < c->kh; i++)
        for (int64_t j = 0; j < c->kw; j++) {
            const int64_t row = i * c->dilation_h % c->stride_h, column = j * c->dilation_w % c->stride_w;
            int64_t slot = 0;
            while (slot < plan->slots && (plan->slot_row[slot] != row || plan->slot_column[slot] != column)) slot++;
            if (slot < plan->slots) continue;
            if (slot == 64) return false;
            plan->slot_row[slot] = row, plan->slot_column[slot] = column;
            plan->slots += 1;
        }
    return true;
}

static void place_steps(adit_conv_plan *plan) {
    const adit_convolution *const c = &plan->c;
    for (int64_t s = 0; s < plan->steps; s++) {
        if (plan->gathered) {
            plan->offsets[s] = (int32_t)(s * plan->plane);
            continue;
        }
        const int64_t pair = s / (c->kh * c->kw), i = s / c->kw % c->kh * c->dilation_h, j = s % c->kw * c->dilation_w;
        int64_t slot = 0;
        while (plan->slot_row[slot] != i % c->stride_h || plan->slot_column[slot] != j % c->stride_w) slot++;
        plan->offsets[s] = (int32_t)((pair * plan->slots + slot) * plan->plane + i / c->stride_h * plan->plane_width + j / c->stride_w);
    }
}

/// Rows of a planes' task, or 0 if not even one fits.
static int64_t choose_rows(const adit_conv_plan *plan, int64_t more_rows, int32_t threads) {
    const adit_convolution *const c = &plan->c;
    const double row = (double)plan->pairs * (double)plan->slots * (double)plan->plane_width * (double)plan->path->cell_bytes;
    if (row * (double)(1 + more_rows) > PLANES_BYTES) return 0;
    int64_t rows = adit_max(1, (int64_t)(TASK_BYTES / row) - more_rows);
    rows = adit_min(rows, plan->oh);
    // Enough tasks that no thread waits long for the last.
    while (rows > 1 && (double)c->n * (double)c->groups * (double)adit_ceil_div(plan->oh, rows) < 4.0 * threads && threads > 1) rows = adit_ceil_div(rows, 2);
    return adit_ceil_div(plan->oh, adit_ceil_div(plan->oh, rows));
}

int32_t adit_conv_make_plan(adit_conv_plan *plan, const adit_convolution *c, const adit_conv_path *path, int64_t rows, int32_t threads) {
    *plan = (adit_conv_plan){.c = *c, .path = path};
    const bool single = c->kh == 1 && c->kw == 1;
    // Where output and input positions are the same, an image is one long row.
    if (single && c->stride_h == 1 && c->stride_w == 1 && c->pad_h == 0 && c->pad_w == 0 && c->h <= INT32_MAX / c->w)
        plan->c.h = 1, plan->c.w = c->h * c->w;
    c = &plan->c;
    plan->oh = outputs(c->h, c->kh, c->stride_h, c->pad_h, c->dilation_h);
    plan->ow = outputs(c->w, c->kw, c->stride_w, c->pad_w, c->dilation_w);
    plan->positions = plan->oh * plan->ow;
    plan->cg = c->c / c->groups, plan->og = c->o / c->groups;
    plan->pairs = adit_ceil_div(plan->cg, path->depth);
    plan->steps = plan->pairs * c->kh * c->kw;
    const int64_t more_rows = (c->kh - 1) * c->dilation_h / c->stride_h, all = c->n * plan->positions;
    plan->plane_width = plan->ow + (c->kw - 1) * c->dilation_w / c->stride_w;
    const int64_t height = place_planes(plan) ? choose_rows(plan, more_rows, threads) : 0;
    // Gathered tasks: as many positions as the cache takes, an even share of all.
    int64_t block = TASK_BYTES / adit_max(1, adit_min(plan->steps, TASK_BYTES) * path->cell_bytes);
    block = adit_max(adit_min(adit_min(block, MOST_POSITIONS), adit_ceil_div(all, 4 * threads)), 2 * path->width);
    block = adit_min(adit_round_up(block, path->width), adit_round_up(all, path->width));
    plan->gathered = height == 0 || single;
    if (!plan->gathered) {
        // Cycles for each step and position, roughly: one for a row of a vector; a little more than one to copy an element.
        const double lanes = (double)path->width / 2, product = (double)adit_min(rows, plan->og) / lanes;
        const double used = (double)(height * plan->ow);
        const double wasted = (double)adit_round_up(height * plan->plane_width, path->width) / used;
        const double copied = (double)((height + more_rows) * plan->plane_width * plan->slots) / (used * (double)(c->kh * c->kw));
        plan->gathered = product + 1.2 < wasted * product + 1.0 * copied;
    }
    if (plan->gathered) {
        plan->block = block, plan->plane = block;
        plan->blocks = adit_ceil_div(all, block);
        plan->tasks = plan->blocks * c->groups;
        plan->cells = plan->steps * block;
        plan->most_positions = block, plan->most_runs = block;
    } else {
        plan->block = height, plan->blocks = adit_ceil_div(plan->oh, height);
        plan->tasks = c->n * c->groups * plan->blocks;
        plan->plane_rows = height + more_rows;
        plan->plane = plan->plane_rows * plan->plane_width;
        plan->cells = plan->pairs * plan->slots * plan->plane;
        plan->most_positions = height * plan->ow, plan->most_runs = height;
    }
    // The last tile reads beyond the last position: what it finds there is thrown away.
    plan->cells += 2 * path->width;
    if (plan->cells > largest_task / path->cell_bytes || plan->cells > INT32_MAX) return ADIT_NO_MEMORY;
    plan->offsets = adit_allocate((size_t)plan->steps * sizeof *plan->offsets);
    if (plan->offsets == NULL) return ADIT_NO_MEMORY;
    place_steps(plan);
    return ADIT_OK;
}

void adit_conv_free_plan(adit_conv_plan *plan) { free(plan->offsets); }

bool adit_conv_make_task(const adit_conv_plan *plan, adit_conv_task *task) {
    const size_t bytes = (size_t)(plan->cells * plan->path->cell_bytes);
    task->cells = adit_allocate(bytes);
    task->runs = adit_allocate((size_t)plan->most_runs * sizeof *task->runs);
    if (task->cells == NULL || task->runs == NULL) {
        adit_conv_free_task(task);
        return false;
    }
    memset(task->cells, 0, bytes);
    return true;
}

void adit_conv_free_task(adit_conv_task *task) {
    free(task->cells);
    free(task->runs);
    *task = (adit_conv_task){0};
}

/// Where among `count` places i, each reading element i * stride + first, those lie that are inside 0..<size.
static void inside(int64_t first, int64_t stride, int64_t size, int64_t count, int64_t *start, int64_t *end) {
    // A stretch is short: divisions would take as long as copying it.
    *start = first >= 0 ? 0 : adit_min(count, stride == 1 ? -first : adit_ceil_div(-first, stride));
    *end = first >= size ? *start : adit_max(*start, adit_min(count, stride == 1 ? size - first : adit_ceil_div(size - first, stride)));
}

/// `count` cells of a row of the input that starts at `row` (NULL: a row of padding), from column `first` on.
static void load_line(const adit_conv_plan *plan, const char *row, int64_t channel, int64_t first, int64_t count, int32_t how, char *cells) {
    const adit_convolution *const c = &plan->c;
    const int64_t cell = plan->path->cell_bytes, source = plan->path->source_bytes;
    int64_t start = 0, end = 0;
    if (row != NULL) inside(first, c->stride_w, c->w, count, &start, &end);
    if (start > 0) memset(cells, 0, (size_t)(start * cell));
    if (end > start) {
        const char *const from = row + (first + start * c->stride_w) * source;
        const bool second = plan->path->depth == 2 && channel + 1 < plan->cg;
        plan->path->line(from, second ? from + c->h * c->w * source : NULL, end - start, c->stride_w, how, cells + start * cell);
    }
    if (count > end) memset(cells + end * cell, 0, (size_t)((count - end) * cell));
}

/// `count` elements of 4 bytes, which are few: a call would take longer.
static inline void copy_words(const char *from, int64_t count, char *to) {
    int64_t i = 0;
    for (; i + 4 <= count; i += 4) memcpy(to + i * 4, from + i * 4, 16);
    for (; i < count; i++) memcpy(to + i * 4, from + i * 4, 4);
}

static const char *input_row(const adit_conv_plan *plan, const char *x, int64_t image, int64_t channel, int64_t row) {
    const adit_convolution *const c = &plan->c;
    return row < 0 || row >= c->h ? NULL : x + ((image * c->c + channel) * c->h + row) * c->w * plan->path->source_bytes;
}

static void load_planes(const adit_conv_plan *plan, const char *x, int64_t index, int32_t how, adit_conv_task *task) {
    const adit_convolution *const c = &plan->c;
    const int64_t first = index % plan->blocks * plan->block, rows = adit_min(plan->block, plan->oh - first);
    const int64_t image = index / plan->blocks / c->groups, needed = rows + plan->plane_rows - plan->block;
    task->group = index / plan->blocks % c->groups;
    task->run_count = rows, task->positions = rows * plan->ow;
    task->cell_count = (rows - 1) * plan->plane_width + plan->ow;
    for (int64_t r = 0; r < rows; r++)
        task->runs[r] = (adit_conv_run){.cell = r * plan->plane_width, .place = r * plan->ow, .image = image, .row = first + r, .count = plan->ow};
    for (int64_t pair = 0; pair < plan->pairs; pair++)
        for (int64_t slot = 0; slot < plan->slots; slot++) {
            const int64_t channel = pair * plan->path->depth;
            char *const plane = task->cells + (pair * plan->slots + slot) * plan->plane * plan->path->cell_bytes;
            for (int64_t r = 0; r < needed; r++)
                load_line(plan, input_row(plan, x, image, task->group * plan->cg + channel, (first + r) * c->stride_h + plan->slot_row[slot] - c->pad_h),
                    channel, plan->slot_column[slot] - c->pad_w, plan->plane_width, how, plane + r * plan->plane_width * plan->path->cell_bytes);
        }
}

static void load_gathered(const adit_conv_plan *plan, const char *x, int64_t index, int32_t how, adit_conv_task *task) {
    const adit_convolution *const c = &plan->c;
    const int64_t first = index % plan->blocks * plan->block, last = adit_min(first + plan->block, c->n * plan->positions);
    task->group = index / plan->blocks;
    task->positions = task->cell_count = last - first;
    task->run_count = 0;
    for (int64_t p = first; p < last;) {
        const int64_t within = p % plan->positions, column = within % plan->ow, count = adit_min(plan->ow - column, last - p);
        task->runs[task->run_count++] = (adit_conv_run){.cell = p - first, .place = p - first, .image = p / plan->positions, .row = within / plan->ow,
            .column = column, .count = count};
        p += count;
    }
    const bool is_copy = plan->path->cell_bytes == 4 && plan->path->source_bytes == 4 && c->stride_w == 1 && how == CONV_VALUE;
    for (int64_t s = 0; s < plan->steps; s++) {
        const int64_t channel = s / (c->kh * c->kw) * plan->path->depth;
        const int64_t down = s / c->kw % c->kh * c->dilation_h - c->pad_h, across = s % c->kw * c->dilation_w - c->pad_w;
        char *const line = task->cells + s * plan->plane * plan->path->cell_bytes;
        for (int64_t r = 0; r < task->run_count; r++) {
            const adit_conv_run *const run = &task->runs[r];
            const int64_t row = run->row * c->stride_h + down, first = run->column + across;
            if (is_copy && row >= 0 && row < c->h && first >= 0 && first + run->count <= c->w) {
                copy_words(input_row(plan, x, run->image, task->group * plan->cg + channel, row) + first * 4, run->count, line + run->cell * 4);
                continue;
            }
            load_line(plan, input_row(plan, x, run->image, task->group * plan->cg + channel, run->row * c->stride_h + down), channel,
                run->column * c->stride_w + across, run->count, how, line + run->cell * plan->path->cell_bytes);
        }
    }
}

void adit_conv_load(const adit_conv_plan *plan, const void *x, int64_t index, int32_t how, adit_conv_task *task) {
    if (plan->gathered) load_gathered(plan, x, index, how, task);
    else load_planes(plan, x, index, how, task);
}

int64_t adit_conv_pieces(const adit_conv_plan *plan, const adit_conv_task *task, int64_t cell, int64_t width, adit_conv_piece pieces[CONV_WIDTH]) {
    int64_t low = 0, high = task->run_count, count = 0;
    while (low < high) {
        // The first run that ends beyond `cell`.
        const int64_t middle = (low + high) / 2;
        if (task->runs[middle].cell + task->runs[middle].count > cell) high = middle;
        else low = middle + 1;
    }
    for (int64_t r = low; r < task->run_count && task->runs[r].cell < cell + width; r++) {
        const adit_conv_run *const run = &task->runs[r];
        const int64_t start = adit_max(cell, run->cell), end = adit_min(cell + width, run->cell + run->count), skipped = start - run->cell;
        const adit_conv_piece piece = {.lane = start - cell, .count = end - start, .place = run->place + skipped, .image = run->image,
            .position = run->row * plan->ow + run->column + skipped};
        adit_conv_piece *const last = count > 0 ? &pieces[count - 1] : NULL;
        if (last != NULL && last->image == piece.image && last->lane + last->count == piece.lane && last->position + last->count == piece.position)
            last->count += piece.count;
        else pieces[count++] = piece;
    }
    return count;
}
