// What the files of this target share: the parallel loop, the floating-point environment, the table of paths.
#ifndef ADIT_INTERNAL_H
#define ADIT_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "adit_kernels.h"

#define NARROW 1  // see IN_PLACE in gemm_tile.h
#define ALWAYS 2
#define ADIT_PANEL 256  // the panel of the panel-256 rule
#define ADIT_ALIGNMENT 64

static inline int64_t adit_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t adit_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t adit_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t adit_round_up(int64_t a, int64_t b) { return adit_ceil_div(a, b) * b; }

/// Calls body(context, index, worker) once for each index in 0..<count, on at most `threads` threads with worker in
/// 0..<threads. Indexes are handed out in order, one at a time. Threads that can't be created leave their share to the rest.
/// Every call runs in round-to-nearest with subnormals kept.
typedef void (*adit_body)(void *context, int64_t index, int32_t worker);
void adit_parallel(int32_t threads, int64_t count, adit_body body, void *context);

/// `bytes` of memory aligned to 64, or NULL; freed with free().
void *adit_allocate(size_t bytes);

/// Scratch memory for one call, aligned to 64, or NULL; given back with adit_give. The last block that was given back is kept for the next call, in
/// huge pages: small ones land anywhere in the caches' sets, which makes a process slower by up to a tenth for as long as it has them.
void *adit_take(size_t bytes);
void adit_give(void *memory);

/// A run and where it is; shared by the call's threads.
typedef struct {
    const adit_run *run;
    int64_t done;
    int32_t telling, canceled;
} adit_progress;

/// Whether the caller has the threads stand still.
static inline bool adit_is_held(const adit_run *run) { return run->held != NULL && __atomic_load_n(run->held, __ATOMIC_RELAXED) != 0; }

/// Returns some milliseconds after the work goes on, or has been stopped.
void adit_stand_still(const adit_progress *progress);

/// Adds operations and tells the caller, unless another thread is doing so; stands still while the caller says so. False once the call is to stop.
static inline bool adit_advance(adit_progress *progress, int64_t operations) {
    const adit_run *const run = progress->run;
    __atomic_fetch_add(&progress->done, operations, __ATOMIC_RELAXED);
    if (run->step != NULL && __atomic_exchange_n(&progress->telling, 1, __ATOMIC_ACQUIRE) == 0) {
        if (run->step(run->context, __atomic_load_n(&progress->done, __ATOMIC_RELAXED)) != 0) __atomic_store_n(&progress->canceled, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&progress->telling, 0, __ATOMIC_RELEASE);
    } else if (adit_is_held(run)) {
        adit_stand_still(progress);
    }
    return __atomic_load_n(&progress->canceled, __ATOMIC_RELAXED) == 0;
}

/// Where place `index`, in row-major order of the axes, lies.
static inline int64_t adit_offset(const adit_axes *axes, int64_t index) {
    int64_t offset = 0;
    for (int32_t d = axes->count - 1; d >= 0; d--) {
        offset += index % axes->size[d] * axes->stride[d];
        index /= axes->size[d];
    }
    return offset;
}

/// True when the run can be carried out on this machine.
static inline bool adit_run_is_valid(const adit_run *run) { return run->threads >= 1 && adit_isa_available(run->isa); }

/// The table of a kind of path, by ADIT_ISA_*.
#if defined(__x86_64__)
#define ADIT_PATHS(KIND) {&adit_##KIND##_portable, &adit_##KIND##_avx2, &adit_##KIND##_avx512}
#else
#define ADIT_PATHS(KIND) {&adit_##KIND##_portable}
#endif

/// One product as a path's code sees it: C[i, j] at c + i * c_row + j * c_column; op(A)[i, l] at a + i * a_row + l * a_depth
/// and op(B)[l, j] at b + l * b_depth + j * b_column, strides in elements, one of each operand's two being 1.
typedef struct {
    int64_t m, n, k;
    const void *a;
    int64_t a_row, a_depth;
    const void *b;
    int64_t b_depth, b_column;
    void *c;
    int64_t c_row, c_column;
    bool past_caches;  // whether C of a small product is better written to memory at once: a batch of them is larger than the caches
} adit_product;

/// `tile`: rows [row0, row1) and columns [column0, column1) of a product, with `scratch` of scratch_bytes(rows, columns, k); false if the
/// call was stopped. `direct`, where there is one: a whole small product, with the scratch of a tile of all of it.
typedef struct {
    bool (*tile)(adit_progress *progress, const adit_product *p, int64_t row0, int64_t row1, int64_t column0, int64_t column1, void *scratch);
    size_t (*scratch_bytes)(int64_t rows, int64_t columns, int64_t k);
    void (*direct)(const adit_product *p, void *scratch);
    int64_t row_step, column_step;  // register tile
    bool in_place;                  // whether `tile` reads an A whose depth is contiguous where it lies, whatever the size
} adit_gemm_path;

/// The paths compiled into this build; `wide` is BF16 by way of F32.
extern const adit_gemm_path adit_f32_portable, adit_f64_portable, adit_i8_portable, adit_wide_portable;
extern const adit_gemm_path adit_f32_avx2, adit_f64_avx2, adit_i8_avx2, adit_wide_avx2;
extern const adit_gemm_path adit_f32_avx512, adit_f64_avx512, adit_i8_avx512, adit_wide_avx512;
/// BF16 by its own instruction, where the processor has it; see gemm_bf16.c for when it may be used.
extern const adit_gemm_path adit_bf16_pairs;

/// Whether no product and no sum of a BF16 batch can be subnormal, from the exponents of its elements.
bool adit_bf16_stays_normal(const adit_run *run, const adit_batch *batch);

// The compiler's dispatch by processor: with a fused multiply-add instruction where there is one, by fma() otherwise. The same bits.
// Not under a sanitizer: its checks would run in the dispatch's resolvers, before it has started.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#endif
