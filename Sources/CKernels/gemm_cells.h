// What the tile template needs for floats (F32, F64, and BF16 widened to F32), at the vector sizes the includer chose: F32_LANES,
// F64_LANES, the tile FLOAT_ROWS x FLOAT_VECTORS, FLOATS_IN_PLACE (when A is read where it lies: ALWAYS on AVX-512, whose tiles are wide,
// measured 1.02 to 1.07 times as fast; on AVX2 0.93), and PATH(x).

#define FLOAT_CELLS(CELL, BITS, NAN_BITS, LANES, SUFFIX)                                                            \
    typedef CELL PATH(cells_##SUFFIX) __attribute__((ext_vector_type(LANES)));                                      \
    typedef CELL PATH(loose_##SUFFIX) __attribute__((ext_vector_type(LANES), aligned(sizeof(CELL))));               \
    typedef BITS PATH(mask_##SUFFIX) __attribute__((ext_vector_type(LANES)));                                       \
    static inline CELL PATH(element_##SUFFIX)(const CELL *source, int64_t depth_stride, int count) {                \
        (void)depth_stride, (void)count;                                                                            \
        return *source;                                                                                             \
    }                                                                                                               \
    typedef CELL PATH(four_##SUFFIX) __attribute__((ext_vector_type(16 / sizeof(CELL))));                           \
    static inline PATH(four_##SUFFIX) PATH(load_##SUFFIX)(const CELL *source) {                                     \
        PATH(four_##SUFFIX) four;                                                                                   \
        memcpy(&four, source, sizeof four);                                                                         \
        return four;                                                                                                \
    }                                                                                                               \
    static inline void PATH(pack_line_##SUFFIX)(const CELL *source, int64_t depth_stride, CELL *line) {             \
        (void)depth_stride;                                                                                         \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < FLOAT_VECTORS; v++)                                  \
            *(PATH(cells_##SUFFIX) *)(line + v * LANES) = *(const PATH(loose_##SUFFIX) *)(source + v * LANES);      \
    }                                                                                                               \
    static inline void PATH(close_b_##SUFFIX)(int64_t packed, CELL *panel) { (void)packed, (void)panel; }           \
    /* -0 becomes +0 and every NaN the canonical one. */                                                            \
    static inline PATH(cells_##SUFFIX) PATH(canonical_##SUFFIX)(PATH(cells_##SUFFIX) x) {                           \
        const PATH(cells_##SUFFIX) y = x + (PATH(cells_##SUFFIX))((CELL)0);                                         \
        const PATH(mask_##SUFFIX) nan = y != y;                                                                     \
        return (PATH(cells_##SUFFIX))((nan & (PATH(mask_##SUFFIX))((BITS)NAN_BITS)) | (~nan & (PATH(mask_##SUFFIX))y)); \
    }

FLOAT_CELLS(float, int32_t, 0x7fc00000, F32_LANES, f32)
FLOAT_CELLS(double, int64_t, 0x7ff8000000000000, F64_LANES, f64)

// BF16 is binary32's upper half.
static inline float PATH(element_wide)(const uint16_t *source, int64_t depth_stride, int count) {
    (void)depth_stride, (void)count;
    const uint32_t bits = (uint32_t)*source << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static inline PATH(four_f32) PATH(load_wide)(const uint16_t *source) {
    typedef uint16_t halves __attribute__((ext_vector_type(4)));
    typedef uint32_t words __attribute__((ext_vector_type(4)));
    halves four;
    memcpy(&four, source, sizeof four);
    return (PATH(four_f32))(__builtin_convertvector(four, words) << 16);
}
static inline void PATH(pack_line_wide)(const uint16_t *source, int64_t depth_stride, float *line) {
    for (int i = 0; i < FLOAT_VECTORS * F32_LANES; i++) line[i] = PATH(element_wide)(source + i, depth_stride, 1);
}
static inline void PATH(close_b_wide)(int64_t packed, float *panel) { (void)packed, (void)panel; }

#define CELL float
#define PACKED float
#define PACKED_BITS 32
#define SOURCE float
#define DEPTH 1
#define OFFSET 0
#define IN_PLACE FLOATS_IN_PLACE
#define DIRECT 1
#define LANES F32_LANES
#define ROWS FLOAT_ROWS
#define VECTORS FLOAT_VECTORS
#define STEP(acc, a, b) __builtin_elementwise_fma(a, b, acc)
#define FINISH(sum) PATH(canonical_f32)(sum)
#define NAME(x) PATH(x##_f32)
#include "gemm_tile.h"

#define CELL double
#define PACKED double
#define PACKED_BITS 64
#define SOURCE double
#define DEPTH 1
#define OFFSET 0
#define IN_PLACE FLOATS_IN_PLACE
#define DIRECT 1
#define LANES F64_LANES
#define ROWS FLOAT_ROWS
#define VECTORS FLOAT_VECTORS
#define STEP(acc, a, b) __builtin_elementwise_fma(a, b, acc)
#define FINISH(sum) PATH(canonical_f64)(sum)
#define NAME(x) PATH(x##_f64)
#include "gemm_tile.h"

#define CELL float
#define PACKED float
#define PACKED_BITS 32
#define SOURCE uint16_t
#define DEPTH 1
#define OFFSET 0
#define IN_PLACE 0
#define DIRECT 0
#define LANES F32_LANES
#define ROWS FLOAT_ROWS
#define VECTORS FLOAT_VECTORS
#define STEP(acc, a, b) __builtin_elementwise_fma(a, b, acc)
#define FINISH(sum) PATH(canonical_f32)(sum)
#define NAME(x) PATH(x##_wide)
#include "gemm_tile.h"

#define GEMM_PATH(SUFFIX, ROWS, COLUMNS, PLACE) {PATH(tile_##SUFFIX), PATH(scratch_bytes_##SUFFIX), NULL, ROWS, COLUMNS, PLACE == ALWAYS}
#define DIRECT_PATH(SUFFIX, ROWS, COLUMNS) \
    {PATH(tile_##SUFFIX), PATH(scratch_bytes_##SUFFIX), PATH(direct_##SUFFIX), ROWS, COLUMNS, FLOATS_IN_PLACE == ALWAYS}
