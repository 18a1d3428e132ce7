// What the driver of attention (attention.c) and its templates share.
#ifndef ADIT_ATTENTION_H
#define ADIT_ATTENTION_H

#include <math.h>

#include "internal.h"

/// One head of one element of the batch: packed rows of `d`, elements F32 or BF16 (o: always F32).
typedef struct {
    const void *q, *k, *v;
    float *o;
    int64_t keys, d;
    float scale;  // times log2(e): weights are powers of two
    bool causal;
} adit_attention_head;

/// Tiles of one instruction set and form of the operands.
typedef struct {
    /// Queries q0 ..< q0 + count (<= queries) of a head. False once the run is to stop.
    bool (*tile)(const adit_attention_head *head, int64_t q0, int64_t count, void *scratch, adit_progress *progress);
    size_t (*scratch_bytes)(int64_t d);
    int64_t queries;
} adit_attention_path;

extern const adit_attention_path adit_attention_f32_portable, adit_attention_f32_avx2, adit_attention_f32_avx512;
extern const adit_attention_path adit_attention_bf16_portable, adit_attention_bf16_avx2, adit_attention_bf16_avx512;
/// With AVX512_BF16's dot products of pairs: `d` is even, and the processor has them.
extern const adit_attention_path adit_attention_bf16_pairs;

// How a tile reads K and V.
enum {
    ADIT_ROWS_F32,    // as they lie
    ADIT_ROWS_BF16,   // each block widened to F32 first
    ADIT_PAIRS_BF16,  // K as pairs, V's blocks widened
};

/// Operations of a tile between two reports: a hundredth of a second or less.
enum { ADIT_ATTENTION_REPORT = 1 << 24 };

/// BF16 numbers as F32, exactly.
static inline __attribute__((always_inline)) void adit_widen(const uint16_t *from, int64_t count, float *to) {
    uint32_t *const bits = (uint32_t *)to;
    for (int64_t i = 0; i < count; i++) bits[i] = (uint32_t)from[i] << 16;
}

#endif
