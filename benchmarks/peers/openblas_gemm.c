/* OpenBLAS from C, in its free order of summation: cblas_sgemm or cblas_dgemm on random numbers.
 *
 * usage: openblas_gemm DTYPE M N K BATCH THREADS, DTYPE f32 or f64; a batch is a loop of calls. Says the core type in use, then
 * serves standard input: "kernel MS" runs for MS milliseconds and answers {"best_ns", "runs"}. The core type follows
 * OPENBLAS_CORETYPE, which is read at load. */
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

static void *random_numbers(size_t count, int is_double) {
    static unsigned seed = 12345;
    void *memory = aligned_alloc(64, (count * (is_double ? 8 : 4) + 63) / 64 * 64);
    for (size_t i = 0; memory && i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        float value = (float)(seed >> 8) * 0x1p-23f - 1;
        if (is_double) ((double *)memory)[i] = value;
        else ((float *)memory)[i] = value;
    }
    return memory;
}

int main(int argc, char **argv) {
    if (argc != 7) return 2;
    int is_double = !strcmp(argv[1], "f64");
    if (!is_double && strcmp(argv[1], "f32")) return 2;
    int m = atoi(argv[2]), n = atoi(argv[3]), k = atoi(argv[4]), batch = atoi(argv[5]), threads = atoi(argv[6]);
    if (m < 1 || n < 1 || k < 1 || batch < 1 || threads < 1 || m > 65536 || n > 65536 || k > 65536 || batch > 1000000) return 2;
    openblas_set_num_threads(threads);
    size_t size_a = (size_t)m * k, size_b = (size_t)k * n, size_c = (size_t)m * n;
    void *a = random_numbers(size_a * batch, is_double), *b = random_numbers(size_b * batch, is_double), *c = random_numbers(size_c * batch, is_double);
    if (!a || !b || !c) return 1;
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
            for (int i = 0; i < batch; i++) {
                if (is_double)
                    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, (double *)a + i * size_a, k, (double *)b + i * size_b, n, 0,
                        (double *)c + i * size_c, n);
                else
                    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, (float *)a + i * size_a, k, (float *)b + i * size_b, n, 0,
                        (float *)c + i * size_c, n);
            }
            long long took = now_ns() - begin;
            if (took < best) best = took;
            runs++;
        } while (now_ns() - start < ms * 1000000LL);
        printf("{\"best_ns\":%lld,\"runs\":%d}\n", best, runs);
        fflush(stdout);
    }
    return 0;
}
