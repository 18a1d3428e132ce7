// What the tile template needs for each kind of cell, at the vector sizes the includer chose: F32_LANES, F64_LANES, I32_LANES,
// the tile's rows F32_ROWS, F64_ROWS, I32_ROWS, DOT16(acc, a, b) (32-bit sums of products of 16-bit pairs), and PATH(x).

#define FLOAT_CELLS(CELL, BITS, NAN_BITS, LANES, SUFFIX)                                                            \
    typedef CELL PATH(vector_##SUFFIX) __attribute__((ext_vector_type(LANES)));                                     \
    typedef BITS PATH(mask_##SUFFIX) __attribute__((ext_vector_type(LANES)));                                       \
    static inline CELL PATH(element_##SUFFIX)(const CELL *source, int64_t depth_stride) {                           \
        (void)depth_stride;                                                                                         \
        return *source;                                                                                             \
    }                                                                                                               \
    static inline CELL PATH(half_##SUFFIX)(CELL value) { return value; }                                            \
    typedef CELL PATH(quad_##SUFFIX) __attribute__((ext_vector_type(16 / sizeof(CELL))));                           \
    static inline PATH(quad_##SUFFIX) PATH(load_##SUFFIX)(const CELL *source) {                                     \
        PATH(quad_##SUFFIX) four;                                                                                   \
        memcpy(&four, source, sizeof four);                                                                         \
        return four;                                                                                                \
    }                                                                                                               \
    /* -0 becomes +0 and every NaN the canonical one. */                                                            \
    static inline PATH(vector_##SUFFIX) PATH(canonical_##SUFFIX)(PATH(vector_##SUFFIX) x) {                         \
        const PATH(vector_##SUFFIX) y = x + (PATH(vector_##SUFFIX))((CELL)0);                                       \
        const PATH(mask_##SUFFIX) nan = y != y;                                                                     \
        return (PATH(vector_##SUFFIX))((nan & (PATH(mask_##SUFFIX))((BITS)NAN_BITS)) | (~nan & (PATH(mask_##SUFFIX))y)); \
    }

FLOAT_CELLS(float, int32_t, 0x7fc00000, F32_LANES, f32)
FLOAT_CELLS(double, int64_t, 0x7ff8000000000000, F64_LANES, f64)

/// Two steps of k in one packed element: 16-bit halves, the earlier one low.
static inline uint32_t PATH(element_i8)(const int8_t *source, int64_t depth_stride) {
    return (uint32_t)(uint16_t)(int16_t)source[0] | (uint32_t)(uint16_t)(int16_t)source[depth_stride] << 16;
}
static inline uint32_t PATH(half_i8)(int8_t value) { return (uint16_t)(int16_t)value; }
typedef uint32_t PATH(quad_i8) __attribute__((ext_vector_type(4)));
static inline PATH(quad_i8) PATH(load_i8)(const int8_t *source) {
    typedef int8_t bytes __attribute__((ext_vector_type(8)));
    typedef int16_t halves __attribute__((ext_vector_type(8)));
    bytes eight;
    memcpy(&eight, source, sizeof eight);
    return (PATH(quad_i8))__builtin_convertvector(eight, halves);
}

#define CELL float
#define QUAD_BITS 32
#define SOURCE float
#define DEPTH 1
#define LANES F32_LANES
#define ROWS F32_ROWS
#define STEP(acc, a, b) __builtin_elementwise_fma(a, b, acc)
#define FINISH(sum) PATH(canonical_f32)(sum)
#define NAME(x) PATH(x##_f32)
#include "gemm_tile.h"

#define CELL double
#define QUAD_BITS 64
#define SOURCE double
#define DEPTH 1
#define LANES F64_LANES
#define ROWS F64_ROWS
#define STEP(acc, a, b) __builtin_elementwise_fma(a, b, acc)
#define FINISH(sum) PATH(canonical_f64)(sum)
#define NAME(x) PATH(x##_f64)
#include "gemm_tile.h"

#define CELL uint32_t
#define QUAD_BITS 32
#define SOURCE int8_t
#define DEPTH 2
#define LANES I32_LANES
#define ROWS I32_ROWS
#define STEP(acc, a, b) DOT16(acc, a, b)
#define FINISH(sum) (sum)
#define NAME(x) PATH(x##_i8)
#include "gemm_tile.h"

#define GEMM_PATH(SUFFIX, ROWS, LANES) {PATH(tile_##SUFFIX), PATH(scratch_bytes_##SUFFIX), ROWS, 2 * LANES}
