/* OpenBLAS from C, in its free order of summation: cblas_sgemm on n x n x n random numbers.
 *
 * usage: openblas_gemm N THREADS. Says the core type in use, then serves standard input: "kernel MS" runs for MS
 * milliseconds and answers {"best_ns", "runs"}. The core type follows OPENBLAS_CORETYPE, which is read at load. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int n = atoi(argv[1]), threads = atoi(argv[2]);
    if (n < 1 || n > 16384 || threads < 1) return 2;
    openblas_set_num_threads(threads);
    size_t count = (size_t)n * n;
    float *a = aligned_alloc(64, (count * 4 + 63) / 64 * 64), *b = aligned_alloc(64, (count * 4 + 63) / 64 * 64),
          *c = aligned_alloc(64, (count * 4 + 63) / 64 * 64);
    if (!a || !b || !c) return 1;
    unsigned seed = 12345;
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        a[i] = (float)(seed >> 8) * 0x1p-23f - 1;
        seed = seed * 1664525u + 1013904223u;
        b[i] = (float)(seed >> 8) * 0x1p-23f - 1;
    }
    memset(c, 0, count * 4);
    printf("{\"ready\":\"OpenBLAS %s\",\"threads\":%d}\n", openblas_get_corename(), openblas_get_num_threads());
    fflush(stdout);
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        long ms = 0;
        if (sscanf(line, "kernel %ld", &ms) != 1) return 2;
        long long start = now_ns(), best = 1LL << 62;
        int runs = 0;
        do {
            long long begin = now_ns();
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
            long long took = now_ns() - begin;
            if (took < best) best = took;
            runs++;
        } while (now_ns() - start < ms * 1000000LL);
        printf("{\"best_ns\":%lld,\"runs\":%d}\n", best, runs);
        fflush(stdout);
    }
    return 0;
}
