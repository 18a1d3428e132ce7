// Attention for any processor: 128-bit vectors. A product and a sum are rounded apart where there is no fused instruction: the
// arithmetic is free.
#include "attention.h"

#define PATH(x) x##_portable
#define LANES 4
#define VECTORS 2
#define KEYS 4
#define DIMS 4
#if defined(__ARM_FEATURE_FMA)
#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define PAIRS(a, b, c) ((void)(a), (c))
#include "attention_tile.h"
DEFINE_TILE(tile_f32, ADIT_ROWS_F32)
DEFINE_TILE(tile_bf16, ADIT_ROWS_BF16)

const adit_attention_path adit_attention_f32_portable = ATTENTION_PATH(tile_f32);
const adit_attention_path adit_attention_bf16_portable = ATTENTION_PATH(tile_bf16);
