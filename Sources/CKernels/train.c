// Training: memory, the team of threads and the order of a step's phases. What a phase does is in train_phases.h.
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "side_rows.h"
#include "train.h"

static const adit_train_path *const paths[] = ADIT_PATHS(train);

/// Vectors of every path, and a cache line: arrays begin at multiples of it, and may be read so far beyond their end.
enum { LINE = 16, SLACK = 64 };

/// Fewer operations a step than this for each thread aren't worth the meetings between phases.
static const double operations_per_thread = 8e6;

/// Operations between two reports: a millisecond or so.
static const int64_t told_at = 100000000;

/// Waits for the whole team. Spins, since a phase takes microseconds; gives the core away where others need it.
static void meet(adit_train_job *job) {
    if (job->team == 1) return;
    const uint32_t turn = __atomic_load_n(&job->turn, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&job->arrived, 1, __ATOMIC_ACQ_REL) == job->team) {
        __atomic_store_n(&job->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&job->turn, turn + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int spins = 0; __atomic_load_n(&job->turn, __ATOMIC_ACQUIRE) == turn; spins++) {
        if (spins >= 4000) {
            if (adit_is_held(job->progress.run)) adit_stand_still(&job->progress);
            sched_yield();
        }
#if defined(__x86_64__)
        else __builtin_ia32_pause();
#endif
    }
}

/// The first layer's rows of a step.
static void point(adit_train_job *job, int64_t step) {
    if (step >= job->steps) return;
    const float **const rows = job->row_pointers[step & 1];
    const int32_t *const order = job->order + step * job->plan->batch;
    for (int64_t r = 0; r < job->plan->batch; r++) rows[r] = job->x + (int64_t)order[r] * job->plan->sizes[0];
}

/// The step's loss from its rows': panels of 256 in order.
static float total(const adit_train_job *job) {
    float sum = 0;
    for (int64_t start = 0; start < job->plan->batch; start += ADIT_PANEL) {
        float panel = 0;
        for (int64_t r = start; r < adit_min(start + ADIT_PANEL, job->plan->batch); r++) panel = panel + job->row_losses[r];
        sum = start == 0 ? panel : sum + panel;
    }
    return sum / job->plan->loss_divisor + 0;
}

/// All steps, as one thread of the team does them. What one thread writes alone is read by others after the next meeting.
static void train(adit_train_job *job, int32_t worker) {
    const adit_train_path *const path = paths[job->progress.run->isa];
    const int32_t count = job->plan->layer_count;
    int64_t operations = 0, untold = 0;
    for (int32_t i = 0; i < count; i++) operations += 6 * job->plan->batch * job->layers[i].in * job->layers[i].out;
    for (int64_t step = 0; step < job->steps; step++) {
        for (int32_t i = 0; i < count; i++) {
            path->forward(job, i, worker);
            meet(job);
        }
        path->loss(job, worker);
        meet(job);
        for (int32_t i = count - 1; i > 0; i--) {
            path->backward(job, i, worker);
            meet(job);
        }
        path->update(job, worker);
        if (worker == 0) {
            const float loss = total(job);
            job->losses[step] = loss;
            untold += operations;
            if (!isfinite(loss)) job->diverged = step, job->stop = 1;
            else if (untold >= told_at || step + 1 == job->steps) {
                if (!adit_advance(&job->progress, untold)) job->stop = 1;
                untold = 0;
            }
            point(job, step + 1);
        }
        meet(job);
        if (job->stop != 0) return;
        // Everyone leaves the step before its number changes: the last phase reads it, and the next one does after a meeting.
        if (worker == 0) {
            job->step = step + 1;
            job->layers[0].rows = job->row_pointers[(step + 1) & 1];
        }
        meet(job);
    }
}

typedef struct {
    adit_train_job *job;
    int32_t *team;  // 0 until it is known how many threads there are
    int32_t worker;
} member;

static void body(void *context, int64_t index, int32_t worker) {
    (void)index, (void)worker;
    const member *const self = context;
    train(self->job, self->worker);
}

static void *join_team(void *argument) {
    member *const self = argument;
    while (__atomic_load_n(self->team, __ATOMIC_ACQUIRE) == 0) sched_yield();
    adit_parallel(1, 1, body, self);  // for the floating-point environment
    return NULL;
}

static void run_team(adit_train_job *job, int32_t threads) {
    enum { most = 64 };
    pthread_t started[most];
    member members[most];
    int32_t team = 0, running = 1;
    threads = (int32_t)adit_min(threads, most);
    members[0] = (member){job, &team, 0};
    // Signals are for the program's own threads.
    sigset_t all, saved;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    for (; running < threads; running++) {
        members[running] = (member){job, &team, running};
        if (pthread_create(&started[running], NULL, join_team, &members[running]) != 0) break;
    }
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    job->team = running;
    __atomic_store_n(&team, running, __ATOMIC_RELEASE);
    adit_parallel(1, 1, body, &members[0]);
    for (int32_t i = 1; i < running; i++) pthread_join(started[i], NULL);
}

static bool is_valid(const adit_run *run, const adit_train_plan *plan, int64_t steps) {
    if (!adit_run_is_valid(run) || steps < 0 || plan->batch < 1 || plan->layer_count < 1 || plan->layer_count > ADIT_TRAIN_LAYERS) return false;
    for (int32_t i = 0; i <= plan->layer_count; i++)
        if (plan->sizes[i] < 1) return false;
    return true;
}

/// Hands out pieces of one block of memory; counts only while there is none yet.
typedef struct {
    char *memory;
    size_t used;
} arena;

static void *take(arena *a, int64_t count, size_t size) {
    char *const place = a->memory == NULL ? NULL : a->memory + a->used;
    a->used += (size_t)adit_round_up(count, LINE) * size;
    a->used = (size_t)adit_round_up((int64_t)a->used, ADIT_ALIGNMENT);
    return place;
}

/// Lays the call's arrays out in `a`.
static void lay_out(adit_train_job *job, arena *a, int32_t threads) {
    const adit_train_plan *const plan = job->plan;
    const int moments = plan->optimiser == ADIT_ADAM ? 2 : plan->has_momentum ? 1 : 0;
    int64_t widest = 0;
    for (int32_t i = 0; i < plan->layer_count; i++) {
        adit_train_layer *const layer = &job->layers[i];
        layer->in = plan->sizes[i], layer->out = plan->sizes[i + 1], layer->activation = plan->activations[i];
        layer->stride = adit_round_up(layer->out, LINE), layer->transposed_stride = adit_round_up(layer->in, LINE);
        widest = adit_max(widest, layer->out);
        const int64_t weights = layer->in * layer->out;
        layer->w = take(a, weights, sizeof(float)), layer->b = take(a, layer->out, sizeof(float));
        layer->w1 = moments > 0 ? take(a, weights, sizeof(float)) : NULL, layer->b1 = moments > 0 ? take(a, layer->out, sizeof(float)) : NULL;
        layer->w2 = moments > 1 ? take(a, weights, sizeof(float)) : NULL, layer->b2 = moments > 1 ? take(a, layer->out, sizeof(float)) : NULL;
        layer->transposed = i > 0 ? take(a, layer->out * layer->transposed_stride, sizeof(float)) : NULL;
        const int64_t values = plan->batch * layer->stride;
        layer->z = layer->activation == ADIT_ACTIVATION_GELU ? take(a, values, sizeof(float)) : NULL;
        layer->a = take(a, values, sizeof(float)), layer->d = take(a, values, sizeof(float));
        layer->rows = i > 0 ? take(a, plan->batch, sizeof(float *)) : NULL;
    }
    for (int i = 0; i < 2; i++) job->row_pointers[i] = take(a, plan->batch, sizeof(float *));
    job->row_losses = take(a, adit_round_up(plan->batch, SIDE), sizeof(float));
    job->scratch_stride = widest * SIDE;
    job->scratch = take(a, job->scratch_stride * threads, sizeof(float));
    take(a, SLACK, sizeof(float));
}

/// Copies the state into the call's arrays, or back.
static void move_state(adit_train_job *job, float *state, bool back) {
    for (int moment = 0; moment < 3; moment++)
        for (int32_t i = 0; i < job->plan->layer_count; i++) {
            const adit_train_layer *const layer = &job->layers[i];
            float *const w = moment == 0 ? layer->w : moment == 1 ? layer->w1 : layer->w2;
            float *const b = moment == 0 ? layer->b : moment == 1 ? layer->b1 : layer->b2;
            if (w == NULL) continue;
            const int64_t weights = layer->in * layer->out;
            if (back) {
                memcpy(state, w, (size_t)weights * sizeof(float));
                memcpy(state + weights, b, (size_t)layer->out * sizeof(float));
            } else {
                memcpy(w, state, (size_t)weights * sizeof(float));
                memcpy(b, state + weights, (size_t)layer->out * sizeof(float));
            }
            state += weights + layer->out;
        }
}

int32_t adit_train(const adit_run *run, const adit_train_plan *plan, const float *x, const int32_t *labels, const float *targets, const int32_t *order,
    int64_t steps, const float *rates, const float *epsilons, float *state, float *losses, int64_t *diverged) {
    *diverged = -1;
    if (!is_valid(run, plan, steps)) return ADIT_BAD_ARGUMENT;
    double operations = 0;
    for (int32_t i = 0; i < plan->layer_count; i++) operations += 6.0 * (double)plan->batch * (double)plan->sizes[i] * (double)plan->sizes[i + 1];
    const double useful = operations / operations_per_thread;
    const int32_t threads = useful < 2 ? 1 : useful < run->threads ? (int32_t)useful : run->threads;

    adit_train_job job = {.progress = {.run = run}, .plan = plan, .x = x, .targets = targets, .labels = labels, .order = order, .steps = steps,
        .rates = rates, .epsilons = epsilons, .losses = losses, .diverged = -1};
    arena memory = {0};
    lay_out(&job, &memory, threads);
    memory.memory = adit_allocate(memory.used);
    if (memory.memory == NULL) return ADIT_NO_MEMORY;
    memset(memory.memory, 0, memory.used);  // lanes beyond the last column are read
    memory.used = 0;
    lay_out(&job, &memory, threads);
    move_state(&job, state, false);
    for (int32_t i = 1; i < plan->layer_count; i++)
        for (int64_t r = 0; r < plan->batch; r++) job.layers[i].rows[r] = job.layers[i - 1].a + r * job.layers[i - 1].stride;
    job.layers[0].rows = job.row_pointers[0];
    point(&job, 0);
    run_team(&job, threads);
    move_state(&job, state, true);
    free(memory.memory);
    *diverged = job.diverged;
    return job.progress.canceled != 0 ? ADIT_CANCELED : ADIT_OK;
}
