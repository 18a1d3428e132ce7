// The verifier's passes for any processor: 128-bit vectors.
#include "dot16.h"
#include "passes.h"

#define PATH(x) x##_portable
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))  // the order and rounding of these sums are free
// A product and a sum, rounded once (but for a rare double rounding, which is nothing here).
#define FLOAT_STEP(WIDE, SUM, a, b, c) __builtin_convertvector((SUM)((double)(a)) * __builtin_convertvector(b, SUM) + __builtin_convertvector(c, SUM), WIDE)
#define F64_LANES 2
#define I32_LANES 4
#define CHAINS 3
#define DOT16(acc, a, b) adit_dot16(acc, a, b)

typedef int64_t long_pair __attribute__((ext_vector_type(2)));
static inline long_pair multiply_low(long_pair a, long_pair b) { return (a << 32 >> 32) * (b << 32 >> 32); }
#define MULTIPLY(a, b) multiply_low(a, b)
#include "passes_all.h"

const adit_field_path adit_field_portable = FIELD_PATH;
const adit_float_path adit_passes_f32_portable = FLOAT_PATH(f32, probe_rounded_f32_portable);
const adit_float_path adit_passes_f64_portable = FLOAT_PATH(f64, NULL);
const adit_float_path adit_passes_bf16_portable = FLOAT_PATH(bf16, probe_rounded_bf16_portable);
