// Runs a processor's peak on all threads; see peak.h.
#include "peak.h"

/// The best loop for a kind on a path; its name is NULL where the processor has no such instruction, or a better one that isn't measured here.
static adit_peak_loop peak_loop(int32_t isa, int32_t kind) {
    const adit_peak_loop none = {0};
    if (kind < ADIT_PEAK_F32 || kind > ADIT_PEAK_BF16 || !adit_isa_available(isa)) return none;
#if defined(__x86_64__)
    // Libraries use the matrix unit where there is one: a peak of vectors would be none.
    if ((kind == ADIT_PEAK_I8 && __builtin_cpu_supports("amx-int8")) || (kind == ADIT_PEAK_BF16 && __builtin_cpu_supports("amx-bf16"))) return none;
    if (isa == ADIT_ISA_AVX512) return kind == ADIT_PEAK_BF16 && __builtin_cpu_supports("avx512bf16") ? adit_peak_avx512bf16 : adit_peaks_avx512[kind];
    if (isa == ADIT_ISA_AVX2) return kind == ADIT_PEAK_I8 && __builtin_cpu_supports("avxvnni") ? adit_peak_avxvnni : adit_peaks_avx2[kind];
#endif
    return adit_peaks_portable[kind];
}

const char *adit_peak_name(int32_t isa, int32_t kind) { return peak_loop(isa, kind).name; }

typedef struct {
    void (*run)(int64_t turns);
    int64_t turns;
} peak_share;

static void peak_part(void *context, int64_t index, int32_t worker) {
    (void)index;
    (void)worker;
    const peak_share *share = context;
    share->run(share->turns);
}

// Eight parts a thread, as a product has its tiles: a thread that is held up leaves parts to the others.
enum { parts_per_thread = 8 };

int64_t adit_peak(const adit_run *run, int32_t kind, int64_t turns) {
    const adit_peak_loop loop = peak_loop(run->isa, kind);
    if (loop.name == NULL || turns < 1 || turns > (int64_t)1 << 40 || run->threads < 1) return 0;
    const int64_t parts = (int64_t)parts_per_thread * run->threads;
    peak_share share = {.run = loop.run, .turns = adit_ceil_div(turns, parts_per_thread)};
    adit_parallel(run->threads, parts, peak_part, &share);
    return parts * share.turns * loop.operations;
}
