// A parallel loop over threads that are kept between calls, and the floating-point environment the kernels need.
//
// Threads are made when a call first wants them and never end. One that finds nothing to do looks on for some microseconds, since
// training steps and small products follow on each other, and then sleeps. A call never waits for a thread to wake: it works through its
// own loop, closes it, and waits only for those that have joined. Calls from several threads at once share the threads there are.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

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
static inline void pause_a_moment(void) { __builtin_ia32_pause(); }
#elif defined(__aarch64__)
typedef uint64_t float_control;
static float_control enter_exact(void) {
    float_control saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
    return saved;
}
static void leave_exact(float_control saved) { __asm__ volatile("msr fpcr, %0" : : "r"(saved)); }
static inline void pause_a_moment(void) { __asm__ volatile("yield"); }
#else
typedef int float_control;
static float_control enter_exact(void) { return 0; }
static void leave_exact(float_control saved) { (void)saved; }
static inline void pause_a_moment(void) {}
#endif

enum {
    max_threads = 1024,
    looks = 1000,  // of some 40 cycles each, about 10 to 20 microseconds: what waking a sleeping thread costs
};

/// A call's loop. It lives on the caller's stack, in the list of open loops until the caller finds no index left.
typedef struct loop {
    int64_t next, count;
    int32_t workers;  // worker numbers given out
    int32_t places;   // threads that may still join; guarded by the lock
    int32_t joined;   // threads that haven't left; rises under the lock, falls without
    adit_body body;
    void *context;
    struct loop *following;  // guarded by the lock
} loop;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER, left = PTHREAD_COND_INITIALIZER;
static loop *open_loops;            // guarded by the lock
static int32_t threads_made;        // guarded by the lock
static int32_t sleeping, waiting;   // threads in `opened`, callers in `left`; guarded by the lock
static int32_t places_open;         // sum of the open loops' places; written under the lock, looked at without
static pthread_once_t fork_handlers = PTHREAD_ONCE_INIT;

static void work(loop *shared) {
    const int32_t worker = __atomic_fetch_add(&shared->workers, 1, __ATOMIC_RELAXED);
    const float_control saved = enter_exact();
    for (;;) {
        const int64_t index = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
        if (index >= shared->count) break;
        shared->body(shared->context, index, worker);
    }
    leave_exact(saved);
}

/// Joins a loop with a place; the lock is held, and given up in between.
static void join_a_loop(void) {
    loop *joined = open_loops;
    while (joined->places == 0) joined = joined->following;
    joined->places -= 1;
    __atomic_fetch_sub(&places_open, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&joined->joined, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock);
    work(joined);
    pthread_mutex_lock(&lock);
    // The last touch of the caller's memory; under the lock, so that a caller that goes to sleep isn't missed.
    if (__atomic_sub_fetch(&joined->joined, 1, __ATOMIC_RELEASE) == 0 && waiting > 0) pthread_cond_broadcast(&left);
}

static void *serve(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (__atomic_load_n(&places_open, __ATOMIC_RELAXED) > 0) join_a_loop();
        pthread_mutex_unlock(&lock);
        for (int i = 0; i < looks && __atomic_load_n(&places_open, __ATOMIC_RELAXED) == 0; i++) pause_a_moment();
        pthread_mutex_lock(&lock);
        sleeping += 1;
        while (__atomic_load_n(&places_open, __ATOMIC_RELAXED) == 0) pthread_cond_wait(&opened, &lock);
        sleeping -= 1;
    }
    return NULL;
}

// Across fork() the lock is held; the child has none of the threads and starts anew.
static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork_in_parent(void) { pthread_mutex_unlock(&lock); }
static void after_fork_in_child(void) {
    open_loops = NULL;
    threads_made = sleeping = waiting = 0;
    __atomic_store_n(&places_open, 0, __ATOMIC_RELAXED);
    pthread_cond_init(&opened, NULL);
    pthread_cond_init(&left, NULL);
    pthread_mutex_unlock(&lock);
}
static void handle_forks(void) { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

/// Makes threads up to `wanted`; fewer where the system has no more. The lock is held.
static void make_threads(int32_t wanted) {
    if (threads_made >= wanted) return;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // Signals are for the program's own threads.
    sigset_t all, saved;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    pthread_t thread;
    while (threads_made < wanted && pthread_create(&thread, &attributes, serve, NULL) == 0) threads_made += 1;
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    pthread_attr_destroy(&attributes);
}

void adit_parallel(int32_t threads, int64_t count, adit_body body, void *context) {
    loop shared = {.count = count, .body = body, .context = context};
    const int32_t places = (int32_t)adit_min(adit_min(threads, count), max_threads) - 1;
    if (places <= 0) {
        work(&shared);
        return;
    }
    pthread_once(&fork_handlers, handle_forks);
    pthread_mutex_lock(&lock);
    make_threads(places);
    shared.places = places;
    shared.following = open_loops;
    open_loops = &shared;
    __atomic_fetch_add(&places_open, places, __ATOMIC_RELAXED);
    const int32_t wake = adit_min(places, sleeping);
    pthread_mutex_unlock(&lock);
    for (int32_t i = 0; i < wake; i++) pthread_cond_signal(&opened);
    work(&shared);
    pthread_mutex_lock(&lock);
    __atomic_fetch_sub(&places_open, shared.places, __ATOMIC_RELAXED);
    shared.places = 0;
    loop **place = &open_loops;
    while (*place != &shared) place = &(*place)->following;
    *place = shared.following;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < looks && __atomic_load_n(&shared.joined, __ATOMIC_ACQUIRE) > 0; i++) pause_a_moment();
    if (__atomic_load_n(&shared.joined, __ATOMIC_ACQUIRE) == 0) return;
    pthread_mutex_lock(&lock);
    waiting += 1;
    while (__atomic_load_n(&shared.joined, __ATOMIC_ACQUIRE) > 0) pthread_cond_wait(&left, &lock);
    waiting -= 1;
    pthread_mutex_unlock(&lock);
}

void *adit_allocate(size_t bytes) {
    void *memory = NULL;
    return posix_memalign(&memory, ADIT_ALIGNMENT, bytes > 0 ? bytes : 1) == 0 ? memory : NULL;
}

void adit_hold(int32_t *held, bool is_held) { __atomic_store_n(held, is_held, __ATOMIC_RELAXED); }

void adit_stand_still(const adit_progress *progress) {
    // A pause lasts from tenths of a second to hours: looking up two hundred times a second costs nothing, and nobody waits for it.
    const struct timespec moment = {.tv_sec = 0, .tv_nsec = 5000000};
    while (adit_is_held(progress->run) && __atomic_load_n(&progress->canceled, __ATOMIC_RELAXED) == 0) nanosleep(&moment, NULL);
}
