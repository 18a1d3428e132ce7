// Template of attention's check: rows of softmax(scale q k') v in binary64, and the variance that honest F32 may have.
//
// The includer defines PATH(x), LANES (doubles in a vector), VECTORS, KEYS, DIMS, FMA(a, b, c) and MAX(a, b), as for
// attention_tile.h, whose plan this is: queries are lanes, keys and values are broadcast. What it computes, and why, stands in
// AttentionSource.swift. Rows of a tile see different numbers of keys, so the mask is by lane.

#define QUERIES (LANES * VECTORS)
#define BLOCK (KEYS * (56 / KEYS))
#define EACH _Pragma("clang loop unroll(full)") for
#define INLINE static inline __attribute__((always_inline))
#define VECTOR PATH(check_vector)
typedef double VECTOR __attribute__((ext_vector_type(LANES)));
typedef int64_t PATH(check_lanes) __attribute__((ext_vector_type(LANES)));

/// One element as binary32, rounded to the kept bits.
INLINE float PATH(element)(const void *data, bool bf16, int32_t kept_bits, int64_t index) {
    uint32_t bits = bf16 ? (uint32_t)((const uint16_t *)data)[index] << 16 : ((const uint32_t *)data)[index];
    if (kept_bits < 23) {
        const uint32_t drop = (uint32_t)(23 - kept_bits);
        bits = (bits + (1u << (drop - 1)) - 1 + ((bits >> drop) & 1)) & ~((1u << drop) - 1);
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/// `rows` rows as binary64 times the weights (1 where NULL), `wide` apart, and the norm of each.
INLINE void PATH(widen_rows)(const void *data, bool bf16, int32_t kept_bits, int64_t first, int64_t rows, int64_t d, int64_t wide, const double *weights,
    double *out, double *norms) {
    for (int64_t i = 0; i < rows; i++) {
        double *const line = out + i * wide;
        const int64_t at = first + i * d;
        if (bf16) for (int64_t c = 0; c < d; c++) line[c] = PATH(element)(data, true, kept_bits, at + c);
        else if (kept_bits < 23) for (int64_t c = 0; c < d; c++) line[c] = PATH(element)(data, false, kept_bits, at + c);
        else for (int64_t c = 0; c < d; c++) line[c] = ((const float *)data)[at + c];
        for (int64_t c = d; c < wide; c++) line[c] = 0;
        if (weights != NULL) for (int64_t c = 0; c < d; c++) line[c] *= weights[c];
        VECTOR sum = (VECTOR)0.0;
        for (int64_t c = 0; c < wide; c += LANES) {
            const VECTOR x = *(const VECTOR *)(line + c);
            sum = FMA(x, x, sum);
        }
        norms[i] = 0;
        for (int l = 0; l < LANES; l++) norms[i] += sum[l];
    }
}

/// e^x for x <= 0, as Elementary.exponential computes it; 0 below -708.
INLINE VECTOR PATH(exponential)(VECTOR x) {
    const PATH(check_lanes) counts = x > (VECTOR)-708.0;
    x = MAX(x, (VECTOR)-708.0);
    const double magic = 0x1.8p52;  // its last place is 1
    const VECTOR shifted = FMA(x, (VECTOR)1.4426950408889634, (VECTOR)magic), n = shifted - (VECTOR)magic;
    const VECTOR r = FMA(n, (VECTOR)-0x1.ef35793c7673p-45, FMA(n, (VECTOR)-0x1.62e42fefa38p-1, x));
    VECTOR sum = (VECTOR)(1.0 / 6227020800.0);
    static const double series[13] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
        1.0 / 24, 1.0 / 6, 0.5, 1, 1};
    EACH(int i = 0; i < 13; i++) sum = FMA(sum, r, (VECTOR)series[i]);
    return (VECTOR)((((PATH(check_lanes))sum) + ((PATH(check_lanes))shifted << 52)) & counts);
}

INLINE void PATH(check_scores)(int64_t d, int64_t wide, const double *k, const VECTOR *q, VECTOR *s) {
    VECTOR sum[KEYS][VECTORS];
    EACH(int j = 0; j < KEYS; j++) EACH(int v = 0; v < VECTORS; v++) sum[j][v] = (VECTOR)0.0;
    for (int64_t c = 0; c < d; c++) {
        VECTOR x[VECTORS];
        EACH(int v = 0; v < VECTORS; v++) x[v] = q[c * VECTORS + v];
        EACH(int j = 0; j < KEYS; j++) {
            const VECTOR y = (VECTOR)(k[j * wide + c]);
            EACH(int v = 0; v < VECTORS; v++) sum[j][v] = FMA(y, x[v], sum[j][v]);
        }
    }
    EACH(int j = 0; j < KEYS; j++) EACH(int v = 0; v < VECTORS; v++) s[j * VECTORS + v] = sum[j][v];
}

INLINE void PATH(check_weigh)(int64_t keys, int64_t wide, const double *v, const VECTOR *p, const VECTOR factor[VECTORS], VECTOR *o) {
    VECTOR sum[DIMS][VECTORS];
    EACH(int c = 0; c < DIMS; c++) EACH(int l = 0; l < VECTORS; l++) sum[c][l] = o[c * VECTORS + l] * factor[l];
    for (int64_t j = 0; j < keys; j++) {
        VECTOR x[VECTORS];
        EACH(int l = 0; l < VECTORS; l++) x[l] = p[j * VECTORS + l];
        EACH(int c = 0; c < DIMS; c++) {
            const VECTOR y = (VECTOR)(v[j * wide + c]);
            EACH(int l = 0; l < VECTORS; l++) sum[c][l] = FMA(y, x[l], sum[c][l]);
        }
    }
    EACH(int c = 0; c < DIMS; c++) EACH(int l = 0; l < VECTORS; l++) o[c * VECTORS + l] = sum[c][l];
}

/// Columns rounded up to whole vectors and whole register tiles.
INLINE int64_t PATH(wide)(int64_t d) { return adit_round_up(d, LANES > DIMS ? LANES : DIMS); }

static size_t PATH(check_scratch)(int64_t d) {
    return sizeof(double) * (size_t)(PATH(wide)(d) * (2 * QUERIES + 2 * BLOCK) + BLOCK * QUERIES + 2 * adit_round_up(BLOCK, LANES));
}

static void PATH(check_rows)(const adit_attention_check *check, int64_t first, int64_t count, void *scratch) {
    const adit_attention *const a = check->shape;
    const int64_t d = a->d, wide = PATH(wide)(d), head = check->rows[first] / a->queries, start = head * a->keys * d;
    VECTOR *const q = scratch, *const o = q + wide * VECTORS, *const s = o + wide * VECTORS;
    double *const k = (double *)(s + BLOCK * VECTORS), *const v = k + BLOCK * wide;
    double *const key_norms = v + BLOCK * wide, *const value_norms = key_norms + adit_round_up(BLOCK, LANES);
    const double *const weights = check->weights + head * d;
    double query_norms[QUERIES], seen[QUERIES];
    int64_t most = 0, least = a->keys;
    memset(q, 0, (size_t)wide * QUERIES * sizeof(double) * 2);
    for (int64_t i = 0; i < QUERIES; i++) {
        const int64_t row = check->rows[first + adit_min(i, count - 1)], sees = a->causal ? row % a->queries + 1 : a->keys;
        seen[i] = (double)sees, query_norms[i] = 0;
        most = adit_max(most, sees), least = adit_min(least, sees);
        for (int64_t c = 0; c < d; c++) {
            const double x = PATH(element)(check->q, check->bf16, check->kept_bits, row * d + c);
            ((double *)q)[c * QUERIES + i] = x;
            query_norms[i] += x * x;
        }
    }
    // In units of u^2/3 (AttentionSource.swift): what a key's score may be off by.
    const double drift = (double)d / 3 + 4, own = check->bf16 ? 0x1p30 + 12 : 12;
    VECTOR largest[VECTORS], total[VECTORS], energy[VECTORS], squares[VECTORS], weighted_energy[VECTORS], weighted_squares[VECTORS], spread[VECTORS];
    EACH(int l = 0; l < VECTORS; l++) {
        largest[l] = (VECTOR)-INFINITY;
        total[l] = energy[l] = squares[l] = weighted_energy[l] = weighted_squares[l] = (VECTOR)0.0;
        for (int i = 0; i < LANES; i++) spread[l][i] = query_norms[l * LANES + i] * a->scale * a->scale / 6;
    }
    double longest = 0, own_longest[QUERIES] = {0};
    for (int64_t k0 = 0; k0 < most; k0 += BLOCK) {
        const int64_t keys = adit_min(BLOCK, most - k0);
        PATH(widen_rows)(check->k, check->bf16, check->kept_bits, start + k0 * d, keys, d, wide, NULL, k, key_norms);
        PATH(widen_rows)(check->v, check->bf16, check->kept_bits, start + k0 * d, keys, d, wide, weights, v, value_norms);
        if (keys < BLOCK) memset(k + keys * wide, 0, (size_t)((BLOCK - keys) * wide) * sizeof(double));
        for (int64_t j = 0; j < keys; j += KEYS) PATH(check_scores)(d, wide, k + j * wide, q, s + j * VECTORS);
        VECTOR next[VECTORS], factor[VECTORS];
        EACH(int l = 0; l < VECTORS; l++) next[l] = largest[l];
        for (int64_t j = 0; j < keys; j++) EACH(int l = 0; l < VECTORS; l++) s[j * VECTORS + l] *= (VECTOR)(a->scale);
        for (int64_t j = adit_max(0, least - k0); j < keys; j++)
            for (int i = 0; i < QUERIES; i++) if ((double)(k0 + j) >= seen[i]) ((double *)s)[j * QUERIES + i] = -INFINITY;
        for (int64_t j = 0; j < keys; j++) EACH(int l = 0; l < VECTORS; l++) next[l] = MAX(next[l], s[j * VECTORS + l]);
        // The longest value that a row sees: the same for all but behind the first key that some row doesn't.
        const int64_t common = adit_max(0, adit_min(keys, least - k0));
        for (int64_t j = 0; j < common; j++) longest = value_norms[j] > longest ? value_norms[j] : longest;
        for (int64_t j = common; j < keys; j++)
            for (int i = 0; i < QUERIES; i++) if ((double)(k0 + j) < seen[i] && value_norms[j] > own_longest[i]) own_longest[i] = value_norms[j];
        EACH(int l = 0; l < VECTORS; l++) {
            factor[l] = PATH(exponential)(largest[l] - next[l]);
            const VECTOR square = factor[l] * factor[l];
            largest[l] = next[l];
            total[l] *= factor[l];
            energy[l] *= square, squares[l] *= square, weighted_energy[l] *= square, weighted_squares[l] *= square;
        }
        for (int64_t j = 0; j < keys; j++) EACH(int l = 0; l < VECTORS; l++) {
            const VECTOR t = s[j * VECTORS + l], p = PATH(exponential)(t - largest[l]);
            // A masked score is -infinity: it has no error to speak of.
            const VECTOR seen_t = t == (VECTOR)-INFINITY ? (VECTOR)0.0 : t;
            const VECTOR error = FMA(seen_t * seen_t, (VECTOR)drift, FMA(spread[l], (VECTOR)(key_norms[j]), (VECTOR)own));
            const VECTOR square = p * p, norm = (VECTOR)(value_norms[j]), weighted = square * error;
            total[l] += p;
            squares[l] += square;
            energy[l] = FMA(square, norm, energy[l]);
            weighted_squares[l] += weighted;
            weighted_energy[l] = FMA(weighted, norm, weighted_energy[l]);
            s[j * VECTORS + l] = p;
        }
        for (int64_t c = 0; c < wide; c += DIMS) PATH(check_weigh)(keys, wide, v + c, s, factor, o + c * VECTORS);
    }
    double weight_norm = 0;
    for (int64_t c = 0; c < d; c++) weight_norm += weights[c] * weights[c];
    for (int64_t i = 0; i < count; i++) {
        const int l = (int)(i / LANES), e = (int)(i % LANES);
        const double sum = total[l][e], n = seen[i], maximum = 2 * largest[l][e] * largest[l][e], underflow = n * 0x1p-126;
        double norm = 0;
        for (int64_t c = 0; c < d; c++) {
            const double value = ((const double *)o)[c * QUERIES + i] / sum;
            check->outputs[(first + i) * d + c] = value;
            norm += value * value;
        }
        const double scatter = (weighted_energy[l][e] + weighted_squares[l][e] * norm + maximum * (energy[l][e] + squares[l][e] * norm) + n / 6 * energy[l][e])
            / (sum * sum);
        check->variances[first + i] = 0x1p-48 / 3 * (scatter + (2 * n / 3 + 4) * norm) + underflow * underflow * (weight_norm + fmax(longest, own_longest[i]));
    }
}

// Written so that a NaN fails every comparison that would let it pass, and is found by one more.
static void PATH(ranges)(const void *data, bool bf16, int64_t rows, int64_t columns, float *least, float *largest) {
    enum { STRIP = 16 };
    for (int64_t c0 = 0; c0 < columns; c0 += STRIP) {
        const int64_t count = adit_min(STRIP, columns - c0);
        float low[STRIP], high[STRIP];
        int32_t bad[STRIP];
        EACH(int c = 0; c < STRIP; c++) low[c] = INFINITY, high[c] = -INFINITY, bad[c] = 0;
        for (int64_t i = 0; i < rows; i++) {
            float x[STRIP];
            const int64_t at = i * columns + c0;
            if (count == STRIP) EACH(int c = 0; c < STRIP; c++) x[c] = PATH(element)(data, bf16, 23, at + c);
            else for (int c = 0; c < STRIP; c++) x[c] = PATH(element)(data, bf16, 23, at + (c < count ? c : 0));
            EACH(int c = 0; c < STRIP; c++) {
                low[c] = x[c] < low[c] ? x[c] : low[c];
                high[c] = x[c] > high[c] ? x[c] : high[c];
                bad[c] |= x[c] != x[c];
            }
        }
        for (int64_t c = 0; c < count; c++) least[c0 + c] = bad[c] ? -INFINITY : low[c], largest[c0 + c] = bad[c] ? INFINITY : high[c];
    }
}

static void PATH(extent)(const void *data, bool bf16, int64_t rows, int64_t columns, double *squares, double *maximum) {
    *squares = *maximum = 0;
    bool finite = true;
    for (int64_t i = 0; i < rows; i++) {
        VECTOR sum = (VECTOR)0.0;
        double rest = 0;
        int64_t c = 0;
        for (; c + LANES <= columns; c += LANES) {
            VECTOR x;
            EACH(int l = 0; l < LANES; l++) x[l] = PATH(element)(data, bf16, 23, i * columns + c + l);
            sum = FMA(x, x, sum);
        }
        for (int l = 0; l < LANES; l++) rest += sum[l];
        for (; c < columns; c++) {
            const double x = PATH(element)(data, bf16, 23, i * columns + c);
            rest += x * x;
        }
        // Squares of binary32 don't overflow binary64: only what isn't finite has a sum that isn't.
        finite = finite && rest < INFINITY;
        if (!(rest <= *squares)) *squares = rest;
    }
    if (!finite) {
        *squares = *maximum = INFINITY;
        return;
    }
    float highest = 0;
    for (int64_t i = 0; i < rows * columns; i++) {
        const float x = __builtin_fabsf(PATH(element)(data, bf16, 23, i));
        highest = x > highest ? x : highest;
    }
    *maximum = highest;
}

#define ATTENTION_ROWS_PATH \
    {.rows = PATH(check_rows), .scratch_bytes = PATH(check_scratch), .queries = QUERIES, .ranges = PATH(ranges), .extent = PATH(extent)}
