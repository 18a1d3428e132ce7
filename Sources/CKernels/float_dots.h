// Template, part of float_passes.h: contiguous rows against eight probes.
//
// Three rows share each load of X, so that the multiply-add units are busy and not the loads: with half the probes at a time, their
// sums fill the registers of AVX2.

enum { NAME(together) = 3 };

/// Lanes of what a pass sums up of at most LINES rows.
typedef struct {
    NAME(vector) products[LINES][8], squares[LINES];
    NAME(bits) largest[LINES];
} NAME(sums);

/// Columns block..<block + count of a row, as the sums need them: zeros in the columns left out and beyond the row.
static inline const REAL *NAME(columns)(const REAL *line, const adit_blocked_probe *probe, int64_t block, int64_t count, REAL *copy) {
    if (count == BLOCK && !probe->leaves_out) return line + block;
    for (int64_t j = 0; j < BLOCK; j++) copy[j] = j < count && (!probe->leaves_out || probe->weights[block + j] != 0) ? line[block + j] : 0;
    return copy;
}

/// products[r][p] += scales[r] * x[p] . lines[r], over BLOCK columns; without scales, each is 1. `next` is what will be read next: blocks are too short for the
/// processor to guess that.
static inline __attribute__((always_inline)) void NAME(dots)(
    const int rows, const REAL *const *lines, const REAL *const *next, const double *scales, const double *x, NAME(vector) (*products)[8]) {
    for (int half = 0; half < 8; half += 4) {
        NAME(vector) acc[NAME(together)][4];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int p = 0; p < 4; p++) acc[r][p] = products[r][half + p];
        for (int64_t j = 0; j < BLOCK; j += LANES) {
            NAME(vector) v[NAME(together)];
            if (half == 0 && j * (int64_t)sizeof(REAL) % ADIT_ALIGNMENT == 0) {
                for (int r = 0; r < rows; r++) __builtin_prefetch(next[r] + j);
            }
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) v[r] = scales != NULL ? NAME(widen)(lines[r] + j) * (NAME(vector))(scales[r]) : NAME(widen)(lines[r] + j);
#pragma clang loop unroll(full)
            for (int p = 0; p < 4; p++) {
                const NAME(vector) xp = *(const NAME(vector) *)(x + (half + p) * BLOCK + j);
#pragma clang loop unroll(full)
                for (int r = 0; r < rows; r++) acc[r][p] = MULTIPLY_ADD(v[r], xp, acc[r][p]);
            }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int p = 0; p < 4; p++) products[r][half + p] = acc[r][p];
    }
}

/// Over BLOCK columns: if `weighted`, squares[r] += |scales[r] * weights * lines[r]|^2; if `maxima`, largest[r].
static inline __attribute__((always_inline)) void NAME(magnitudes)(const int rows, const bool weighted, const bool maxima, const REAL *const *lines,
    const double *scales, const double *weights, NAME(vector) *squares, NAME(bits) *largest) {
    NAME(vector) acc[NAME(together)];
    NAME(bits) most[NAME(together)];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) acc[r] = squares[r], most[r] = largest[r];
    for (int64_t j = 0; j < BLOCK; j += LANES) {
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const NAME(source) source = *(const NAME(loose_source) *)(lines[r] + j);
            if (maxima) most[r] = __builtin_elementwise_max(most[r], MAGNITUDE(source));
            if (!weighted) continue;
            NAME(vector) v = __builtin_convertvector(source, NAME(vector)) * *(const NAME(vector) *)(weights + j);
            if (scales != NULL) v *= (NAME(vector))(scales[r]);
            acc[r] = MULTIPLY_ADD(v, v, acc[r]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) squares[r] = acc[r], largest[r] = most[r];
}

/// One block of `rows` rows, the i-th of LINES and those after it.
static inline __attribute__((always_inline)) void NAME(block)(const int rows, const bool weighted, const bool maxima, const REAL *b,
    const adit_blocked_probe *probe, int64_t block, int64_t i, int64_t lines, const double *scales, NAME(sums) *sums) {
    _Alignas(ADIT_ALIGNMENT) REAL copies[NAME(together)][BLOCK];
    const int64_t count = adit_min(BLOCK, probe->columns - block);
    const REAL *line[NAME(together)], *next[NAME(together)];
    for (int r = 0; r < rows; r++) {
        const int64_t soon = i + r + ROWS_AHEAD;
        next[r] = soon < lines ? b + soon * probe->columns + block : b + (soon - lines) * probe->columns + block + BLOCK;
        line[r] = NAME(columns)(b + (i + r) * probe->columns, probe, block, count, copies[r]);
    }
    const double *const scale = scales != NULL ? scales + i : NULL;
    NAME(dots)(rows, line, next, scale, probe->x + block * 8, sums->products + i);
    if (weighted || maxima) NAME(magnitudes)(rows, weighted, maxima, line, scale, probe->weights + block, sums->squares + i, sums->largest + i);
}

/// The sums of `lines` (at most LINES) contiguous rows from b on, each times its scale; energies if `weighted`, largest if `maxima`.
static inline __attribute__((always_inline)) void NAME(sum_lines)(const bool weighted, const bool maxima, const REAL *b,
    const adit_blocked_probe *probe, int64_t lines, const double *scales, NAME(sums) *sums) {
    memset(sums, 0, sizeof *sums);
    for (int64_t block = 0; block < probe->columns; block += BLOCK) {
        int64_t i = 0;
        for (; i + NAME(together) <= lines; i += NAME(together)) NAME(block)(NAME(together), weighted, maxima, b, probe, block, i, lines, scales, sums);
        for (; i < lines; i++) NAME(block)(1, weighted, maxima, b, probe, block, i, lines, scales, sums);
    }
}

/// The largest magnitude among the lanes.
static inline double NAME(largest)(NAME(bits) lanes) {
    BITS m = 0;
    for (int i = 0; i < LANES; i++) m = lanes[i] > m ? lanes[i] : m;
    return NAME(maximum)(m);
}

/// y of `rows` rows of a b whose rows are contiguous, from its start on; each row times its scale, if there are scales. Unless they
/// are NULL, also the energies and the largest magnitude of each row.
static inline __attribute__((always_inline)) void NAME(probe_lines)(
    const REAL *b, const adit_blocked_probe *probe, int64_t rows, const double *scales, double *y, double *energies, double *maxima) {
    NAME(sums) sums;
    for (int64_t first = 0; first < rows; first += LINES) {
        const int64_t lines = adit_min(LINES, rows - first);
        const REAL *const start = b + first * probe->columns;
        const double *const scale = scales != NULL ? scales + first : NULL;
        if (energies != NULL) NAME(sum_lines)(true, maxima != NULL, start, probe, lines, scale, &sums);
        else NAME(sum_lines)(false, maxima != NULL, start, probe, lines, scale, &sums);
        for (int64_t i = 0; i < lines; i++) {
            for (int p = 0; p < 8; p++) y[(first + i) * 8 + p] = NAME(total)(sums.products[i][p]);
            if (energies != NULL) energies[first + i] = NAME(total)(sums.squares[i]);
            if (maxima != NULL) maxima[first + i] = NAME(largest)(sums.largest[i]);
        }
    }
}

static void NAME(probe_rows)(const REAL *b, const adit_blocked_probe *probe, int64_t first, int64_t last, double *y, double *energies) {
    NAME(probe_lines)(b + first * probe->columns, probe, last - first, NULL, y, energies, NULL);
}
