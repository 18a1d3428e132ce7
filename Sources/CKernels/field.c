// Matrix-vector products over GF(2^61 - 1): digits once, then entries over threads.
#include <stdlib.h>

#include "passes.h"

static const adit_field_path *const paths[] = ADIT_PATHS(field);

typedef struct {
    const adit_field_path *path;
    adit_view matrix;
    int64_t count, chunks;
    const uint64_t *vectors;
    const adit_digits *digits;
    bool wide;  // I32, else I8
    uint64_t *out;
} job;

/// Entries first..<last of the product of a transposed I32 matrix: rare, so plain.
static void transposed_i32(const job *j, int64_t first, int64_t last, const uint64_t *x, uint64_t *out) {
    const int32_t *const data = j->matrix.data;
    __int128 sums[FIELD_CHUNK] = {0};
    for (int64_t row = 0; row < j->matrix.columns; row++)
        for (int64_t l = first; l < last; l++) sums[l - first] += (__int128)data[row * j->matrix.rows + l] * (__int128)x[row];
    for (int64_t l = first; l < last; l++) out[l] = adit_field_reduce(sums[l - first]);
}

static void run_chunk(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const int64_t vector = index / j->chunks, first = index % j->chunks * FIELD_CHUNK;
    const int64_t rows = j->matrix.rows, columns = j->matrix.columns, last = adit_min(first + FIELD_CHUNK, rows);
    uint64_t *const out = j->out + vector * rows;
    const adit_digits *const x = &j->digits[vector];
    if (j->wide && j->matrix.transposed) transposed_i32(j, first, last, j->vectors + vector * columns, out);
    else if (j->wide) j->path->field_i32(j->matrix.data, columns, first, last, x, out);
    else if (j->matrix.transposed) j->path->field_i8_transposed(j->matrix.data, rows, columns, first, last, x, out);
    else j->path->field_i8(j->matrix.data, columns, first, last, x, out);
}

/// Four digits in -2^15..<2^15, from the lowest; the highest stays below 2^14, since values are below 2^61.
static void split_sixteens(const uint64_t *x, int64_t count, int64_t stride, int16_t *digits) {
    for (int64_t j = 0; j < count; j++) {
        int64_t rest = (int64_t)x[j];
        for (int t = 0; t < 4; t++) {
            const int16_t digit = (int16_t)(uint16_t)(uint64_t)rest;
            digits[t * stride + j] = digit;
            rest = (rest - digit) / 65536;
        }
    }
}

static void split_twenties(const uint64_t *x, int64_t count, int64_t stride, int32_t *digits) {
    for (int64_t j = 0; j < count; j++)
        for (int t = 0; t < 3; t++) digits[t * stride + j] = (int32_t)(x[j] >> (21 * t) & 0x1fffff);
}

static int32_t product(const adit_run *run, adit_view matrix, const uint64_t *vectors, int64_t count, bool wide, uint64_t *out) {
    if (!adit_run_is_valid(run) || matrix.rows < 0 || matrix.columns < 0 || count < 0) return ADIT_BAD_ARGUMENT;
    if (matrix.rows == 0 || count == 0) return ADIT_OK;
    const int64_t stride = adit_round_up(matrix.columns + 1, 64);
    const size_t bytes = (size_t)stride * (wide ? 3 * sizeof(int32_t) : 4 * sizeof(int16_t));
    adit_digits *const digits = adit_allocate((size_t)count * sizeof *digits);
    char *const storage = adit_allocate((size_t)count * bytes);
    if (digits == NULL || storage == NULL) {
        free(digits);
        free(storage);
        return ADIT_NO_MEMORY;
    }
    memset(storage, 0, (size_t)count * bytes);
    for (int64_t v = 0; v < count; v++) {
        void *const place = storage + (size_t)v * bytes;
        digits[v] = (adit_digits){.stride = stride, .sixteens = place, .twenties = place};
        if (wide) split_twenties(vectors + v * matrix.columns, matrix.columns, stride, place);
        else split_sixteens(vectors + v * matrix.columns, matrix.columns, stride, place);
    }
    job j = {.path = paths[run->isa], .matrix = matrix, .count = count, .chunks = adit_ceil_div(matrix.rows, FIELD_CHUNK), .vectors = vectors,
        .digits = digits, .wide = wide, .out = out};
    adit_parallel(run->threads, j.chunks * count, run_chunk, &j);
    free(digits);
    free(storage);
    return ADIT_OK;
}

typedef struct {
    const adit_run *run;
    adit_view matrix;
    int64_t count, vectors;
    const uint64_t *x;
    bool own, wide;
    uint64_t *out;
    int32_t status;
} batch;

static void one_of_batch(batch *all, const adit_run *run, int64_t index) {
    adit_view one = all->matrix;
    one.data = (const char *)one.data + index * one.rows * one.columns * (all->wide ? 4 : 1);
    for (int64_t v = 0; v < all->vectors; v++) {
        const uint64_t *const x = all->own ? all->x + (v * all->count + index) * one.columns : all->x + v * one.columns;
        const int32_t status = product(run, one, x, 1, all->wide, all->out + (v * all->count + index) * one.rows);
        if (status != ADIT_OK) __atomic_store_n(&all->status, status, __ATOMIC_RELAXED);
    }
}

static void batch_task(void *context, int64_t index, int32_t worker) {
    (void)worker;
    batch *const all = context;
    adit_run alone = *all->run;
    alone.threads = 1;
    one_of_batch(all, &alone, index);
}

/// A batch with one vector for all of its matrices is one tall matrix, unless they are transposed.
static int32_t product_of_batch(
    const adit_run *run, adit_view matrix, int64_t count, const uint64_t *x, int64_t vectors, bool own, bool wide, uint64_t *out) {
    if (!adit_run_is_valid(run) || matrix.rows < 0 || matrix.columns < 0 || count < 0 || vectors < 0) return ADIT_BAD_ARGUMENT;
    if (count == 1 || (!own && !matrix.transposed)) {
        matrix.rows *= count;
        return product(run, matrix, x, vectors, wide, out);
    }
    batch all = {.run = run, .matrix = matrix, .count = count, .vectors = vectors, .x = x, .own = own, .wide = wide, .out = out};
    if (matrix.rows * matrix.columns < 1 << 20) adit_parallel(run->threads, count, batch_task, &all);
    else for (int64_t i = 0; i < count; i++) one_of_batch(&all, run, i);
    return all.status;
}

int32_t adit_field_product_i8(const adit_run *run, adit_view matrix, int64_t count, const uint64_t *x, int64_t vectors, bool own, uint64_t *out) {
    return product_of_batch(run, matrix, count, x, vectors, own, false, out);
}

int32_t adit_field_product_i32(const adit_run *run, adit_view matrix, int64_t count, const uint64_t *x, int64_t vectors, bool own, uint64_t *out) {
    return product_of_batch(run, matrix, count, x, vectors, own, true, out);
}
