// A training step's phases for x86-64 with AVX-512: tiles of 8 x 32. Eight rows divide the usual batches and layers.
#include "train.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define PATH(x) x##_avx512
#define LANES 16
#define ROWS 8
#include "train_phases.h"
#pragma clang attribute pop

const adit_train_path adit_train_avx512 = TRAIN_PATH;
#endif
