// I8 by dot products of four bytes (vpdpbusd), which take one operand unsigned: B + 128 goes in for B, and a row of C starts from -128
// times the sum of its row of A, so that A is read where it lies. All of it modulo 2^32, so that what passes 2^31 on the way does no
// harm; the end result is exact where the true one fits, k <= 131,071.

/// Four steps of k in one packed element, the earliest one lowest.
static inline uint32_t PATH(element_i8)(const int8_t *source, int64_t depth_stride, int count) {
    uint32_t packed = 0;
    for (int q = 0; q < count; q++) packed |= (uint32_t)(uint8_t)source[q * depth_stride] << 8 * q;
    return packed;
}
typedef uint32_t PATH(four_i8) __attribute__((ext_vector_type(4)));
static inline PATH(four_i8) PATH(load_i8)(const int8_t *source) {
    PATH(four_i8) four;
    memcpy(&four, source, sizeof four);
    return four;
}

/// 64 columns of four rows, as unsigned bytes of B + 128: interleaved within each 128-bit quarter, then the quarters put in order.
static inline void PATH(pack_line_i8)(const int8_t *source, int64_t depth_stride, uint32_t *line) {
    const __m512i r0 = _mm512_loadu_si512(source), r1 = _mm512_loadu_si512(source + depth_stride);
    const __m512i r2 = _mm512_loadu_si512(source + 2 * depth_stride), r3 = _mm512_loadu_si512(source + 3 * depth_stride);
    const __m512i offset = _mm512_set1_epi8((char)0x80);
    const __m512i t0 = _mm512_unpacklo_epi8(r0, r1), t1 = _mm512_unpackhi_epi8(r0, r1);
    const __m512i t2 = _mm512_unpacklo_epi8(r2, r3), t3 = _mm512_unpackhi_epi8(r2, r3);
    const __m512i u0 = _mm512_unpacklo_epi16(t0, t2), u1 = _mm512_unpackhi_epi16(t0, t2);
    const __m512i u2 = _mm512_unpacklo_epi16(t1, t3), u3 = _mm512_unpackhi_epi16(t1, t3);
    const __m512i a01 = _mm512_shuffle_i32x4(u0, u1, 0x44), a23 = _mm512_shuffle_i32x4(u2, u3, 0x44);  // quarters 0, 1
    const __m512i b01 = _mm512_shuffle_i32x4(u0, u1, 0xee), b23 = _mm512_shuffle_i32x4(u2, u3, 0xee);  // quarters 2, 3
    _mm512_store_si512(line, _mm512_xor_si512(offset, _mm512_shuffle_i32x4(a01, a23, 0x88)));
    _mm512_store_si512(line + 16, _mm512_xor_si512(offset, _mm512_shuffle_i32x4(a01, a23, 0xdd)));
    _mm512_store_si512(line + 32, _mm512_xor_si512(offset, _mm512_shuffle_i32x4(b01, b23, 0x88)));
    _mm512_store_si512(line + 48, _mm512_xor_si512(offset, _mm512_shuffle_i32x4(b01, b23, 0xdd)));
}

/// B + 128, as unsigned bytes.
static inline void PATH(close_b_i8)(int64_t packed, uint32_t *panel) {
    for (int64_t i = 0; i < packed * 64; i++) panel[i] ^= 0x80808080u;
}

/// -128 times the sums of rows of A.
static void PATH(offset_i8)(const int8_t *a, int64_t row_stride, int64_t depth_stride, int64_t rows, int64_t depth, uint32_t *offsets) {
    if (depth_stride == 1) {
        const __m512i ones = _mm512_set1_epi8(1);
        for (int64_t i = 0; i < rows; i++) {
            __m512i sums = _mm512_setzero_si512();
            for (int64_t l = 0; l < depth; l += 64)
                sums = _mm512_dpbusd_epi32(sums, ones, _mm512_maskz_loadu_epi8(~0ull >> (64 - adit_min(depth - l, 64)), a + i * row_stride + l));
            offsets[i] = 0u - 128u * (uint32_t)_mm512_reduce_add_epi32(sums);
        }
        return;
    }
    memset(offsets, 0, (size_t)rows * sizeof *offsets);
    for (int64_t l = 0; l < depth; l++)
        for (int64_t i = 0; i < rows; i++) offsets[i] -= 128u * (uint32_t)a[i * row_stride + l * depth_stride];
}

#define CELL uint32_t
#define PACKED uint32_t
#define PACKED_BITS 32
#define SOURCE int8_t
#define DEPTH 4
#define OFFSET 1
#define IN_PLACE ALWAYS
#define DIRECT 0
#define LANES 16
#define ROWS 6
#define VECTORS 4
#define STEP(acc, a, b) ((PATH(vector_i8))_mm512_dpbusd_epi32((__m512i)(acc), (__m512i)(b), (__m512i)(a)))
#define FINISH(sum) (sum)
#define NAME(x) PATH(x##_i8)
#include "gemm_tile.h"
