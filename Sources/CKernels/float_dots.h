// Template, part of float_passes.h: contiguous rows against eight probes.
//
// Three rows share each load of X, so that the multiply-add units are busy and not the loads. With AVX-512's registers all eight
// probes' sums stay in them; elsewhere half the probes at a time do.

enum { NAME(together) = 3, NAME(part) = LANES == 8 ? 8 : 4 };

/// Lanes of what a pass sums up of at most LINES rows.
typedef struct {
    NAME(vector) products[LINES][8], squares[LINES];
    NAME(bits) largest[LINES];
} NAME(sums);

/// Columns block..<block + count of a row, as the sums need them: rounded if `drop`, zeros in the columns left out and up to whole vectors.
static inline const REAL *NAME(columns)(const STORED *line, const adit_blocked_probe *probe, int64_t block, int64_t count, int drop, REAL *copy) {
    const STORED *const from = line + block;
#if !IS_BF16
    if (count % LANES == 0 && !probe->leaves_out && drop == 0) return from;
#endif
    int64_t j = 0;
    for (; j + LANES <= count; j += LANES) {
        NAME(source) v = NAME(load)(from + j);
#if !SCALED
        if (drop != 0) v = NAME(round_vector)(v, drop);
#endif
        *(NAME(source) *)(copy + j) = v;
    }
    for (; j < count; j++) copy[j] = NAME(round)(NAME(value)(from[j]), drop);
    for (; j % LANES != 0; j++) copy[j] = 0;
    // Whatever a column that is left out holds, NaN among it.
    if (probe->leaves_out) for (j = 0; j < count; j++) copy[j] = probe->weights[block + j] != 0 ? copy[j] : 0;
    return copy;
}

/// products[r][p] += scales[r] * x[p] . lines[r], over `width` columns; without scales, each is 1. `next` is what will be read next: blocks are too
/// short for the processor to guess that.
static inline __attribute__((always_inline)) void NAME(dots)(const int rows, const int64_t width, const int64_t pitch, const REAL *const *lines,
    const STORED *const *next, const double *scales, const double *x, NAME(vector) (*products)[8]) {
    for (int half = 0; half < 8; half += NAME(part)) {
        NAME(vector) acc[NAME(together)][NAME(part)];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int p = 0; p < NAME(part); p++) acc[r][p] = products[r][half + p];
        for (int64_t j = 0; j < width; j += LANES) {
            NAME(vector) v[NAME(together)];
            if (half == 0 && j * (int64_t)sizeof(STORED) % ADIT_ALIGNMENT == 0) {
                for (int r = 0; r < rows; r++) __builtin_prefetch(next[r] + j);
            }
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                v[r] = __builtin_convertvector(*(const NAME(loose_source) *)(lines[r] + j), NAME(vector));
                if (scales != NULL) v[r] *= (NAME(vector))(scales[r]);
            }
#pragma clang loop unroll(full)
            for (int p = 0; p < NAME(part); p++) {
                const NAME(vector) xp = *(const NAME(vector) *)(x + (half + p) * pitch + j);
#pragma clang loop unroll(full)
                for (int r = 0; r < rows; r++) acc[r][p] = MULTIPLY_ADD(v[r], xp, acc[r][p]);
            }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int p = 0; p < NAME(part); p++) products[r][half + p] = acc[r][p];
    }
}

/// Over `width` columns: if `weighted`, squares[r] += |scales[r] * weights * lines[r]|^2; if `maxima`, largest[r].
static inline __attribute__((always_inline)) void NAME(magnitudes)(const int rows, const int64_t width, const bool weighted, const bool maxima,
    const REAL *const *lines, const double *scales, const double *weights, NAME(vector) *squares, NAME(bits) *largest) {
    NAME(vector) acc[NAME(together)];
    NAME(bits) most[NAME(together)];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) acc[r] = squares[r], most[r] = largest[r];
    for (int64_t j = 0; j < width; j += LANES) {
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
static inline __attribute__((always_inline)) void NAME(block)(const int rows, const bool weighted, const bool maxima, const int drop, const STORED *b,
    const adit_blocked_probe *probe, int64_t block, int64_t i, int64_t lines, const double *scales, NAME(sums) *sums) {
    _Alignas(ADIT_ALIGNMENT) REAL copies[NAME(together)][BLOCK];
    const int64_t count = adit_min(BLOCK, probe->columns - block), width = adit_round_up(count, LANES);
    const REAL *line[NAME(together)];
    const STORED *next[NAME(together)];
    for (int r = 0; r < rows; r++) {
        const int64_t soon = i + r + ROWS_AHEAD;
        next[r] = soon < lines ? b + soon * probe->columns + block : b + (soon - lines) * probe->columns + block + BLOCK;
        line[r] = NAME(columns)(b + (i + r) * probe->columns, probe, block, count, drop, copies[r]);
    }
    const double *const scale = scales != NULL ? scales + i : NULL, *const x = probe->x + block * 8;
    if (width == BLOCK) NAME(dots)(rows, BLOCK, BLOCK, line, next, scale, x, sums->products + i);
    else NAME(dots)(rows, width, probe->pitch, line, next, scale, x, sums->products + i);
    if (weighted || maxima) NAME(magnitudes)(rows, width, weighted, maxima, line, scale, probe->weights + block, sums->squares + i, sums->largest + i);
}

/// The sums of `lines` (at most LINES) contiguous rows from b on, each times its scale; energies if `weighted`, largest if `maxima`.
/// `drop` rounds the elements first (`round`).
static inline __attribute__((always_inline)) void NAME(sum_lines)(const bool weighted, const bool maxima, const int drop, const STORED *b,
    const adit_blocked_probe *probe, int64_t lines, const double *scales, NAME(sums) *sums) {
    memset(sums, 0, sizeof *sums);
    for (int64_t block = 0; block < probe->columns; block += BLOCK) {
        int64_t i = 0;
        for (; i + NAME(together) <= lines; i += NAME(together)) NAME(block)(NAME(together), weighted, maxima, drop, b, probe, block, i, lines, scales, sums);
        for (; i < lines; i++) NAME(block)(1, weighted, maxima, drop, b, probe, block, i, lines, scales, sums);
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
static inline __attribute__((always_inline)) void NAME(probe_lines)(const STORED *b, const adit_blocked_probe *probe, int64_t rows, const int drop,
    const double *scales, double *y, double *energies, double *maxima) {
    NAME(sums) sums;
    for (int64_t first = 0; first < rows; first += LINES) {
        const int64_t lines = adit_min(LINES, rows - first);
        const STORED *const start = b + first * probe->columns;
        const double *const scale = scales != NULL ? scales + first : NULL;
        if (energies != NULL) NAME(sum_lines)(true, maxima != NULL, drop, start, probe, lines, scale, &sums);
        else NAME(sum_lines)(false, maxima != NULL, drop, start, probe, lines, scale, &sums);
        for (int64_t i = 0; i < lines; i++) {
            for (int p = 0; p < 8; p++) y[(first + i) * 8 + p] = NAME(total)(sums.products[i][p]);
            if (energies != NULL) energies[first + i] = NAME(total)(sums.squares[i]);
            if (maxima != NULL) maxima[first + i] = NAME(largest)(sums.largest[i]);
        }
    }
}

static void NAME(probe_rows)(const STORED *b, const adit_blocked_probe *probe, int64_t first, int64_t last, double *y, double *energies) {
    NAME(probe_lines)(b + first * probe->columns, probe, last - first, 0, NULL, y, energies, NULL);
}
