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
    for (int64_t s = 0; s < plan->held * c->kh * c->kw; s++) {
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

/// Cells that a planes' task of `height` output rows runs over, and those that are copied for it.
static int64_t cells_of(const adit_conv_plan *plan, int64_t height) {
    return adit_round_up((height - 1) * plan->plane_width + plan->ow, plan->path->width);
}
static int64_t copies_of(const adit_conv_plan *plan, int64_t height, int64_t more_rows) { return (height + more_rows) * plan->plane_width * plan->slots; }

/// Cycles of all of an image's planes' tasks of `height` output rows, for each step, roughly: one for a row of a vector, one to copy an element.
static double cost_of(const adit_conv_plan *plan, int64_t height, int64_t more_rows, double product) {
    const int64_t blocks = adit_ceil_div(plan->oh, height), last = plan->oh - (blocks - 1) * height, taps = plan->c.kh * plan->c.kw;
    return product * (double)((blocks - 1) * cells_of(plan, height) + cells_of(plan, last))
        + (double)((blocks - 1) * copies_of(plan, height, more_rows) + copies_of(plan, last, more_rows)) / (double)taps;
}

/// Rows of a planes' task, or 0 if not even one fits. `sums`: of 8 bytes, that each of its cells has beside.
static int64_t choose_rows(const adit_conv_plan *plan, int64_t more_rows, int32_t threads, double product, int64_t sums) {
    const adit_convolution *const c = &plan->c;
    const double row = (double)plan->plane_width * ((double)plan->held * (double)plan->slots * (double)plan->path->cell_bytes + (double)sums * 8);
    if (row * (double)(1 + more_rows) > PLANES_BYTES) return 0;
    int64_t most = adit_max(1, (int64_t)(TASK_BYTES / row) - more_rows);
    most = adit_min(most, plan->oh);
    // Enough tasks that no thread waits long for the last.
    while (most > 1 && (double)c->n * (double)c->groups * (double)adit_ceil_div(plan->oh, most) < 4.0 * threads && threads > 1) most = adit_ceil_div(most, 2);
    most = adit_ceil_div(plan->oh, adit_ceil_div(plan->oh, most));
    int64_t best = most;
    // Few sizes are worth a look: the tiles' last lanes, and the rows that two tasks both copy, weigh less the larger a task is.
    for (int64_t rows = most; rows > adit_max(most / 2, most - 32); rows--)
        if (cost_of(plan, rows, more_rows, product) < cost_of(plan, best, more_rows, product)) best = rows;
    return best;
}

int32_t adit_conv_make_plan(adit_conv_plan *plan, const adit_convolution *c, const adit_conv_path *path, int64_t rows, bool few, int32_t threads) {
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
    plan->held = few ? adit_min(plan->pairs, adit_max(1, CONV_BLOCK / (c->kh * c->kw))) : plan->pairs;
    const int64_t more_rows = (c->kh - 1) * c->dilation_h / c->stride_h, all = c->n * plan->positions;
    plan->plane_width = plan->ow + (c->kw - 1) * c->dilation_w / c->stride_w;
    const double lanes = (double)path->width / 2, product = (double)adit_min(rows, plan->og) / lanes;
    const int64_t height = place_planes(plan) ? choose_rows(plan, more_rows, threads, product, few ? rows : 0) : 0;
    // Gathered tasks: as many positions as the cache takes, an even share of all.
    int64_t block = TASK_BYTES / adit_max(1, adit_min(plan->held * c->kh * c->kw, TASK_BYTES) * path->cell_bytes);
    block = adit_max(adit_min(adit_min(block, MOST_POSITIONS), adit_ceil_div(all, 4 * threads)), 2 * path->width);
    block = adit_min(adit_round_up(block, path->width), adit_round_up(all, path->width));
    plan->gathered = height == 0 || single;
    // A gathered position is never wasted, but each of its taps is copied.
    if (!plan->gathered) plan->gathered = (product + 1.2) * (double)plan->positions < cost_of(plan, height, more_rows, product);
    if (plan->gathered) {
        plan->block = block, plan->plane = block;
        plan->blocks = adit_ceil_div(all, block);
        plan->tasks = plan->blocks * c->groups;
        plan->cells = plan->held * c->kh * c->kw * block;
        plan->most_positions = plan->most_cells = plan->most_runs = block;
    } else {
        plan->block = height, plan->blocks = adit_ceil_div(plan->oh, height);
        plan->tasks = c->n * c->groups * plan->blocks;
        plan->plane_rows = height + more_rows;
        plan->plane = plan->plane_rows * plan->plane_width;
        plan->cells = plan->held * plan->slots * plan->plane;
        plan->most_positions = height * plan->ow, plan->most_runs = height;
        plan->most_cells = (height - 1) * plan->plane_width + plan->ow;
    }
    // The last tile reads beyond the last position: what it finds there is thrown away.
    plan->cells += 2 * path->width;
    if (plan->cells > largest_task / path->cell_bytes || plan->cells > INT32_MAX) return ADIT_NO_MEMORY;
    plan->offsets = adit_allocate((size_t)(plan->held * c->kh * c->kw) * sizeof *plan->offsets);
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

/// Where lines are loaded from and to: the pairs of a group's channels that a task holds.
typedef struct {
    const adit_conv_plan *plan;
    const char *x;        // the image's first channel of these
    int64_t pairs;
    adit_conv_lines lines;  // what all lines have in common
} source;

static source source_of(const adit_conv_plan *plan, const char *x, int64_t image, int64_t group, int64_t pair, int32_t how, int64_t pitch) {
    const adit_convolution *const c = &plan->c;
    const int64_t channel = pair * plan->path->depth, pairs = adit_min(plan->held, plan->pairs - pair);
    return (source){.plan = plan, .x = x + (image * c->c + group * plan->cg + channel) * c->h * c->w * plan->path->source_bytes, .pairs = pairs,
        .lines = {.step = c->h * c->w, .channels = adit_min(plan->cg - channel, pairs * plan->path->depth), .rows = 1, .stride = c->stride_w, .how = how,
            .pitch = pitch}};
}

static void zero_lines(const source *from, int64_t count, char *cells) {
    const int64_t cell = from->plan->path->cell_bytes;
    for (int64_t pair = 0; pair < from->pairs; pair++) memset(cells + pair * from->lines.pitch * cell, 0, (size_t)(count * cell));
}

/// `count` cells of each pair, of the input's row `row` from column `first` on; zeros outside the image.
static void load_run(source *from, int64_t row, int64_t first, int64_t count, char *cells) {
    const adit_conv_plan *const plan = from->plan;
    const adit_convolution *const c = &plan->c;
    int64_t start = 0, end = 0;
    if (row >= 0 && row < c->h) inside(first, c->stride_w, c->w, count, &start, &end);
    if (start == end) {
        zero_lines(from, count, cells);
        return;
    }
    from->lines.source = from->x + (row * c->w + first + start * c->stride_w) * plan->path->source_bytes;
    from->lines.before = start, from->lines.count = end - start, from->lines.after = count - end;
    from->lines.cells = cells;
    plan->path->lines(&from->lines);
}

/// `rows` rows of a phase's planes, of the input's rows from `row` on and its columns from `first` on. The margins that rows inside the image
/// have are the same in every task, and zeros from the start.
static void load_phase(source *from, int64_t row, int64_t first, int64_t rows, char *cells) {
    const adit_conv_plan *const plan = from->plan;
    const adit_convolution *const c = &plan->c;
    const int64_t cell = plan->path->cell_bytes;
    int64_t top, bottom, start, end;
    inside(row, c->stride_h, c->h, rows, &top, &bottom);
    inside(first, c->stride_w, c->w, plan->plane_width, &start, &end);
    if (start == end) bottom = top;
    if (top > 0) zero_lines(from, top * plan->plane_width, cells);
    if (bottom < rows) zero_lines(from, (rows - bottom) * plan->plane_width, cells + bottom * plan->plane_width * cell);
    if (top == bottom) return;
    from->lines.source = from->x + ((row + top * c->stride_h) * c->w + first + start * c->stride_w) * plan->path->source_bytes;
    from->lines.rows = bottom - top, from->lines.row_step = c->stride_h * c->w, from->lines.row_pitch = plan->plane_width;
    from->lines.count = end - start;
    from->lines.cells = cells + (top * plan->plane_width + start) * cell;
    plan->path->lines(&from->lines);
}

static void load_planes(const adit_conv_plan *plan, const char *x, int64_t index, int64_t pair, int32_t how, adit_conv_task *task) {
    const adit_convolution *const c = &plan->c;
    const int64_t first = index % plan->blocks * plan->block, rows = adit_min(plan->block, plan->oh - first);
    const int64_t image = index / plan->blocks / c->groups, needed = rows + plan->plane_rows - plan->block;
    task->group = index / plan->blocks % c->groups;
    task->run_count = rows, task->positions = rows * plan->ow;
    task->cell_count = (rows - 1) * plan->plane_width + plan->ow;
    for (int64_t r = 0; r < rows; r++)
        task->runs[r] = (adit_conv_run){.cell = r * plan->plane_width, .place = r * plan->ow, .image = image, .row = first + r, .count = plan->ow};
    source from = source_of(plan, x, image, task->group, pair, how, plan->slots * plan->plane);
    for (int64_t slot = 0; slot < plan->slots; slot++)
        load_phase(&from, first * c->stride_h + plan->slot_row[slot] - c->pad_h, plan->slot_column[slot] - c->pad_w, needed,
            task->cells + slot * plan->plane * plan->path->cell_bytes);
}

static void load_gathered(const adit_conv_plan *plan, const char *x, int64_t index, int64_t pair, int32_t how, adit_conv_task *task) {
    const adit_convolution *const c = &plan->c;
    const int64_t first = index % plan->blocks * plan->block, last = adit_min(first + plan->block, c->n * plan->positions), taps = c->kh * c->kw;
    task->group = index / plan->blocks;
    task->positions = task->cell_count = last - first;
    task->run_count = 0;
    for (int64_t p = first; p < last;) {
        const int64_t within = p % plan->positions, column = within % plan->ow, count = adit_min(plan->ow - column, last - p);
        const adit_conv_run run = {.cell = p - first, .place = p - first, .image = p / plan->positions, .row = within / plan->ow, .column = column,
            .count = count};
        task->runs[task->run_count++] = run;
        source from = source_of(plan, x, run.image, task->group, pair, how, taps * plan->plane);
        for (int64_t tap = 0; tap < taps; tap++)
            load_run(&from, run.row * c->stride_h + tap / c->kw * c->dilation_h - c->pad_h,
                run.column * c->stride_w + tap % c->kw * c->dilation_w - c->pad_w, count,
                task->cells + (tap * plan->plane + run.cell) * plan->path->cell_bytes);
        p += count;
    }
}

void adit_conv_load(const adit_conv_plan *plan, const void *x, int64_t index, int64_t pair, int32_t how, adit_conv_task *task) {
    if (plan->gathered) load_gathered(plan, x, index, pair, how, task);
    else load_planes(plan, x, index, pair, how, task);
}

void adit_conv_prefetch(const adit_conv_plan *plan, const void *x, int64_t index, int64_t pair, int64_t channel) {
    const adit_convolution *const c = &plan->c;
    const int64_t within = pair * plan->path->depth + channel;
    if (plan->gathered || pair >= plan->pairs || channel >= plan->held * plan->path->depth || within >= plan->cg) return;
    const int64_t image = index / plan->blocks / c->groups, group = index / plan->blocks % c->groups;
    const int64_t first = adit_max(0, index % plan->blocks * plan->block * c->stride_h - c->pad_h);
    const int64_t last = adit_min(c->h, first + plan->plane_rows * c->stride_h);
    const char *const plane = (const char *)x + (image * c->c + group * plan->cg + within) * c->h * c->w * plan->path->source_bytes;
    for (int64_t at = first * c->w * plan->path->source_bytes; at < last * c->w * plan->path->source_bytes; at += 64) __builtin_prefetch(plane + at, 0, 2);
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

bool adit_conv_next_stretch(const adit_conv_plan *plan, const adit_conv_task *task, int64_t *run, adit_conv_stretch *stretch) {
    if (*run == task->run_count) return false;
    const adit_conv_run *next = &task->runs[(*run)++];
    *stretch = (adit_conv_stretch){.place = next->place, .image = next->image, .position = next->row * plan->ow + next->column, .count = next->count};
    for (; *run < task->run_count; *run += 1) {
        next = &task->runs[*run];
        if (next->image != stretch->image || next->row * plan->ow + next->column != stretch->position + stretch->count) break;
        stretch->count += next->count;
    }
    return true;
}
