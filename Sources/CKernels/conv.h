// What the files of the direct convolution share: the plan of a call, the paths' tables, how a task's input is laid out.
#ifndef ADIT_CONV_H
#define ADIT_CONV_H

#include "internal.h"

enum {
    CONV_ROWS = 14,          // most output channels of a register tile
    CONV_WIDTH = 32,         // most positions of a register tile, in any path
    // Steps of a map of a few filters that all tiles of a task take before the next: their cells and weights stay in the first cache.
    // No more, since sums of (I8 x 16 bits) pairs add at most 2^23 each to 32 bits.
    CONV_BLOCK = 128,
};

/// How elements become cells.
enum { CONV_VALUE = 0, CONV_MAGNITUDE = 1, CONV_SQUARE = 2 };

/// For each `depth` channels `rows` lines of cells: `before` zeros, `count` elements of each channel `stride` apart, `after` zeros.
typedef struct {
    const void *source;
    int64_t step, channels;       // elements between channels; how many
    int64_t rows, row_step;       // of each channel; elements between them
    int64_t before, count, after, stride;
    int32_t how;
    void *cells;
    int64_t pitch, row_pitch;     // cells between channels' lines, and between rows' lines
} adit_conv_lines;

/// One kind of cell on one instruction set. A cell holds an element, or of I8 those of two channels as 16-bit halves; a sum
/// and its weights have the cells' format, but of `wide`, which sums cells of binary32 in binary64.
typedef struct {
    /// out[r * width + j] = sum over s < steps of w[s * rows + r] * cells[offsets[s] + j], for r < rows and j < width.
    void (*tile)(int rows, int64_t steps, const int32_t *offsets, const void *cells, const void *w, void *out);
    void (*lines)(const adit_conv_lines *lines);
    int64_t rows, width;  // most of a tile: rows <= CONV_ROWS, width <= CONV_WIDTH
    int64_t depth, cell_bytes, source_bytes;
} adit_conv_path;

extern const adit_conv_path adit_conv_f32_portable, adit_conv_i8_portable, adit_conv_f64_portable, adit_conv_wide_portable;
extern const adit_conv_path adit_conv_f32_avx2, adit_conv_i8_avx2, adit_conv_f64_avx2, adit_conv_wide_avx2;
extern const adit_conv_path adit_conv_f32_avx512, adit_conv_i8_avx512, adit_conv_f64_avx512, adit_conv_wide_avx512;

/// sums[t * pitch + j] += the sum over o < count of y[o * stride + j] * digits[o * 3 + t], for j < width; adds less than 2^62 while count <= 1024.
typedef void (*adit_conv_field_line)(
    const int32_t *y, int64_t stride, int64_t count, const int32_t *digits, int64_t width, int64_t pitch, int64_t *sums);
typedef struct {
    adit_conv_field_line line;
} adit_conv_field_path;
extern const adit_conv_field_path adit_conv_field_portable, adit_conv_field_avx2, adit_conv_field_avx512;

/// Four output rows at once (conv_quads_tile.h), in binary64.
typedef struct {
    /// Six lines, `plane` apart, of `count` columns of six rows of the input, between zeros.
    void (*load)(const float *const rows[6], int64_t count, int64_t padding, double *out, int64_t plane);
    /// Four output rows' sums of `count` positions, from those of the six lines.
    void (*sum)(const double *sums, int64_t plane, int64_t count, double *const rows[4]);
} adit_conv_quads_path;
extern const adit_conv_quads_path adit_conv_quads_portable, adit_conv_quads_avx2, adit_conv_quads_avx512;

/// Positions of one output row of one image that lie together in a task.
typedef struct {
    int64_t cell;                  // where in the task's cells they start
    int64_t place;                 // where among the task's positions they start
    int64_t image, row, column;    // the first one's
    int64_t count;
} adit_conv_run;

/// How a convolution is cut into tasks, and where a task's cells lie.
///
/// A task holds the steps (channels x taps) of a stretch of positions of one group, all of them or those of some channels at a time, in
/// one of two layouts. *Planes*: for each channel
/// and each phase of the stride that some tap reads, the padded rows of one image, so that every tap is the same plane read from another
/// offset; the positions between the output's width and the plane's are computed for nothing. *Gathered*: a line for each step, with
/// the positions of any images one after the other: no position is wasted, but every tap is copied.
typedef struct {
    adit_convolution c;
    const adit_conv_path *path;
    int64_t oh, ow, positions;      // output rows, columns, and both
    int64_t cg, og, pairs, steps;   // channels and outputs of a group; cells along the channels; pairs x kh x kw
    int64_t held;                   // pairs that a task holds at a time
    bool gathered;
    int64_t block, blocks;          // planes: output rows of a task, tasks of an image and group; gathered: positions, tasks of a group
    int64_t tasks;
    int64_t plane_rows, plane_width, plane;  // of a phase; cells between planes or lines
    int64_t slots;                  // phases in use
    int64_t slot_row[64], slot_column[64];
    int32_t *offsets;               // of each step of `held` pairs
    int64_t cells;                  // of a task, with what the last tile reads beyond
    int64_t most_positions, most_cells, most_runs;  // of a task
} adit_conv_plan;

/// What a worker fills for each task.
typedef struct {
    char *cells;
    adit_conv_run *runs;
    int64_t run_count, cell_count, positions;  // cells that hold positions; positions
    int64_t group;
} adit_conv_task;

bool adit_conv_is_valid(const adit_run *run, const adit_convolution *c);

/// ADIT_OK, or ADIT_NO_MEMORY; then there is nothing to free. `rows`: outputs that each position's cells are used for; if they are so `few`
/// that all fit a tile, a task holds only some channels at a time.
int32_t adit_conv_make_plan(adit_conv_plan *plan, const adit_convolution *c, const adit_conv_path *path, int64_t rows, bool few, int32_t threads);
void adit_conv_free_plan(adit_conv_plan *plan);

/// Memory for one worker's task; false if there is none.
bool adit_conv_make_task(const adit_conv_plan *plan, adit_conv_task *task);
void adit_conv_free_task(adit_conv_task *task);

/// Lays out task `index` of the input x: its channels' pairs from `pair` on.
void adit_conv_load(const adit_conv_plan *plan, const void *x, int64_t index, int64_t pair, int32_t how, adit_conv_task *task);

/// Asks for what `adit_conv_load` will read of a planes' task's channel `channel` among those of `pair` and the pairs after it.
void adit_conv_prefetch(const adit_conv_plan *plan, const void *x, int64_t index, int64_t pair, int64_t channel);

/// Positions of one image that lie together both in a tile and in the output.
typedef struct {
    int64_t lane, count;             // in the tile
    int64_t place, image, position;  // the first one's: among the task's, its image, and within that
} adit_conv_piece;

/// The positions among the tile's cells cell..<cell + width; how many pieces.
int64_t adit_conv_pieces(const adit_conv_plan *plan, const adit_conv_task *task, int64_t cell, int64_t width, adit_conv_piece pieces[CONV_WIDTH]);

/// Positions of one image that lie together in the output, and among the task's.
typedef struct {
    int64_t place, image, position, count;
} adit_conv_stretch;

/// The stretch that starts with the task's run `run`, which becomes the first one after it; false after the last.
bool adit_conv_next_stretch(const adit_conv_plan *plan, const adit_conv_task *task, int64_t *run, adit_conv_stretch *stretch);

/// Number of the first row of a stretch among all rows.
static inline int64_t adit_conv_row(const adit_conv_plan *plan, const adit_conv_task *task, const adit_conv_stretch *stretch) {
    return (stretch->image * plan->c.groups + task->group) * plan->positions + stretch->position;
}

/// Outputs of panel `index` of `panels` that share `og` evenly: first, and how many.
static inline int64_t adit_conv_panel(int64_t og, int64_t panels, int64_t index, int64_t *first) {
    *first = og * index / panels;
    return og * (index + 1) / panels - *first;
}

#endif
