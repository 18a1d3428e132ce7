// BF16 products for x86-64 with AVX-512 BF16: pairs of products at a time (vdpbf16ps), tiles of 6 x 64. The instruction flushes
// subnormals, so that gemm.c asks adit_bf16_smallest first whether any can arise.
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16"))), apply_to = function)
#define PATH(x) x##_pairs

/// Two steps of k in one packed element, the earlier one low.
static inline uint32_t element_bf16_pairs(const uint16_t *source, int64_t depth_stride, int count) {
    return count < 2 ? source[0] : source[0] | (uint32_t)source[depth_stride] << 16;
}
typedef uint32_t four_bf16_pairs __attribute__((ext_vector_type(4)));
static inline four_bf16_pairs load_bf16_pairs(const uint16_t *source) {
    four_bf16_pairs four;
    memcpy(&four, source, sizeof four);
    return four;
}

/// 64 columns of two rows, interleaved.
static inline void pack_line_bf16_pairs(const uint16_t *source, int64_t depth_stride, uint32_t *line) {
    static const uint16_t first[32] = {0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
    const __m512i low = _mm512_loadu_si512(first), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    for (int v = 0; v < 2; v++) {
        const __m512i r0 = _mm512_loadu_si512(source + 32 * v), r1 = _mm512_loadu_si512(source + depth_stride + 32 * v);
        _mm512_store_si512(line + 32 * v, _mm512_permutex2var_epi16(r0, low, r1));
        _mm512_store_si512(line + 32 * v + 16, _mm512_permutex2var_epi16(r0, high, r1));
    }
}
static inline void close_b_bf16_pairs(int64_t packed, uint32_t *panel) { (void)packed, (void)panel; }

/// -0 becomes +0 and every NaN the canonical one.
static inline __m512 canonical_bf16_pairs(__m512 x) {
    const __m512 y = _mm512_add_ps(x, _mm512_setzero_ps());
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(y, y, _CMP_UNORD_Q), y, _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000)));
}

#define CELL float
#define PACKED uint32_t
#define PACKED_BITS 32
#define SOURCE uint16_t
#define DEPTH 2
#define OFFSET 0
#define IN_PLACE ALWAYS
#define DIRECT 0
#define LANES 16
#define ROWS 6
#define VECTORS 4
#define STEP(acc, a, b) ((vector_bf16_pairs)_mm512_dpbf16_ps((__m512)(acc), (__m512bh)(a), (__m512bh)(b)))
#define FINISH(sum) ((vector_bf16_pairs)canonical_bf16_pairs((__m512)(sum)))
#define NAME(x) PATH(x##_bf16)
#include "gemm_tile.h"
#pragma clang attribute pop

const adit_gemm_path adit_bf16_pairs = {tile_bf16_pairs, scratch_bytes_bf16_pairs, NULL, 6, 64, true};
#endif
