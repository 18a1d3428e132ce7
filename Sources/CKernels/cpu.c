// Which instruction-set paths this machine runs.
#include "internal.h"

bool adit_isa_available(int32_t isa) {
    switch (isa) {
    case ADIT_ISA_PORTABLE: return true;
#if defined(__x86_64__)
    case ADIT_ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case ADIT_ISA_AVX512:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#endif
    default: return false;
    }
}

const char *adit_cpu_features(void) {
#if defined(__x86_64__)
    // Each state that a path or an operator cares about, from most to least capable.
    if (adit_isa_available(ADIT_ISA_AVX512))
        return __builtin_cpu_supports("avx512bf16") ? "avx2 fma avx512 avx512vnni avx512bf16" : "avx2 fma avx512 avx512vnni";
    if (__builtin_cpu_supports("avx512f")) return "avx2 fma avx512f";
    if (adit_isa_available(ADIT_ISA_AVX2)) return __builtin_cpu_supports("avxvnni") ? "avx2 fma avxvnni" : "avx2 fma";
    if (__builtin_cpu_supports("avx")) return "avx";
    return "sse2";
#elif defined(__aarch64__)
    return "neon";
#else
    return "";
#endif
}
