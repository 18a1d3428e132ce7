// Template, part of float_passes.h: whole rows of a product again, in binary64, from rounded operands and in given orders.
//
// WIDTH columns of b at a time are gathered, once for each precision, and stay in the second cache; every row then runs down them.

typedef REAL NAME(wide) __attribute__((ext_vector_type(SUM_WIDTH)));
typedef double NAME(wide_sum) __attribute__((ext_vector_type(SUM_WIDTH)));
typedef int64_t NAME(wide_bits) __attribute__((ext_vector_type(SUM_WIDTH)));

static inline void NAME(wide_product)(NAME(wide_sum) *sum, REAL a, const REAL *b) {
    *sum += (NAME(wide_sum))((double)a) * __builtin_convertvector(*(const NAME(wide) *)b, NAME(wide_sum));
}

#if !SCALED
/// One step of a chain in binary32, rounded once.
static inline void NAME(wide_step)(NAME(wide) *sum, REAL a, const REAL *b) {
    *sum = FLOAT_STEP(NAME(wide), NAME(wide_sum), a, *(const NAME(wide) *)b, *sum);
}

/// `count` (a power of two) interleaved chains, joined two by two.
static inline void NAME(interleaved)(int count, int64_t depth, const REAL *a, const REAL *b, double *out) {
    NAME(wide) sums[64];
    for (int s = 0; s < count; s++) sums[s] = (NAME(wide))((REAL)0);
    for (int64_t l = 0; l < depth; l++) NAME(wide_step)(&sums[l & (count - 1)], a[l], b + l * SUM_WIDTH);
    for (int half = count / 2; half >= 1; half /= 2)
        for (int s = 0; s < half; s++) sums[s] += sums[s + half];
    for (int j = 0; j < SUM_WIDTH; j++) out[j] = (double)sums[0][j];
}

static inline void NAME(descending)(int64_t depth, const REAL *a, const REAL *b, double *out) {
    NAME(wide) sum = (NAME(wide))((REAL)0);
    for (int64_t l = depth; l-- > 0;) NAME(wide_step)(&sum, a[l], b + l * SUM_WIDTH);
    for (int j = 0; j < SUM_WIDTH; j++) out[j] = (double)sum[j];
}

/// Groups of 8 exact products, added to the sum and cut to 24 significant bits, as matrix units of accelerators do.
static inline void NAME(truncated)(int64_t depth, const REAL *a, const REAL *b, double *out) {
    NAME(wide_sum) sum = (NAME(wide_sum))(0.0);
    for (int64_t l = 0; l < depth; l += 8) {
        for (int64_t t = l; t < adit_min(l + 8, depth); t++) NAME(wide_product)(&sum, a[t], b + t * SUM_WIDTH);
        sum = (NAME(wide_sum))((NAME(wide_bits))sum & (NAME(wide_bits))(~(int64_t)0x1fffffff));
    }
    memcpy(out, &sum, sizeof sum);
}
#endif

/// Columns column..<column + SUM_WIDTH of the job's rows. `scratch` has adit_sums_scratch(k) bytes.
static void NAME(sums_of_columns)(const adit_sums_job *job, int64_t column, void *scratch) {
    const int64_t k = job->a.columns, n = job->b.columns, width = adit_min(SUM_WIDTH, n - column);
    const int64_t down = job->b.transposed ? 1 : n, across = job->b.transposed ? k : 1;
    const int variants = job->again ? IS_BF16 ? 2 : SCALED ? 1 : 3 : 1;
    static const int drops[3] = {0, IS_BF16 ? ADIT_DROP_E4M3 : ADIT_DROP_TF32, ADIT_DROP_BF16};
    REAL *const panels = scratch, *const lines = panels + 3 * k * SUM_WIDTH;
    const STORED *const b = (const STORED *)job->b.data + column * across;
    for (int64_t l = 0; l < k; l++)
        for (int64_t j = 0; j < SUM_WIDTH; j++) panels[l * SUM_WIDTH + j] = j < width ? NAME(value)(b[l * down + j * across]) : 0;
    for (int v = 1; v < variants; v++)
        for (int64_t i = 0; i < k * SUM_WIDTH; i++) panels[v * k * SUM_WIDTH + i] = NAME(round)(panels[i], drops[v]);
    const int64_t stride = job->total * n;
    for (int64_t row = 0; row < job->count; row++) {
        const STORED *const a = (const STORED *)job->a.data + job->rows[row] * (job->a.transposed ? 1 : k);
        for (int64_t l = 0; l < k; l++) lines[l] = NAME(value)(a[l * (job->a.transposed ? job->a.rows : 1)]);
        for (int v = 1; v < variants; v++)
            for (int64_t l = 0; l < k; l++) lines[v * k + l] = NAME(round)(lines[l], drops[v]);
        _Alignas(ADIT_ALIGNMENT) double sums[ADIT_SUM_KINDS][SUM_WIDTH];
        NAME(wide_sum) exact = (NAME(wide_sum))(0.0);
        for (int64_t l = 0; l < k; l++) NAME(wide_product)(&exact, lines[l], panels + l * SUM_WIDTH);
        memcpy(sums[0], &exact, sizeof exact);
        int kinds = 1;
#if !SCALED
        if (job->again) {
            // Operands' precisions of each filter, in the order of `Filter`.
            static const int pairs[4][2] = {{1, 1}, {1, 0}, {0, 1}, {2, 2}};
            NAME(wide_sum) filtered[4];
            for (int f = 0; f < 4; f++) filtered[f] = (NAME(wide_sum))(0.0);
            const int filters = IS_BF16 ? 3 : 4;
            for (int64_t l = 0; l < k; l++)
#pragma clang loop unroll(full)
                for (int f = 0; f < filters; f++)
                    NAME(wide_product)(&filtered[f], lines[pairs[f][0] * k + l], panels + (pairs[f][1] * k + l) * SUM_WIDTH);
            for (int f = 0; f < filters; f++) memcpy(sums[kinds++], &filtered[f], sizeof filtered[f]);
            NAME(interleaved)(1, k, lines, panels, sums[kinds++]);
            NAME(descending)(k, lines, panels, sums[kinds++]);
            NAME(interleaved)(2, k, lines, panels, sums[kinds++]);
            NAME(interleaved)(8, k, lines, panels, sums[kinds++]);
            NAME(interleaved)(32, k, lines, panels, sums[kinds++]);
            NAME(interleaved)(64, k, lines, panels, sums[kinds++]);
            if (IS_BF16) NAME(truncated)(k, lines, panels, sums[kinds++]);
        }
#endif
        for (int kind = 0; kind < kinds; kind++) memcpy(job->out + kind * stride + (job->place + row) * n + column, sums[kind], (size_t)width * sizeof(double));
    }
}
