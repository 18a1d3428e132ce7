// The Gram matrix of a regression: sum over i of weight_i z_i z_i^T, z_i = (x_i, last_i) - centre, one triangle computed and mirrored.
//
// Columns are cut into blocks, and where these are few the rows into parts; a task is a pair of blocks in a part. Neither cut depends
// on path or threads, and parts are added in order: the bits don't depend on them either. What is packed is centred and weighted on the
// way, so that no copy of X is made.
#include <stdlib.h>

#include "gram.h"

static const adit_gram_path *const paths[] = ADIT_PATHS(gram);

enum { WIDEST = 192, TASKS = 32, SHORTEST_PART = 8 * ADIT_GRAM_DEPTH };

typedef struct {
    adit_progress progress;
    const adit_gram_path *path;
    int64_t m, k, n;  // n = k + 1 columns of z
    const double *x, *last, *centre, *weights;
    int64_t width, blocks, pairs, parts, part_rows;
    double *sums;     // parts * pairs of width x width; NULL where there is one part
    double *scratch;  // of each worker
    double *gram;
} job;

static int64_t packed_size(const job *j) { return j->width / ADIT_GRAM_STRIP * ADIT_GRAM_PITCH; }
static int64_t scratch_size(const job *j) { return 2 * packed_size(j) + j->width * j->width; }

/// Columns [column, column + columns) of z, rows [row, row + depth), by strips; lanes beyond the last column are 0.
static void pack(const job *j, bool weighted, int64_t row, int64_t depth, int64_t column, int64_t columns, double *out) {
    for (int64_t l = 0; l < depth; l++) {
        const double *const line = j->x + (row + l) * j->k;
        const double weight = weighted ? j->weights[row + l] : 1;
        const double last = j->last != NULL ? j->last[row + l] : 1;
        int64_t c = 0;
        for (; c + ADIT_GRAM_STRIP <= adit_min(columns, j->k - column); c += ADIT_GRAM_STRIP) {
            double *const to = out + c / ADIT_GRAM_STRIP * ADIT_GRAM_PITCH + l * ADIT_GRAM_STRIP;
            const double *const from = line + column + c, *const centre = j->centre + column + c;
            for (int s = 0; s < ADIT_GRAM_STRIP; s++) to[s] = (from[s] - centre[s]) * weight;
        }
        for (; c < adit_round_up(columns, ADIT_GRAM_STRIP); c++) {
            const int64_t place = column + c;
            double *const to = out + c / ADIT_GRAM_STRIP * ADIT_GRAM_PITCH + l * ADIT_GRAM_STRIP + c % ADIT_GRAM_STRIP;
            *to = c < columns ? ((place < j->k ? line[place] : last) - j->centre[place]) * weight : 0;
        }
    }
}

/// The pair's two blocks: `first` <= `second`.
static void blocks_of(const job *j, int64_t pair, int64_t *first, int64_t *second) {
    int64_t row = 0, left = pair;
    while (left >= j->blocks - row) left -= j->blocks - row, row++;
    *first = row, *second = row + left;
}

static void write_pair(const job *j, int64_t pair, const double *sums) {
    int64_t first, second;
    blocks_of(j, pair, &first, &second);
    for (int64_t r = 0; r < j->width; r++)
        for (int64_t c = first == second ? r : 0; c < j->width; c++) {
            const int64_t row = first * j->width + r, column = second * j->width + c;
            if (row >= j->n || column >= j->n) continue;
            j->gram[row * j->n + column] = j->gram[column * j->n + row] = sums[r * j->width + c];
        }
}

static void task(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED)) return;
    const int64_t pair = index % j->pairs, part = index / j->pairs, size = j->width * j->width;
    int64_t first, second;
    blocks_of(j, pair, &first, &second);
    double *const left = j->scratch + worker * scratch_size(j), *const right = left + packed_size(j);
    double *const sums = j->sums == NULL ? right + packed_size(j) : j->sums + index * size;
    memset(sums, 0, (size_t)size * sizeof *sums);
    const int64_t rows = adit_min(j->width, j->n - first * j->width), columns = adit_min(j->width, j->n - second * j->width);
    const int64_t end = adit_min((part + 1) * j->part_rows, j->m), strips = adit_ceil_div(columns, ADIT_GRAM_STRIP);
    const bool shared = first == second && j->weights == NULL;
    int64_t untold = 0;
    for (int64_t row = part * j->part_rows; row < end; row += ADIT_GRAM_DEPTH) {
        const int64_t depth = adit_min(ADIT_GRAM_DEPTH, end - row);
        pack(j, false, row, depth, first * j->width, rows, left);
        if (!shared) pack(j, j->weights != NULL, row, depth, second * j->width, columns, right);
        const double *const b = shared ? left : right;
        for (int64_t r = 0; r < rows; r += ADIT_GRAM_STRIP) {
            // Of a block with itself the strips from the diagonal on.
            const int64_t from = first == second ? r / ADIT_GRAM_STRIP : 0;
            j->path->strips(strips - from, depth, left + r / ADIT_GRAM_STRIP * ADIT_GRAM_PITCH, b + from * ADIT_GRAM_PITCH,
                sums + r * j->width + from * ADIT_GRAM_STRIP, j->width);
        }
        untold += (first == second ? 1 : 2) * depth * rows * columns;
        if (untold < 1 << 24 && row + depth < end) continue;
        if (!adit_advance(&j->progress, untold)) return;
        untold = 0;
    }
    if (j->sums == NULL) write_pair(j, pair, sums);
}

int32_t adit_gram(const adit_run *run, int64_t m, int64_t k, const double *x, const double *last, const double *centre, const double *weights, double *gram) {
    if (!adit_run_is_valid(run) || m < 0 || k < 1) return ADIT_BAD_ARGUMENT;
    job j = {.progress = {.run = run}, .path = paths[run->isa], .m = m, .k = k, .n = k + 1, .x = x, .last = last, .centre = centre, .weights = weights,
        .gram = gram};
    j.blocks = adit_ceil_div(j.n, WIDEST);
    j.width = adit_round_up(adit_ceil_div(j.n, j.blocks), ADIT_GRAM_STRIP);
    j.pairs = j.blocks * (j.blocks + 1) / 2;
    j.parts = adit_max(1, adit_min(TASKS / j.pairs, m / SHORTEST_PART));
    j.part_rows = adit_round_up(adit_ceil_div(m, j.parts), ADIT_GRAM_DEPTH);
    const int64_t tasks = j.pairs * j.parts, workers = adit_min(run->threads, tasks);
    const int64_t size = j.width * j.width, sums = j.parts > 1 ? tasks * size : 0;
    double *const memory = adit_allocate((size_t)(sums + workers * scratch_size(&j)) * sizeof *memory);
    if (memory == NULL) return ADIT_NO_MEMORY;
    j.sums = sums > 0 ? memory : NULL;
    j.scratch = memory + sums;
    adit_parallel(run->threads, tasks, task, &j);
    for (int64_t pair = 0; pair < j.pairs && sums > 0 && !j.progress.canceled; pair++) {
        double *const total = j.sums + pair * size;
        for (int64_t part = 1; part < j.parts; part++)
            for (int64_t i = 0; i < size; i++) total[i] += j.sums[(part * j.pairs + pair) * size + i];
        write_pair(&j, pair, total);
    }
    free(memory);
    return j.progress.canceled ? ADIT_CANCELED : ADIT_OK;
}
