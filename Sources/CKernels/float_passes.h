// Template of the verifier's passes over floats: included once for each element type and instruction set.
//
// The includer defines STORED (the type of an element in memory), REAL (float or double: what it is computed with; BF16 is stored as
// uint16_t and widened to float), BITS (REAL's bit pattern's signed type), IS_BF16, SCALED (1 if rows need a scale: binary64), LANES
// (binary64 lanes of a vector), MULTIPLY_ADD(a, b, c), CHAINS (rows whose running sums are kept in registers together), NAME(x), and
// CELLS(x): the NAME of the passes over elements of type REAL, which C has.
//
// All sums are binary64. A pass is memory-bound or bound by the multiply-add units, never by chains of dependent sums: rows are
// taken several at a time, and X is kept as blocks of BLOCK columns, one probe after the other (adit_blocked_probe).

typedef double NAME(vector) __attribute__((ext_vector_type(LANES)));
typedef double NAME(loose) __attribute__((ext_vector_type(LANES), aligned(8)));
typedef REAL NAME(source) __attribute__((ext_vector_type(LANES)));
typedef REAL NAME(loose_source) __attribute__((ext_vector_type(LANES), aligned(sizeof(REAL))));
typedef BITS NAME(bits) __attribute__((ext_vector_type(LANES)));

#define MAGNITUDE_BITS (sizeof(REAL) == 4 ? 0x7fffffff : 0x7fffffffffffffff)  // all but the sign
#define MAGNITUDE(x) ((NAME(bits))(x) & (NAME(bits))((BITS)MAGNITUDE_BITS))

typedef uint32_t NAME(unsigned_bits) __attribute__((ext_vector_type(LANES)));
#if IS_BF16
typedef uint16_t NAME(loose_stored) __attribute__((ext_vector_type(LANES), aligned(2)));
static inline NAME(source) NAME(load)(const STORED *p) {
    return (NAME(source))(__builtin_convertvector(*(const NAME(loose_stored) *)p, NAME(unsigned_bits)) << 16);
}
static inline REAL NAME(value)(STORED stored) {
    const uint32_t bits = (uint32_t)stored << 16;
    REAL value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
#else
static inline NAME(source) NAME(load)(const STORED *p) { return *(const NAME(loose_source) *)p; }
static inline REAL NAME(value)(STORED stored) { return stored; }
#endif
static inline NAME(vector) NAME(widen)(const STORED *p) { return __builtin_convertvector(NAME(load)(p), NAME(vector)); }

/// To nearest even, `drop` bits fewer of the significand; 0 leaves the value as it is.
static inline REAL NAME(round)(REAL value, int drop) {
    if (drop == 0) return value;
    BITS bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t half = ((uint64_t)1 << (drop - 1)) - 1, wide = (uint64_t)bits;
    bits = (BITS)((wide + half + (wide >> drop & 1)) & ~(((uint64_t)1 << drop) - 1));
    memcpy(&value, &bits, sizeof value);
    return value;
}

#if !SCALED
static inline NAME(source) NAME(round_vector)(NAME(source) v, int drop) {
    const NAME(unsigned_bits) bits = (NAME(unsigned_bits))v, half = (NAME(unsigned_bits))((1u << (drop - 1)) - 1);
    return (NAME(source))((bits + half + (bits >> (uint32_t)drop & (NAME(unsigned_bits))(1u))) & (NAME(unsigned_bits))(~((1u << drop) - 1)));
}
#endif

static inline double NAME(total)(NAME(vector) v) {
    double sum = 0;
    for (int i = 0; i < LANES; i++) sum += v[i];
    return sum;
}

/// The bits of |value|: as integers they are ordered like the magnitudes, infinities above all numbers and NaN above those.
static inline BITS NAME(magnitude)(REAL value) {
    BITS bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & (BITS)MAGNITUDE_BITS;
}

static inline double NAME(maximum)(BITS magnitude) {
    REAL value;
    memcpy(&value, &magnitude, sizeof value);
    return value < (REAL)__builtin_inf() ? (double)value : __builtin_inf();
}

/// Sum of squares and largest magnitude of `count` contiguous elements.
static void NAME(line_norm)(const STORED *line, int64_t count, double *sum, double *maximum) {
    NAME(vector) squares[4] = {0};
    NAME(bits) largest[4] = {0};
    int64_t j = 0;
    for (; j + 4 * LANES <= count; j += 4 * LANES) {
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) {
            const NAME(source) x = NAME(load)(line + j + v * LANES);
            const NAME(vector) wide = __builtin_convertvector(x, NAME(vector));
            squares[v] = MULTIPLY_ADD(wide, wide, squares[v]);
            largest[v] = __builtin_elementwise_max(largest[v], MAGNITUDE(x));
        }
    }
    double s = NAME(total)(squares[0] + squares[1] + squares[2] + squares[3]);
    const NAME(bits) pair = __builtin_elementwise_max(largest[0], largest[1]), other = __builtin_elementwise_max(largest[2], largest[3]);
    const NAME(bits) lanes = __builtin_elementwise_max(pair, other);
    BITS m = 0;
    for (int i = 0; i < LANES; i++) m = lanes[i] > m ? lanes[i] : m;
    for (; j < count; j++) {
        const REAL x = NAME(value)(line[j]);
        s += (double)x * (double)x;
        m = NAME(magnitude)(x) > m ? NAME(magnitude)(x) : m;
    }
    *sum = s;
    *maximum = NAME(maximum)(m);
}

/// The same for columns first..<last (at most COLUMN_CHUNK) of `rows` rows.
static void NAME(column_norms)(const STORED *data, int64_t rows, int64_t stride, int64_t first, int64_t last, double *sums, double *maxima) {
    _Alignas(ADIT_ALIGNMENT) double squares[COLUMN_CHUNK] = {0};
    _Alignas(ADIT_ALIGNMENT) BITS largest[COLUMN_CHUNK] = {0};
    const int64_t count = last - first;
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        const STORED *const line = data + i * stride + first;
        int64_t j = 0;
        for (; j + LANES <= count; j += LANES) {
            if (j * (int64_t)sizeof(STORED) % ADIT_ALIGNMENT == 0) {
#pragma clang loop unroll(full)
                for (int r = 4; r < 8; r++) __builtin_prefetch(line + r * stride + j);
            }
            NAME(vector) s = *(NAME(vector) *)(squares + j);
            NAME(bits) m = *(NAME(bits) *)(largest + j);
#pragma clang loop unroll(full)
            for (int r = 0; r < 4; r++) {
                const NAME(source) x = NAME(load)(line + r * stride + j);
                const NAME(vector) wide = __builtin_convertvector(x, NAME(vector));
                s = MULTIPLY_ADD(wide, wide, s);
                m = __builtin_elementwise_max(m, MAGNITUDE(x));
            }
            *(NAME(vector) *)(squares + j) = s;
            *(NAME(bits) *)(largest + j) = m;
        }
        for (; j < count; j++) {
            for (int r = 0; r < 4; r++) {
                const REAL x = NAME(value)(line[r * stride + j]);
                squares[j] += (double)x * (double)x;
                largest[j] = NAME(magnitude)(x) > largest[j] ? NAME(magnitude)(x) : largest[j];
            }
        }
    }
    for (; i < rows; i++) {
        for (int64_t j = 0; j < count; j++) {
            const REAL x = NAME(value)(data[i * stride + first + j]);
            squares[j] += (double)x * (double)x;
            largest[j] = NAME(magnitude)(x) > largest[j] ? NAME(magnitude)(x) : largest[j];
        }
    }
    for (int64_t j = 0; j < count; j++) sums[first + j] = squares[j], maxima[first + j] = NAME(maximum)(largest[j]);
}

#include "float_dots.h"

enum { NAME(group) = 16, NAME(depth) = 64 };

/// One tile of the pass over a transposed b: 16 rows of op(b) times `depth` columns, converted, against their rows of X.
static inline void NAME(probe_tile)(const double *tile, int64_t depth, const double *x, double yt[8][NAME(group)]) {
    for (int half = 0; half < 8; half += 4) {
#pragma clang loop unroll(full)
        for (int l = 0; l < NAME(group); l += 2 * LANES) {
            NAME(vector) acc[4][2];
#pragma clang loop unroll(full)
            for (int p = 0; p < 4; p++) acc[p][0] = *(NAME(vector) *)&yt[half + p][l], acc[p][1] = *(NAME(vector) *)&yt[half + p][l + LANES];
            for (int64_t j = 0; j < depth; j++) {
                const NAME(vector) b0 = *(const NAME(vector) *)(tile + j * NAME(group) + l);
                const NAME(vector) b1 = *(const NAME(vector) *)(tile + j * NAME(group) + l + LANES);
#pragma clang loop unroll(full)
                for (int p = 0; p < 4; p++) {
                    const NAME(vector) xp = (NAME(vector))(x[j * 8 + half + p]);
                    acc[p][0] = MULTIPLY_ADD(xp, b0, acc[p][0]);
                    acc[p][1] = MULTIPLY_ADD(xp, b1, acc[p][1]);
                }
            }
#pragma clang loop unroll(full)
            for (int p = 0; p < 4; p++) *(NAME(vector) *)&yt[half + p][l] = acc[p][0], *(NAME(vector) *)&yt[half + p][l + LANES] = acc[p][1];
        }
    }
}

/// y, and unless it is NULL energies, of a transposed b: its rows are `stride` apart, column after column. `drop` rounds b first.
static inline __attribute__((always_inline)) void NAME(probe_strided)(const STORED *b, int64_t stride, const adit_blocked_probe *probe, int64_t first,
    int64_t last, const int drop, const double *scales, double *y, double *energies) {
    enum { groups = WIDE_CHUNK / NAME(group) };
    _Alignas(ADIT_ALIGNMENT) double yt[groups][8][NAME(group)] = {0}, squares[groups][NAME(group)] = {0};
    _Alignas(ADIT_ALIGNMENT) double tile[NAME(depth) * NAME(group)], factors[WIDE_CHUNK];
    if (scales != NULL) for (int64_t i = 0; i < WIDE_CHUNK; i++) factors[i] = i < last - first ? scales[i] : 1;
    for (int64_t column = 0; column < probe->columns; column += NAME(depth)) {
        const int64_t depth = adit_min(NAME(depth), probe->columns - column);
        for (int64_t l = first, g = 0; l < last; l += NAME(group), g++) {
            const int64_t lanes = adit_min(NAME(group), last - l);
            for (int64_t j = 0; j < depth; j++) {
                const double weight = probe->weights[column + j];
                const bool counts = !probe->leaves_out || weight != 0;
                const STORED *const line = b + (column + j) * stride + l;
                double *const out = tile + j * NAME(group);
                __builtin_prefetch(l + NAME(group) < last ? line + NAME(group) : line + depth * stride - (l - first));
                if (!counts || lanes < NAME(group)) {
                    for (int64_t i = 0; i < NAME(group); i++) out[i] = counts && i < lanes ? (double)NAME(round)(NAME(value)(line[i]), drop) : 0;
#if !SCALED
                } else if (drop != 0) {
#pragma clang loop unroll(full)
                    for (int i = 0; i < NAME(group); i += LANES)
                        *(NAME(vector) *)(out + i) = __builtin_convertvector(NAME(round_vector)(NAME(load)(line + i), drop), NAME(vector));
#endif
                } else {
#pragma clang loop unroll(full)
                    for (int i = 0; i < NAME(group); i += LANES) *(NAME(vector) *)(out + i) = NAME(widen)(line + i);
                }
#pragma clang loop unroll(full)
                for (int i = 0; i < NAME(group); i += LANES) {
                    if (scales != NULL) *(NAME(vector) *)(out + i) *= *(NAME(vector) *)(factors + g * NAME(group) + i);
                    if (energies == NULL) continue;
                    const NAME(vector) weighted = *(NAME(vector) *)(out + i) * (NAME(vector))(weight);
                    *(NAME(vector) *)&squares[g][i] = MULTIPLY_ADD(weighted, weighted, *(NAME(vector) *)&squares[g][i]);
                }
            }
            NAME(probe_tile)(tile, depth, probe->rows + column * 8, yt[g]);
        }
    }
    for (int64_t l = 0; l < last - first; l++) {
        const int64_t g = l / NAME(group), i = l % NAME(group);
        for (int p = 0; p < 8; p++) y[l * 8 + p] = yt[g][p][i];
        if (energies != NULL) energies[l] = squares[g][i];
    }
}

static void NAME(probe_transposed)(
    const STORED *b, int64_t stride, const adit_blocked_probe *probe, int64_t first, int64_t last, double *y, double *energies) {
    NAME(probe_strided)(b, stride, probe, first, last, 0, NULL, y, energies);
}

#if !SCALED
/// y of rows first..<last of b, rounded first: each lower precision's shadow of the probe.
static void NAME(probe_rounded)(const adit_view *view, const adit_blocked_probe *probe, int drop, int64_t first, int64_t last, double *y) {
    const STORED *const b = view->data;
    if (view->transposed) NAME(probe_strided)(b, view->rows, probe, first, last, drop, NULL, y, NULL);
    else NAME(probe_lines)(b + first * probe->columns, probe, last - first, drop, NULL, y, NULL, NULL);
}
#endif

/// Largest magnitudes of rows first..<last of a, for a pass that needs them before it starts.
static void NAME(row_maxima)(const adit_view *view, int64_t first, int64_t last, double *maxima) {
    const STORED *const a = view->data;
    double ignored[ROW_CHUNK];
    // Rows of op(a) are columns of what is stored.
    if (view->transposed) NAME(column_norms)(a + first, view->columns, view->rows, 0, last - first, ignored, maxima);
    else for (int64_t i = first; i < last; i++) NAME(line_norm)(a + i * view->columns, view->columns, &ignored[i - first], &maxima[i - first]);
}

/// Rows first..<last (at most ROW_CHUNK) of the pass over a and c.
static void NAME(residuals)(const adit_residual_job *job, int64_t first, int64_t last, adit_row_residual *out) {
    const STORED *const a = (const STORED *)job->a.data + first * job->a.columns;
    const REAL *const c = (const REAL *)job->c.data + first * job->c.columns;
    const int64_t rows = last - first;
    double maxima[ROW_CHUNK], scales[ROW_CHUNK], y[ROW_CHUNK * 8], energies[ROW_CHUNK] = {0};
    double *const wanted = job->weighted ? energies : NULL;
    if (SCALED || job->a.transposed) NAME(row_maxima)(&job->a, first, last, maxima);
    for (int64_t i = 0; i < rows; i++) scales[i] = SCALED ? adit_row_scale(maxima[i]) : 1;
    if (job->a.transposed) NAME(probe_strided)(job->a.data, job->a.rows, job->left, first, last, 0, SCALED ? scales : NULL, y, wanted);
    else NAME(probe_lines)(a, job->left, rows, 0, SCALED ? scales : NULL, y, wanted, SCALED ? NULL : maxima);
    CELLS(sums) found;
    for (int64_t i = 0; i < rows; i++) {
        if (i % LINES == 0) CELLS(sum_lines)(false, false, 0, c + i * job->c.columns, job->probe, adit_min(LINES, rows - i), SCALED ? scales + i : NULL, &found);
        adit_row_residual r = {.energy = energies[i], .maximum = maxima[i]};
        for (int p = 0; p < 8; p++) {
            const double difference = CELLS(total)(found.products[i % LINES][p]) - y[i * 8 + p];
            if (job->differences != NULL) job->differences[(first + i) * 8 + p] = difference, job->images[(first + i) * 8 + p] = y[i * 8 + p];
            r.residual += difference * difference;
            r.signal += y[i * 8 + p] * y[i * 8 + p];
        }
        out[first + i] = r;
    }
}

/// Running sums of CHAINS rows over `depth` columns: sum += a y, squares += sum * sum after each column.
static inline void NAME(run_rows)(const double *a, int64_t depth, const double *y, adit_octet *sum, adit_octet *squares) {
    adit_octet s[CHAINS], q[CHAINS];
#pragma clang loop unroll(full)
    for (int r = 0; r < CHAINS; r++) s[r] = sum[r], q[r] = squares[r];
    for (int64_t l = 0; l < depth; l++) {
        const adit_octet yl = *(const adit_loose_octet *)(y + l * 8);
#pragma clang loop unroll(full)
        for (int r = 0; r < CHAINS; r++) {
            s[r] = MULTIPLY_ADD((adit_octet)(a[r * RUN_DEPTH + l]), yl, s[r]);
            q[r] = MULTIPLY_ADD(s[r], s[r], q[r]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < CHAINS; r++) sum[r] = s[r], squares[r] = q[r];
}

/// The sums of squares of the running sums of at most CHAINS rows of a. Rows beyond `count` are zeros.
static void NAME(running)(const adit_view *view, const double *y, const int64_t *rows, int64_t count, double *out) {
    const STORED *const a = view->data;
    const int64_t k = view->columns, stride = view->transposed ? view->rows : 1;
    _Alignas(ADIT_ALIGNMENT) double values[CHAINS * RUN_DEPTH] = {0};
    _Alignas(ADIT_ALIGNMENT) adit_octet sum[CHAINS] = {0}, squares[CHAINS] = {0};
    double scales[CHAINS];
    for (int64_t i = 0; i < count; i++) {
        double maximum = 0;
        if (SCALED) NAME(row_maxima)(view, rows[i], rows[i] + 1, &maximum);
        scales[i] = SCALED ? adit_row_scale(maximum) : 1;
    }
    for (int64_t l = 0; l < k; l += RUN_DEPTH) {
        const int64_t depth = adit_min(RUN_DEPTH, k - l);
        for (int64_t i = 0; i < count; i++) {
            const STORED *const row = a + (view->transposed ? rows[i] + l * stride : rows[i] * k + l);
            for (int64_t t = 0; t < depth; t++) values[i * RUN_DEPTH + t] = (double)NAME(value)(row[t * stride]) * scales[i];
        }
        NAME(run_rows)(values, depth, y + l * 8, sum, squares);
    }
    for (int64_t i = 0; i < count; i++) {
        out[i] = 0;
        for (int p = 0; p < 8; p++) out[i] += squares[i][p];
    }
}

#include "float_sums.h"

#undef STORED
#undef REAL
#undef BITS
#undef IS_BF16
#undef CELLS
#undef SCALED
#undef MAGNITUDE
#undef MAGNITUDE_BITS
#undef NAME
