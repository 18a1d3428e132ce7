// What the training step's paths share: the job as every thread sees it, and the table of a path's phases.
#ifndef ADIT_TRAIN_H
#define ADIT_TRAIN_H

#include "internal.h"

/// One layer, its arrays in the call's working copy of the state and the batch's intermediate values.
typedef struct {
    int64_t in, out;
    int32_t activation;
    float *w, *b;              // in x out, out
    float *w1, *b1, *w2, *b2;  // first and second moments; NULL where the optimiser has none
    float *transposed;         // out x transposed_stride, W's transpose for the way back; NULL for the first layer
    int64_t transposed_stride;
    float *z, *a, *d;          // batch x stride: before and after the activation, and the loss's gradient before it; z NULL unless needed
    int64_t stride;            // out, rounded up to whole vectors
    const float **rows;        // where the layer's input rows begin, batch of them
} adit_train_layer;

/// A training call. Threads meet between the phases of a step; each phase cuts its work by the number of the thread alone.
typedef struct {
    adit_progress progress;
    const adit_train_plan *plan;
    adit_train_layer layers[ADIT_TRAIN_LAYERS];
    const float *x, *targets;
    const int32_t *labels, *order;
    int64_t steps;
    const float *rates, *epsilons;
    float *losses;
    const float **row_pointers[2];  // the first layer's, of this step and of the next
    float *row_losses, *scratch;    // scratch: scratch_stride a thread
    int64_t scratch_stride;
    int64_t step;                   // of the phase that runs
    int64_t diverged;               // the step whose loss was not finite, or -1
    int32_t team, arrived;
    uint32_t turn;
    int32_t stop;
} adit_train_job;

/// The phases of a step for one thread of the team.
typedef struct {
    void (*forward)(adit_train_job *job, int32_t layer, int32_t worker);
    void (*loss)(adit_train_job *job, int32_t worker);
    void (*backward)(adit_train_job *job, int32_t layer, int32_t worker);
    void (*update)(adit_train_job *job, int32_t worker);
} adit_train_path;

extern const adit_train_path adit_train_portable, adit_train_avx2, adit_train_avx512;

/// Entry and exit of a thread's share of `count` pieces.
static inline int64_t adit_share(int64_t count, int32_t worker, int32_t team) { return count * worker / team; }

#endif
