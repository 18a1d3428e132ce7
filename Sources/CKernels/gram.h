// What the Gram matrix's paths share: strips of columns, and the table of a path's functions.
#ifndef ADIT_GRAM_H
#define ADIT_GRAM_H

#include "internal.h"

enum {
    ADIT_GRAM_STRIP = 8,    // columns packed together
    ADIT_GRAM_DEPTH = 128,  // rows packed at once
    // Elements from one strip to the next: a line more than the strip, so that equal rows of strips don't share a set of the cache.
    ADIT_GRAM_PITCH = (ADIT_GRAM_DEPTH + 1) * ADIT_GRAM_STRIP,
};

/// `strips`: C[8 x 8 strips] += A^T B over `depth` rows, for one strip A and the packed strips from B on; rows of C are `stride` apart.
typedef struct {
    void (*strips)(int64_t strips, int64_t depth, const double *a, const double *b, double *c, int64_t stride);
} adit_gram_path;

extern const adit_gram_path adit_gram_portable, adit_gram_avx2, adit_gram_avx512;

#endif
