// A training step's phases for any processor: 128-bit vectors. Where the target has no fused multiply-add the compiler calls fmaf().
#include "train.h"

#define PATH(x) x##_portable
#define LANES 4
#define ROWS 6
#include "train_phases.h"

const adit_train_path adit_train_portable = TRAIN_PATH;
