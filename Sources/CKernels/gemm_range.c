// Whether a BF16 product can meet a subnormal number on its way: then the instruction that flushes them isn't used.
#include "internal.h"

enum { CHUNK = 1 << 15 };

typedef struct {
    const uint16_t *data;
    int64_t lines, length, stride, next, pieces;  // `lines` of `length` elements in each item
    uint16_t smallest;
} job;

/// The smallest biased exponent of a number that isn't 0, in place (bits 7 to 14); 0x7f80 if all are.
CLONES static uint16_t smallest_exponent(const uint16_t *x, int64_t count) {
    uint16_t smallest = 0x7f80;
    for (int64_t i = 0; i < count; i++) {
        const uint16_t magnitude = x[i] & 0x7fff, exponent = magnitude == 0 ? 0x7f80 : magnitude & 0x7f80;
        smallest = exponent < smallest ? exponent : smallest;
    }
    return smallest;
}

static void scan(void *context, int64_t index, int32_t worker) {
    (void)worker;
    job *const j = context;
    const int64_t line = index / j->pieces % j->lines, item = index / j->pieces / j->lines, start = index % j->pieces * CHUNK;
    const uint16_t found = smallest_exponent(j->data + item * j->next + line * j->stride + start, adit_min(CHUNK, j->length - start));
    uint16_t seen = __atomic_load_n(&j->smallest, __ATOMIC_RELAXED);
    while (found < seen && !__atomic_compare_exchange_n(&j->smallest, &seen, found, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

static int smallest(const adit_run *run, const void *data, int64_t count, int64_t lines, int64_t length, int64_t stride, int64_t next) {
    // Packed lines, and packed items, are one.
    if (stride == length || lines == 1) length *= lines, lines = 1;
    if (lines == 1 && (next == length || count == 1)) length *= count, count = 1;
    job j = {.data = data, .lines = lines, .length = length, .stride = stride, .next = next, .pieces = adit_ceil_div(length, CHUNK), .smallest = 0x7f80};
    const int64_t pieces = count * lines * j.pieces;
    adit_parallel(length * lines * count < 1 << 17 ? 1 : run->threads, pieces, scan, &j);
    return j.smallest >> 7;
}

bool adit_bf16_stays_normal(const adit_run *run, const adit_batch *g) {
    if (g->count <= 0 || g->m <= 0 || g->n <= 0 || g->k <= 0) return true;
    const int a = smallest(run, g->a, g->count, g->transpose_a ? g->k : g->m, g->transpose_a ? g->m : g->k, g->lda, g->next_a);
    const int b = smallest(run, g->b, g->count, g->transpose_b ? g->n : g->k, g->transpose_b ? g->k : g->n, g->ldb, g->next_b);
    // An element is a multiple of 2^(e - 127 - 7); every sum of products one of 2^(a + b - 268), and normal numbers start at 2^-126.
    return a >= 1 && b >= 1 && a + b - 268 >= -126;
}
