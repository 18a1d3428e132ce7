// The direct convolution for any processor: 128-bit vectors.
#include "conv.h"
#include "dot16.h"

#define PATH(x) x##_portable
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))  // the order and rounding of these sums are free
#define F32_LANES 4
#define F64_LANES 2
#define I32_LANES 4
#define F32_ROWS 6
#define I32_ROWS 6
#define F64_ROWS 8
#define F64_VECTORS 1
#define DOT16(acc, a, b) adit_dot16(acc, a, b)

typedef int64_t conv_long_pair __attribute__((ext_vector_type(2)));
#define MULTIPLY(a, b) ((conv_long_pair)(a) * (conv_long_pair)(b))
#include "conv_cells.h"

const adit_conv_path adit_conv_f32_portable = CONV_F32_PATH;
const adit_conv_path adit_conv_i8_portable = CONV_I8_PATH;
const adit_conv_path adit_conv_f64_portable = CONV_F64_PATH;
const adit_conv_path adit_conv_wide_portable = CONV_WIDE_PATH;
const adit_conv_quads_path adit_conv_quads_portable = CONV_QUADS_PATH;
const adit_conv_field_path adit_conv_field_portable = CONV_FIELD_PATH;
