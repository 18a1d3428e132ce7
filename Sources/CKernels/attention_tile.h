// Template of tiled attention with an online softmax: included once for each instruction set.
//
// The includer defines
//   PATH(x)  x with a suffix of its own
//   LANES    floats in a vector;  VECTORS  vectors of queries side by side
//   KEYS, DIMS   rows of the register tiles of the scores and of the outputs, both VECTORS vectors wide
//   FMA(a, b, c), MAX(a, b)   on vectors;  PAIRS(a, b, c)  c + the dot products of BF16 pairs, or c where there is none
//   EXP2_FUNCTION, if it has a better way to 2^x than attention_exp.h
//
// Queries are the lanes of every vector. Scores are computed transposed, S' = K Q', and so are outputs, O' = V' P': K and V are
// read as they lie in memory, one element broadcast at a time, and nothing is packed but the tile's own queries. The softmax
// runs down the lanes, so its maxima and sums need no shuffles. A block's scores and the queries stay in the first cache.
// Sources: M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018; T. Dao et al., "FlashAttention", 2022.

#undef QUERIES
#undef BLOCK
#undef VECTOR
#undef EACH
#undef INLINE
#define QUERIES (LANES * VECTORS)
#define BLOCK (KEYS * (112 / KEYS))  // keys whose scores are in hand together

typedef float PATH(attention_bits) __attribute__((ext_vector_type(LANES)));
#define VECTOR PATH(attention_bits)
#include "attention_exp.h"
#define EACH _Pragma("clang loop unroll(full)") for
#define INLINE static inline __attribute__((always_inline))

typedef int32_t PATH(attention_lanes) __attribute__((ext_vector_type(LANES)));
typedef int32_t PATH(attention_pair) __attribute__((aligned(2), may_alias));

/// s[j][:] = sum over c of k[j][c] q[c][:] for KEYS keys of `d` elements; largest = max(largest, s).
INLINE void PATH(scores)(int form, int64_t d, const void *k, const VECTOR *q, VECTOR *s, VECTOR largest[VECTORS]) {
    VECTOR sum[KEYS][VECTORS];
    EACH(int j = 0; j < KEYS; j++) EACH(int v = 0; v < VECTORS; v++) sum[j][v] = (VECTOR)0.0f;
    if (form == ADIT_PAIRS_BF16) {
        for (int64_t c = 0; c < d / 2; c++) {
            VECTOR x[VECTORS];
            EACH(int v = 0; v < VECTORS; v++) x[v] = q[c * VECTORS + v];
            EACH(int j = 0; j < KEYS; j++) {
                const PATH(attention_lanes) y = (PATH(attention_lanes))(*(const PATH(attention_pair) *)((const uint16_t *)k + j * d + 2 * c));
                EACH(int v = 0; v < VECTORS; v++) sum[j][v] = PAIRS(y, x[v], sum[j][v]);
            }
        }
    } else {
#pragma clang loop unroll_count(2)
        for (int64_t c = 0; c < d; c++) {
            VECTOR x[VECTORS];
            EACH(int v = 0; v < VECTORS; v++) x[v] = q[c * VECTORS + v];
            EACH(int j = 0; j < KEYS; j++) {
                const VECTOR y = (VECTOR)(((const float *)k)[j * d + c]);
                EACH(int v = 0; v < VECTORS; v++) sum[j][v] = FMA(y, x[v], sum[j][v]);
            }
        }
    }
    EACH(int j = 0; j < KEYS; j++) EACH(int v = 0; v < VECTORS; v++) {
        s[j * VECTORS + v] = sum[j][v];
        largest[v] = MAX(largest[v], sum[j][v]);
    }
}

/// o[c][:] = factor o[c][:] + sum over j of v[j][c] p[j][:] for `dims` columns c.
INLINE void PATH(weigh)(int dims, int64_t keys, int64_t d, const float *v, const VECTOR *p, const VECTOR factor[VECTORS], VECTOR *o) {
    VECTOR sum[DIMS][VECTORS];
    EACH(int c = 0; c < dims; c++) EACH(int l = 0; l < VECTORS; l++) sum[c][l] = o[c * VECTORS + l] * factor[l];
#pragma clang loop unroll_count(2)
    for (int64_t j = 0; j < keys; j++) {
        VECTOR x[VECTORS];
        EACH(int l = 0; l < VECTORS; l++) x[l] = p[j * VECTORS + l];
        EACH(int c = 0; c < dims; c++) {
            const VECTOR y = (VECTOR)(v[j * d + c]);
            EACH(int l = 0; l < VECTORS; l++) sum[c][l] = FMA(y, x[l], sum[c][l]);
        }
    }
    EACH(int c = 0; c < dims; c++) EACH(int l = 0; l < VECTORS; l++) o[c * VECTORS + l] = sum[c][l];
}

/// The tile's queries as lanes: q[c][i] or, as pairs, q[c / 2][i][c % 2]; zeros in the lanes beyond `count`.
INLINE void PATH(take)(int form, int64_t d, const void *from, int64_t count, VECTOR *q) {
    memset(q, 0, (size_t)d * QUERIES * sizeof(float));
    for (int64_t i = 0; i < count; i++) {
        if (form == ADIT_ROWS_F32) for (int64_t c = 0; c < d; c++) ((float *)q)[c * QUERIES + i] = ((const float *)from)[i * d + c];
        else if (form == ADIT_ROWS_BF16) for (int64_t c = 0; c < d; c++) ((uint32_t *)q)[c * QUERIES + i] = (uint32_t)((const uint16_t *)from)[i * d + c] << 16;
        else for (int64_t c = 0; c < d; c++) ((uint16_t *)q)[(c / 2 * QUERIES + i) * 2 + c % 2] = ((const uint16_t *)from)[i * d + c];
    }
}

static size_t PATH(attention_scratch)(int64_t d) {
    // Queries, outputs, scores, widened blocks of K and V, and the last keys with zeros after them.
    return sizeof(VECTOR) * VECTORS * (size_t)(2 * d + BLOCK) + sizeof(float) * (size_t)((2 * BLOCK + KEYS) * adit_round_up(d, LANES));
}

/// `d` is head->d, or a constant equal to it.
INLINE bool PATH(attend)(int form, int64_t d, const adit_attention_head *head, int64_t q0, int64_t count, void *scratch, adit_progress *progress) {
    const int64_t element = form == ADIT_ROWS_F32 ? 4 : 2, wide = adit_round_up(d, LANES);
    VECTOR *const q = scratch, *const o = q + d * VECTORS, *const s = o + d * VECTORS;
    float *const wide_k = (float *)(s + BLOCK * VECTORS), *const wide_v = wide_k + BLOCK * wide, *const rest = wide_v + BLOCK * wide;
    PATH(take)(form, d, (const char *)head->q + q0 * d * element, count, q);
    memset(o, 0, (size_t)d * QUERIES * sizeof(float));
    VECTOR largest[VECTORS], shift[VECTORS], total[VECTORS];
    EACH(int v = 0; v < VECTORS; v++) largest[v] = shift[v] = (VECTOR)-INFINITY, total[v] = (VECTOR)0.0f;
    const VECTOR scale = (VECTOR)(head->scale);
    const int64_t seen = head->causal ? adit_min(q0 + count, head->keys) : head->keys;
    int64_t told = 0;
    for (int64_t k0 = 0; k0 < seen; k0 += BLOCK) {
        const int64_t keys = adit_min(BLOCK, seen - k0);
        const char *k = (const char *)head->k + k0 * d * element;
        const float *v_rows = (const float *)head->v + k0 * d;
        if (form != ADIT_ROWS_F32) adit_widen((const uint16_t *)head->v + k0 * d, keys * d, wide_v), v_rows = wide_v;
        if (form == ADIT_ROWS_BF16) adit_widen((const uint16_t *)k, keys * d, wide_k), k = (const char *)wide_k;
        const int64_t row_bytes = d * (form == ADIT_PAIRS_BF16 ? 2 : 4);
        // Where the mask or the end of K cuts the block, the maximum is taken again from the scores that count.
        const bool masked = head->causal && k0 + keys > q0 + 1;
        VECTOR unused[VECTORS];
        EACH(int v = 0; v < VECTORS; v++) unused[v] = (VECTOR)-INFINITY;
        int64_t j = 0;
        for (; j + KEYS <= keys; j += KEYS) PATH(scores)(form, d, k + j * row_bytes, q, s + j * VECTORS, masked ? unused : largest);
        if (j < keys) {
            memcpy(rest, k + j * row_bytes, (size_t)((keys - j) * row_bytes));
            memset((char *)rest + (keys - j) * row_bytes, 0, (size_t)((KEYS - (keys - j)) * row_bytes));
            PATH(scores)(form, d, rest, q, s + j * VECTORS, unused);
            for (; j < keys; j++) EACH(int v = 0; v < VECTORS && !masked; v++) largest[v] = MAX(largest[v], s[j * VECTORS + v]);
        }
        if (masked) {
            // Every query sees key 0, so its maximum is a number from the first block on.
            for (j = adit_max(0, q0 + 1 - k0); j < keys; j++)
                for (int64_t i = 0; i < adit_min(QUERIES, k0 + j - q0); i++) ((float *)s)[j * QUERIES + i] = -INFINITY;
            for (j = 0; j < keys; j++) EACH(int v = 0; v < VECTORS; v++) largest[v] = MAX(largest[v], s[j * VECTORS + v]);
        }
        VECTOR factor[VECTORS], sum[VECTORS];
        EACH(int v = 0; v < VECTORS; v++) {
            const VECTOR next = largest[v] * scale;
            factor[v] = EXP2(shift[v] - next);
            shift[v] = next;
            sum[v] = (VECTOR)0.0f;
        }
        for (j = 0; j < keys; j++) EACH(int v = 0; v < VECTORS; v++) {
            const VECTOR p = EXP2(FMA(s[j * VECTORS + v], scale, -shift[v]));
            sum[v] += p;
            s[j * VECTORS + v] = p;
        }
        EACH(int v = 0; v < VECTORS; v++) total[v] = FMA(total[v], factor[v], sum[v]);
        int64_t c = 0;
        for (; c + DIMS <= d; c += DIMS) PATH(weigh)(DIMS, keys, d, v_rows + c, s, factor, o + c * VECTORS);
        for (; c + 2 <= d; c += 2) PATH(weigh)(2, keys, d, v_rows + c, s, factor, o + c * VECTORS);
        if (c < d) PATH(weigh)(1, keys, d, v_rows + c, s, factor, o + c * VECTORS);
        const int64_t done = 4 * count * (k0 + keys) * d;
        if (done - told < ADIT_ATTENTION_REPORT) continue;
        if (!adit_advance(progress, done - told)) return false;
        told = done;
    }
    EACH(int v = 0; v < VECTORS; v++) total[v] = 1 / total[v];
    for (int64_t c = 0; c < d; c++) EACH(int v = 0; v < VECTORS; v++) o[c * VECTORS + v] *= total[v];
    for (int64_t i = 0; i < count; i++)
        for (int64_t c = 0; c < d; c++) head->o[(q0 + i) * d + c] = ((const float *)o)[c * QUERIES + i];
    // What the mask spared counts as done.
    return adit_advance(progress, 4 * count * head->keys * d - told);
}

// With the usual widths as constants, the rows of a register tile are at fixed distances.
#undef DEFINE_TILE
#undef ATTENTION_PATH
#define DEFINE_TILE(NAME, FORM)                                                                                                             \
    static bool PATH(NAME)(const adit_attention_head *head, int64_t q0, int64_t count, void *scratch, adit_progress *progress) {            \
        switch (head->d) {                                                                                                                 \
        case 64: return PATH(attend)(FORM, 64, head, q0, count, scratch, progress);                                                         \
        case 128: return PATH(attend)(FORM, 128, head, q0, count, scratch, progress);                                                       \
        default: return PATH(attend)(FORM, head->d, head, q0, count, scratch, progress);                                                    \
        }                                                                                                                                  \
    }
#define ATTENTION_PATH(TILE) {.tile = PATH(TILE), .scratch_bytes = PATH(attention_scratch), .queries = QUERIES}
