// The types of the OpenBLAS functions that are looked up at run time (dlsym). Nothing is linked, and no header of OpenBLAS's is
// needed: an installation without the library still builds and runs.
//
// Source: OpenBLAS's cblas.h, 0.3.x with 32-bit integers (the only build that libopenblas.so.0 holds on Debian).
#pragma once
#include <stdint.h>

enum { adit_blas_row_major = 101, adit_blas_no_transpose = 111, adit_blas_transpose = 112 };

typedef void (*adit_blas_sgemm)(int32_t order, int32_t transpose_a, int32_t transpose_b, int32_t m, int32_t n, int32_t k, float alpha,
    const float *a, int32_t lda, const float *b, int32_t ldb, float beta, float *c, int32_t ldc);
typedef void (*adit_blas_dgemm)(int32_t order, int32_t transpose_a, int32_t transpose_b, int32_t m, int32_t n, int32_t k, double alpha,
    const double *a, int32_t lda, const double *b, int32_t ldb, double beta, double *c, int32_t ldc);
typedef void (*adit_blas_set_threads)(int32_t threads);
typedef int32_t (*adit_blas_get_threads)(void);
typedef char *(*adit_blas_text)(void);

// Two of glibc's functions that Swift's Glibc module doesn't show, being declared for _GNU_SOURCE only: here by other names, so that
// they can't contradict a header that does show them.

/// An empty file in memory, closed on exec if flags is 1; -1 and errno without one.
int adit_memory_file(const char *name, unsigned int flags) __asm__("memfd_create");

/// glibc's Dl_info.
typedef struct {
    const char *file;
    void *base;
    const char *symbol;
    void *address;
} adit_symbol_info;

/// Where an address was loaded from; 0 if unknown.
int adit_symbol_lookup(const void *address, adit_symbol_info *info) __asm__("dladdr");
