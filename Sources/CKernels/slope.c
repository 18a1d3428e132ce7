// One pass over a regression's data: every row's residual at a point, and the sums that are made of them.
//
// Rows are cut into parts that don't depend on threads, and these are added in order. Sums run in eight lanes.
#include <math.h>
#include <stdlib.h>

#include "elementary.h"
#include "internal.h"

enum { LANES = 8, BLOCK = 64, PARTS = 64, SHORTEST_PART = 512 };

typedef struct {
    adit_progress progress;
    const adit_slope_point *point;
    int64_t m, k, part_rows, pitch;
    const double *x, *y;
    double *sums;  // of each part: gradient, squares, then the sum of the residuals, the objective and the largest residual
    double *weights;
    bool squares;
} job;

// CLONES: every operation is rounded once, in a fixed order, so that the bits don't depend on the choice.

CLONES static double dot(int64_t count, const double *restrict a, const double *restrict b) {
    double lanes[4][LANES] = {0};
    int64_t j = 0;
    for (; j + 4 * LANES <= count; j += 4 * LANES)
        for (int i = 0; i < 4; i++)
            for (int l = 0; l < LANES; l++) lanes[i][l] += a[j + i * LANES + l] * b[j + i * LANES + l];
    for (; j + LANES <= count; j += LANES)
        for (int l = 0; l < LANES; l++) lanes[0][l] += a[j + l] * b[j + l];
    double sum = 0;
    for (int l = 0; l < LANES; l++) sum += (lanes[0][l] + lanes[1][l]) + (lanes[2][l] + lanes[3][l]);
    for (; j < count; j++) sum += a[j] * b[j];
    return sum;
}

/// gradient += the residuals times four rows, less the centre; squares likewise.
CLONES static void add_rows(int64_t k, const double *restrict x, const double r[4], const double *restrict centre, double *restrict gradient) {
    const double r0 = r[0], r1 = r[1], r2 = r[2], r3 = r[3];
    for (int64_t j = 0; j < k; j++)
        gradient[j] += ((x[j] - centre[j]) * r0 + (x[k + j] - centre[j]) * r1) + ((x[2 * k + j] - centre[j]) * r2 + (x[3 * k + j] - centre[j]) * r3);
}
CLONES static void add_row(int64_t k, const double *restrict x, double r, const double *restrict centre, double *restrict gradient) {
    for (int64_t j = 0; j < k; j++) gradient[j] += (x[j] - centre[j]) * r;
}
CLONES static void add_squares(int64_t k, const double *restrict x, const double *restrict centre, double *restrict squares) {
    for (int64_t j = 0; j < k; j++) squares[j] += (x[j] - centre[j]) * (x[j] - centre[j]);
}

/// Residuals sigmoid(z) - y, the terms of the objective and p (1 - p), of BLOCK numbers.
CLONES static void logistic(const double *restrict y, double *restrict z, double *restrict terms, double *restrict weights) {
    for (int i = 0; i < BLOCK; i++) {
        const double e = adit_exp_f64(-fabs(z[i])), p = (z[i] < 0 ? e : 1) / (1 + e);
        terms[i] = adit_softplus_f64(z[i]) - y[i] * z[i];
        weights[i] = p * (1 - p);
        z[i] = p - y[i];
    }
}

/// The larger of two magnitudes; NaN if one is.
static inline double larger(double a, double b) { return a != a || b <= a ? a : b; }

static void task(void *context, int64_t index, int32_t worker) {
    (void)worker;
    job *const j = context;
    if (__atomic_load_n(&j->progress.canceled, __ATOMIC_RELAXED)) return;
    const adit_slope_point *const point = j->point;
    const int64_t k = j->k, end = adit_min((index + 1) * j->part_rows, j->m);
    double *const gradient = j->sums + index * j->pitch, *const squares = gradient + k, *const others = squares + k;
    memset(gradient, 0, (size_t)j->pitch * sizeof *gradient);
    // So many rows as stay in the nearest cache until they are added.
    const int64_t height = adit_max(4, adit_min(BLOCK, 3072 / k / 4 * 4));
    double z[BLOCK], y[BLOCK] = {0}, terms[BLOCK], weights[BLOCK];
    for (int64_t row = index * j->part_rows; row < end; row += height) {
        const int64_t rows = adit_min(height, end - row);
        const double *const x = j->x + row * k;
        if (point->kind == ADIT_SLOPE_ONES) {
            for (int i = 0; i < BLOCK; i++) z[i] = 1;
        } else {
            memcpy(y, j->y + row, (size_t)rows * sizeof *y);
            for (int64_t i = 0; i < rows; i++) z[i] = dot(k, x + i * k, point->w) + point->intercept;
            for (int64_t i = rows; i < BLOCK; i++) z[i] = 0;
            if (point->kind == ADIT_SLOPE_LOGISTIC) {
                logistic(y, z, terms, weights);
                for (int64_t i = 0; i < rows; i++) others[1] += terms[i];
                if (j->weights != NULL) memcpy(j->weights + row, weights, (size_t)rows * sizeof *weights);
            } else {
                for (int64_t i = 0; i < rows; i++) z[i] -= y[i], others[1] += z[i] * z[i];
            }
        }
        int64_t i = 0;
        for (; i + 4 <= rows; i += 4) add_rows(k, x + i * k, z + i, point->centre, gradient);
        for (; i < rows; i++) add_row(k, x + i * k, z[i], point->centre, gradient);
        if (j->squares)
            for (i = 0; i < rows; i++) add_squares(k, x + i * k, point->centre, squares);
        for (i = 0; i < rows; i++) {
            others[0] += z[i];
            others[2] = larger(others[2], fabs(z[i]));
        }
    }
    adit_advance(&j->progress, (end - index * j->part_rows) * k * 4);
}

int32_t adit_slope(const adit_run *run, int64_t m, int64_t k, const double *x, const double *y, const adit_slope_point *point, double *gradient,
    double *squares, double *weights, adit_slope_sums *sums) {
    if (!adit_run_is_valid(run) || m < 0 || k < 1 || point->kind < 0 || point->kind > ADIT_SLOPE_LOGISTIC) return ADIT_BAD_ARGUMENT;
    job j = {.progress = {.run = run}, .point = point, .m = m, .k = k, .pitch = adit_round_up(2 * k + 3, LANES), .x = x, .y = y, .weights = weights,
        .squares = squares != NULL};
    j.part_rows = adit_max(adit_ceil_div(m, PARTS), SHORTEST_PART);
    const int64_t parts = adit_ceil_div(m, j.part_rows);
    j.sums = adit_allocate((size_t)(adit_max(parts, 1) * j.pitch) * sizeof *j.sums);
    if (j.sums == NULL) return ADIT_NO_MEMORY;
    adit_parallel(run->threads, parts, task, &j);
    memset(gradient, 0, (size_t)k * sizeof *gradient);
    if (squares != NULL) memset(squares, 0, (size_t)k * sizeof *squares);
    *sums = (adit_slope_sums){0};
    for (int64_t part = 0; part < parts && !j.progress.canceled; part++) {
        const double *const from = j.sums + part * j.pitch, *const others = from + 2 * k;
        for (int64_t i = 0; i < k; i++) gradient[i] += from[i];
        if (squares != NULL)
            for (int64_t i = 0; i < k; i++) squares[i] += from[k + i];
        sums->residuals += others[0], sums->objective += others[1];
        sums->largest = larger(sums->largest, others[2]);
    }
    free(j.sums);
    return j.progress.canceled ? ADIT_CANCELED : ADIT_OK;
}
