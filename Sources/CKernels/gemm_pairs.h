// I8 by pairs of 16-bit halves, for processors without byte dot products: I32_LANES, the tile I32_ROWS x 2 vectors, PATH(x), and
// DOT16(acc, a, b), 32-bit sums of products of 16-bit pairs.

/// Two steps of k in one packed element: 16-bit halves, the earlier one low.
static inline uint32_t PATH(element_i8)(const int8_t *source, int64_t depth_stride, int count) {
    const uint32_t low = (uint16_t)(int16_t)source[0];
    return count < 2 ? low : low | (uint32_t)(uint16_t)(int16_t)source[depth_stride] << 16;
}
typedef uint32_t PATH(four_i8) __attribute__((ext_vector_type(4)));
static inline PATH(four_i8) PATH(load_i8)(const int8_t *source) {
    typedef int8_t bytes __attribute__((ext_vector_type(8)));
    typedef int16_t halves __attribute__((ext_vector_type(8)));
    bytes eight;
    memcpy(&eight, source, sizeof eight);
    return (PATH(four_i8))__builtin_convertvector(eight, halves);
}
static inline void PATH(pack_line_i8)(const int8_t *source, int64_t depth_stride, uint32_t *line) {
    for (int i = 0; i < 2 * I32_LANES; i++) line[i] = PATH(element_i8)(source + i, depth_stride, 2);
}
static inline void PATH(close_b_i8)(int64_t packed, uint32_t *panel) { (void)packed, (void)panel; }

#define CELL uint32_t
#define PACKED uint32_t
#define PACKED_BITS 32
#define SOURCE int8_t
#define DEPTH 2
#define OFFSET 0
#define IN_PLACE 0
#define DIRECT 0
#define LANES I32_LANES
#define ROWS I32_ROWS
#define VECTORS 2
#define STEP(acc, a, b) DOT16(acc, a, b)
#define FINISH(sum) (sum)
#define NAME(x) PATH(x##_i8)
#include "gemm_tile.h"
