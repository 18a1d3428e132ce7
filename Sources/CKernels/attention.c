// Attention over threads: picks the path, cuts the queries into tiles, runs them.
#include "attention.h"

#include <stdlib.h>

typedef struct {
    adit_progress progress;
    const adit_attention_path *path;
    const adit_attention *shape;
    const char *q, *k, *v;
    float *o;
    int64_t element, tiles;
    char *scratch;
    size_t scratch_stride;
} job;

static void run_tile(void *context, int64_t index, int32_t worker) {
    job *const j = context;
    if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED) != 0) return;
    const adit_attention *const a = j->shape;
    // Heads one after the other, so that the threads share their keys; under a mask the last queries, which see most, come first.
    const int64_t head = index / j->tiles, tile = a->causal ? j->tiles - 1 - index % j->tiles : index % j->tiles;
    const int64_t rows = a->queries * a->d * head, columns = a->keys * a->d * head, q0 = tile * j->path->queries;
    const adit_attention_head h = {.q = j->q + rows * j->element, .k = j->k + columns * j->element, .v = j->v + columns * j->element, .o = j->o + rows,
        .keys = a->keys, .d = a->d, .scale = (float)(a->scale * 1.4426950408889634), .causal = a->causal};
    j->path->tile(&h, q0, adit_min(j->path->queries, a->queries - q0), j->scratch + (size_t)worker * j->scratch_stride, &j->progress);
}

static int32_t attend(const adit_run *run, const adit_attention_path *path, int64_t element, const adit_attention *a, const void *q, const void *k,
    const void *v, float *o) {
    if (a->heads < 0 || a->queries < 0 || a->keys < 1 || a->d < 1 || (a->causal && a->keys != a->queries)) return ADIT_BAD_ARGUMENT;
    job j = {.progress = {.run = run}, .path = path, .shape = a, .q = q, .k = k, .v = v, .o = o, .element = element};
    j.tiles = adit_ceil_div(a->queries, path->queries);
    const int64_t tasks = a->heads * j.tiles, workers = adit_min(run->threads, tasks);
    if (tasks == 0) return ADIT_OK;
    j.scratch_stride = (size_t)adit_round_up((int64_t)path->scratch_bytes(a->d), ADIT_ALIGNMENT);
    j.scratch = adit_allocate(j.scratch_stride * (size_t)workers);
    if (j.scratch == NULL) return ADIT_NO_MEMORY;
    adit_parallel((int32_t)workers, tasks, run_tile, &j);
    free(j.scratch);
    return j.progress.canceled != 0 ? ADIT_CANCELED : ADIT_OK;
}

static const adit_attention_path *const f32_paths[] = ADIT_PATHS(attention_f32);
static const adit_attention_path *const bf16_paths[] = ADIT_PATHS(attention_bf16);

int32_t adit_attention_f32(const adit_run *run, const adit_attention *shape, const float *q, const float *k, const float *v, float *o) {
    if (!adit_run_is_valid(run)) return ADIT_BAD_ARGUMENT;
    return attend(run, f32_paths[run->isa], 4, shape, q, k, v, o);
}

#if defined(__x86_64__)
/// Whether an element is subnormal: the dot products of pairs read it as zero.
CLONES static bool has_subnormals(const uint16_t *x, int64_t count) {
    uint32_t found = 0;
    for (int64_t i = 0; i < count; i++) found |= (uint32_t)((x[i] & 0x7f80) == 0) & (uint32_t)((x[i] & 0x7f) != 0);
    return found != 0;
}
#endif

int32_t adit_attention_bf16(const adit_run *run, const adit_attention *shape, const uint16_t *q, const uint16_t *k, const uint16_t *v, float *o) {
    if (!adit_run_is_valid(run)) return ADIT_BAD_ARGUMENT;
    const adit_attention_path *path = bf16_paths[run->isa];
#if defined(__x86_64__)
    // A product that is subnormal, and read as zero, changes a score by less than 2^-60: scales are at most 2^64.
    if (run->isa == ADIT_ISA_AVX512 && shape->d % 2 == 0 && __builtin_cpu_supports("avx512bf16")
        && !has_subnormals(q, shape->heads * shape->queries * shape->d) && !has_subnormals(k, shape->heads * shape->keys * shape->d))
        path = &adit_attention_bf16_pairs;
#endif
    return attend(run, path, 2, shape, q, k, v, o);
}
