// Attention's check for any processor: 128-bit vectors, products and sums rounded apart where there is no fused instruction.
#include "attention_rows.h"

#define PATH(x) x##_portable
#define LANES 2
#define VECTORS 2
#define KEYS 4
#define DIMS 4
#if defined(__ARM_FEATURE_FMA)
#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#include "attention_rows_tile.h"

const adit_attention_rows_path adit_attention_rows_portable = ATTENTION_ROWS_PATH;
