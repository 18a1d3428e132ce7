// The few functions of libxsmm that are used, declared here: its own header brings thousands of macros. Linked statically, since Debian has
// archives only (docs/decisions/0011-libxsmm-is-linked.md).
//
// Source: libxsmm.h and libxsmm_typedefs.h, 1.17.
#pragma once
#include <libxsmm_config.h>
#include <libxsmm_version.h>
#include <stddef.h>

#if LIBXSMM_CONFIG_VERSION_MAJOR != 1 || LIBXSMM_CONFIG_VERSION_MINOR != 17
#error "these declarations are libxsmm 1.17's"
#endif
#if LIBXSMM_CONFIG_ILP64 != 0
#error "libxsmm's integers must have 32 bits"
#endif

/// Opens the library; the program's start does, and so does whoever asks for code. libxsmm_finalize frees its tables and all code.
void libxsmm_init(void);
void libxsmm_finalize(void);
/// The best instruction set that the processor has.
int libxsmm_cpuid(void);
/// What code is made for from now on.
void libxsmm_set_target_archid(int id);
const char *libxsmm_get_target_arch(void);

typedef void (*adit_xsmm_f32)(const float *a, const float *b, float *c);
typedef void (*adit_xsmm_f64)(const double *a, const double *b, double *c);
adit_xsmm_f32 libxsmm_smmdispatch(int m, int n, int k, const int *lda, const int *ldb, const int *ldc, const float *alpha, const float *beta,
    const int *flags, const int *prefetch);
adit_xsmm_f64 libxsmm_dmmdispatch(int m, int n, int k, const int *lda, const int *ldb, const int *ldc, const double *alpha,
    const double *beta, const int *flags, const int *prefetch);

/// Code for C = A·op(B), column-major: A m × k, op(B) k × n, C m × n, packed; null if there is none.
static inline const void *adit_xsmm_code(int is_f64, int m, int n, int k, int transpose_b) {
    // LIBXSMM_GEMM_FLAG_TRANS_B and LIBXSMM_GEMM_PREFETCH_NONE; without the latter the environment would choose.
    const int ldb = transpose_b ? n : k, flags = transpose_b ? 2 : 0, prefetch = 0;
    if (is_f64) {
        const double alpha = 1, beta = 0;
        return (const void *)libxsmm_dmmdispatch(m, n, k, &m, &ldb, &m, &alpha, &beta, &flags, &prefetch);
    }
    const float alpha = 1, beta = 0;
    return (const void *)libxsmm_smmdispatch(m, n, k, &m, &ldb, &m, &alpha, &beta, &flags, &prefetch);
}

/// `count` products one after the other, each operand packed behind the one before.
static inline void adit_xsmm_run_f32(
    const void *code, const float *a, const float *b, float *c, size_t size_a, size_t size_b, size_t size_c, size_t count) {
    for (size_t i = 0; i < count; ++i) ((adit_xsmm_f32)code)(a + i * size_a, b + i * size_b, c + i * size_c);
}
static inline void adit_xsmm_run_f64(
    const void *code, const double *a, const double *b, double *c, size_t size_a, size_t size_b, size_t size_c, size_t count) {
    for (size_t i = 0; i < count; ++i) ((adit_xsmm_f64)code)(a + i * size_a, b + i * size_b, c + i * size_c);
}
