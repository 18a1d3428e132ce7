// The Gram matrix's tiles for any processor: 128-bit vectors. Where the target has no fused multiply-add the compiler calls fma().
#define PATH(x) x##_portable
#define LANES 2
#define ROWS 2
#define STRIPS 1
#include "gram_tile.h"

const adit_gram_path adit_gram_portable = GRAM_PATH;
