// A training step's phases for x86-64 with AVX2 and FMA: tiles of 6 x 16, 12 of the 16 vector registers.
#include "train.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PATH(x) x##_avx2
#define LANES 8
#define ROWS 6
#include "train_phases.h"
#pragma clang attribute pop

const adit_train_path adit_train_avx2 = TRAIN_PATH;
#endif
