/* The processor's peak: independent multiply-adds in registers, nothing from memory.
 *
 * usage: peak KIND THREADS, KIND one of f32, f64 (fused multiply-add), i8 (VNNI), bf16 (vdpbf16ps). Says how many operations a run
 * has, then serves standard input: "kernel MS" runs for MS milliseconds and answers {"best_ns", "runs"}. Twelve accumulators: more
 * than latency times throughput of any processor so far. Exits with 3 where the processor lacks the instruction. */
#include <immintrin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHAINS = 12, TURNS = 200000, MOST = 64 };

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Each accumulator is a variable of its own, which the empty assembly keeps in a register. */
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define DECLARE(I) VECTOR acc##I = {0};
#define ADVANCE(I)         \
    acc##I = STEP(acc##I); \
    __asm__ volatile("" : "+v"(acc##I));
#define LOOP      \
    EACH(DECLARE) \
    for (int turn = 0; turn < TURNS; turn++) { EACH(ADVANCE) }

__attribute__((target("avx512f"))) static void f32_512(void) {
    const __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(1.0f);
#define VECTOR __m512
#define STEP(acc) _mm512_fmadd_ps(acc, a, b)
    LOOP
#undef VECTOR
#undef STEP
}
__attribute__((target("avx512f"))) static void f64_512(void) {
    const __m512d a = _mm512_set1_pd(0.5), b = _mm512_set1_pd(1.0);
#define VECTOR __m512d
#define STEP(acc) _mm512_fmadd_pd(acc, a, b)
    LOOP
#undef VECTOR
#undef STEP
}
__attribute__((target("avx2,fma"))) static void f32_256(void) {
    const __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(1.0f);
#define VECTOR __m256
#define STEP(acc) _mm256_fmadd_ps(acc, a, b)
    LOOP
#undef VECTOR
#undef STEP
}
__attribute__((target("avx2,fma"))) static void f64_256(void) {
    const __m256d a = _mm256_set1_pd(0.5), b = _mm256_set1_pd(1.0);
#define VECTOR __m256d
#define STEP(acc) _mm256_fmadd_pd(acc, a, b)
    LOOP
#undef VECTOR
#undef STEP
}
__attribute__((target("avx512f,avx512vnni"))) static void i8_512(void) {
    const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
#define VECTOR __m512i
#define STEP(acc) _mm512_dpbusd_epi32(acc, a, b)
    LOOP
#undef VECTOR
#undef STEP
}
__attribute__((target("avx512f,avx512bf16"))) static void bf16_512(void) {
    const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3f80), b = (__m512bh)_mm512_set1_epi16(0x3f00);
#define VECTOR __m512
#define STEP(acc) _mm512_dpbf16_ps(acc, a, b)
    LOOP
#undef VECTOR
#undef STEP
}

typedef struct {
    const char *kind;
    const char *feature;
    void (*run)(void);
    int operations; /* of one instruction */
} peak;

static int has(const char *feature) {
    __builtin_cpu_init();
    if (!strcmp(feature, "avx512f")) return __builtin_cpu_supports("avx512f");
    if (!strcmp(feature, "avx512vnni")) return __builtin_cpu_supports("avx512vnni");
    if (!strcmp(feature, "avx512bf16")) return __builtin_cpu_supports("avx512bf16");
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* Best first. */
static const peak peaks[] = {
    {"f32", "avx512f", f32_512, 32},   {"f32", "avx2", f32_256, 16}, {"f64", "avx512f", f64_512, 16},
    {"f64", "avx2", f64_256, 8},       {"i8", "avx512vnni", i8_512, 128}, {"bf16", "avx512bf16", bf16_512, 64},
};

static pthread_barrier_t start, end;
static void (*run)(void);

static void *work(void *unused) {
    (void)unused;
    for (;;) {
        pthread_barrier_wait(&start);
        run();
        pthread_barrier_wait(&end);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int threads = atoi(argv[2]);
    if (threads < 1 || threads > MOST) return 2;
    const peak *chosen = NULL;
    for (size_t i = 0; i < sizeof peaks / sizeof *peaks && !chosen; i++)
        if (!strcmp(peaks[i].kind, argv[1]) && has(peaks[i].feature)) chosen = &peaks[i];
    if (!chosen) return 3;
    run = chosen->run;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    pthread_barrier_init(&end, NULL, (unsigned)threads);
    pthread_t thread;
    for (int i = 1; i < threads; i++) pthread_create(&thread, NULL, work, NULL);
    printf("{\"ready\":\"%s peak (%s)\",\"operations\":%lld}\n", chosen->kind, chosen->feature,
        (long long)threads * CHAINS * TURNS * chosen->operations);
    fflush(stdout);
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        long ms = 0;
        if (sscanf(line, "kernel %ld", &ms) != 1) return 2;
        long long begin = now_ns(), best = 1LL << 62;
        int runs = 0;
        do {
            pthread_barrier_wait(&start);
            long long one = now_ns();
            run();
            pthread_barrier_wait(&end);
            long long took = now_ns() - one;
            if (took < best) best = took;
            runs++;
        } while (now_ns() - begin < ms * 1000000LL);
        printf("{\"best_ns\":%lld,\"runs\":%d}\n", best, runs);
        fflush(stdout);
    }
    return 0;
}
