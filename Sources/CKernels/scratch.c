// Scratch memory that outlives a call, so that pages are mapped and zeroed once.
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

enum { HUGE = 2 << 20, HEADER = 64 };

/// Blocks above this aren't kept: a process at rest holds no more.
static const size_t most_kept = 16 << 20;

/// What stands before a block's memory.
typedef struct {
    size_t bytes;  // of memory behind the header
} header;

static void *kept;  // a block's header, or NULL; taken and put back by exchange

static header *fresh(size_t bytes) {
    const size_t alignment = bytes + HEADER >= HUGE / 2 ? HUGE : HEADER;
    const size_t whole = (bytes + HEADER + alignment - 1) / alignment * alignment;
    void *memory = NULL;
    if (whole < bytes || posix_memalign(&memory, alignment, whole) != 0) return NULL;
#if defined(MADV_HUGEPAGE)
    if (alignment == HUGE) madvise(memory, whole, MADV_HUGEPAGE);
#endif
    header *const block = memory;
    block->bytes = whole - HEADER;
    return block;
}

void *adit_take(size_t bytes) {
    header *block = __atomic_exchange_n(&kept, NULL, __ATOMIC_ACQUIRE);
    if (block != NULL && block->bytes < bytes) {
        free(block);
        block = NULL;
    }
    if (block == NULL) block = fresh(bytes);
    return block == NULL ? NULL : (char *)block + HEADER;
}

void adit_give(void *memory) {
    if (memory == NULL) return;
    header *block = (header *)(void *)((char *)memory - HEADER);
    if (block->bytes <= most_kept) block = __atomic_exchange_n(&kept, block, __ATOMIC_RELEASE);
    free(block);
}

void adit_rest(void) {
    free(__atomic_exchange_n(&kept, NULL, __ATOMIC_ACQUIRE));
    // Memory that other threads' arenas hold free is given back too: tens of megabytes after a profile.
    malloc_trim(0);
}

void adit_limit_arenas(int32_t most) { mallopt(M_ARENA_MAX, most); }
