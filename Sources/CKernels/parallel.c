// A parallel loop over POSIX threads made for the call, and the floating-point environment the kernels need.
#include <pthread.h>
#include <stdlib.h>

#include "internal.h"

// The control word: rounding to nearest, no traps, subnormals neither flushed on output nor read as zero.
#if defined(__x86_64__)
typedef uint32_t float_control;
static float_control enter_exact(void) {
    const float_control saved = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(0x1f80);
    return saved;
}
static void leave_exact(float_control saved) { __builtin_ia32_ldmxcsr(saved); }
#elif defined(__aarch64__)
typedef uint64_t float_control;
static float_control enter_exact(void) {
    float_control saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
    return saved;
}
static void leave_exact(float_control saved) { __asm__ volatile("msr fpcr, %0" : : "r"(saved)); }
#else
typedef int float_control;
static float_control enter_exact(void) { return 0; }
static void leave_exact(float_control saved) { (void)saved; }
#endif

typedef struct {
    int64_t next, count;
    int32_t workers;
    adit_body body;
    void *context;
} loop;

static void *work(void *argument) {
    loop *const shared = argument;
    const int32_t worker = __atomic_fetch_add(&shared->workers, 1, __ATOMIC_RELAXED);
    const float_control saved = enter_exact();
    for (;;) {
        const int64_t index = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
        if (index >= shared->count) break;
        shared->body(shared->context, index, worker);
    }
    leave_exact(saved);
    return NULL;
}

enum { max_threads = 1024 };

void adit_parallel(int32_t threads, int64_t count, adit_body body, void *context) {
    loop shared = {.next = 0, .count = count, .workers = 0, .body = body, .context = context};
    pthread_t started[max_threads];
    int32_t running = 0;
    const int64_t wanted = adit_min(adit_min(threads, count), max_threads);
    while (running < wanted - 1 && pthread_create(&started[running], NULL, work, &shared) == 0) running += 1;
    work(&shared);
    for (int32_t i = 0; i < running; i++) pthread_join(started[i], NULL);
}

void *adit_allocate(size_t bytes) {
    void *memory = NULL;
    return posix_memalign(&memory, ADIT_ALIGNMENT, bytes > 0 ? bytes : 1) == 0 ? memory : NULL;
}
