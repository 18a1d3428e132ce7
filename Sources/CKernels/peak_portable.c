// Peaks of any processor: 128-bit vectors, fused where the target has such an instruction. None for I8, where compilers find too many
// ways for one of them to be the most; see peak.h.
#include "peak.h"

#if defined(PEAK_REGISTER)
#pragma clang fp contract(fast)

typedef float four_f32 __attribute__((ext_vector_type(4)));
typedef double two_f64 __attribute__((ext_vector_type(2)));

static void peak_f32(int64_t turns) {
    const four_f32 a = 0.5f, b = 1.0f;
#define VECTOR four_f32
#define START b
#define STEP(acc) acc * a + b
    PEAK_LOOP
#undef VECTOR
}
static void peak_f64(int64_t turns) {
    const two_f64 a = 0.5, b = 1.0;
#define VECTOR two_f64
    PEAK_LOOP
}

const adit_peak_loop adit_peaks_portable[4] = {
    {"128-bit multiply and add f32", peak_f32, adit_peak_chains * 8},
    {"128-bit multiply and add f64", peak_f64, adit_peak_chains * 4},
    {0},
    {"128-bit multiply and add f32", peak_f32, adit_peak_chains * 8},
};
#else
const adit_peak_loop adit_peaks_portable[4] = {{0}};
#endif
