// What a processor can do at most: its multiply-adds in registers, nothing from memory.
#ifndef ADIT_PEAK_H
#define ADIT_PEAK_H

#include "internal.h"

/// A loop of `turns` turns; twelve accumulators, more than latency times throughput of any processor so far.
typedef struct {
    const char *name;    // the instruction, for people; NULL where there is none
    void (*run)(int64_t turns);
    int64_t operations;  // of one turn; a multiply and an add count as two
} adit_peak_loop;

enum { adit_peak_chains = 12 };

// Each accumulator is a variable of its own, which the empty assembly keeps in a register and out of the optimiser's sight.
#if defined(__x86_64__)
#define PEAK_REGISTER "+v"
#elif defined(__aarch64__)
#define PEAK_REGISTER "+w"
#endif
#define PEAK_EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define PEAK_DECLARE(I) VECTOR acc##I = START;
#define PEAK_ADVANCE(I)    \
    acc##I = STEP(acc##I); \
    __asm__ volatile("" : PEAK_REGISTER(acc##I));
#define PEAK_LOOP           \
    PEAK_EACH(PEAK_DECLARE) \
    for (int64_t turn = 0; turn < turns; turn++) { PEAK_EACH(PEAK_ADVANCE) }

/// By kind, ADIT_PEAK_F32 and so on.
extern const adit_peak_loop adit_peaks_portable[4], adit_peaks_avx2[4], adit_peaks_avx512[4];
/// For processors that have more than a path asks for.
extern const adit_peak_loop adit_peak_avxvnni, adit_peak_avx512bf16;

#endif
