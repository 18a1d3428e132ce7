// Template of the field products: included once for each instruction set.
//
// The includer defines LANES (32-bit lanes of a vector), DOT16(acc, a, b) (32-bit sums of products of signed 16-bit pairs),
// MULTIPLY(a, b) (64-bit products of the signed low halves of 64-bit lanes) and NAME(x).
//
// Everything is exact: digits and block lengths are such that no sum leaves its lane.

typedef uint32_t NAME(words) __attribute__((ext_vector_type(LANES)));
typedef int32_t NAME(integers) __attribute__((ext_vector_type(LANES)));
typedef int64_t NAME(longs) __attribute__((ext_vector_type(LANES / 2)));
typedef int8_t NAME(bytes) __attribute__((ext_vector_type(2 * LANES)));
typedef int8_t NAME(loose_bytes) __attribute__((ext_vector_type(2 * LANES), aligned(1)));
typedef int8_t NAME(few_bytes) __attribute__((ext_vector_type(LANES), aligned(1)));
typedef int16_t NAME(halves) __attribute__((ext_vector_type(2 * LANES)));
typedef NAME(words) NAME(loose_words) __attribute__((aligned(1)));
typedef NAME(longs) NAME(loose_longs) __attribute__((aligned(1)));

static inline int64_t NAME(sum_words)(NAME(words) v) {
    int64_t sum = 0;
    for (int i = 0; i < LANES; i++) sum += (int32_t)v[i];
    return sum;
}

static inline int64_t NAME(sum_longs)(NAME(longs) v) {
    int64_t sum = 0;
    for (int i = 0; i < LANES / 2; i++) sum += v[i];
    return sum;
}

/// `rows` (up to 4) dot products of I8 rows with a vector in digits of 16 bits.
static inline __attribute__((always_inline)) void NAME(dot_i8)(int rows, const int8_t *data, int64_t columns, const adit_digits *x, uint64_t *out) {
    enum { block = 128 * 2 * LANES };  // 128 pairs a lane: sums stay within 2^30
    __int128 total[4] = {0};
    for (int64_t start = 0; start < columns; start += block) {
        const int64_t end = adit_min(columns, start + block);
        NAME(words) acc[4][4] = {0};
        int64_t j = start;
        for (; j + 2 * LANES <= end; j += 2 * LANES) {
            NAME(words) v[4];
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                const NAME(bytes) b = *(const NAME(loose_bytes) *)(data + r * columns + j);
                v[r] = (NAME(words))__builtin_convertvector(b, NAME(halves));
            }
#pragma clang loop unroll(full)
            for (int t = 0; t < 4; t++) {
                const NAME(words) digits = *(const NAME(loose_words) *)(x->sixteens + t * x->stride + j);
#pragma clang loop unroll(full)
                for (int r = 0; r < rows; r++) acc[r][t] = DOT16(acc[r][t], v[r], digits);
            }
        }
        for (int r = 0; r < rows; r++) {
            for (int t = 0; t < 4; t++) {
                int64_t sum = NAME(sum_words)(acc[r][t]);
                for (int64_t i = j; i < end; i++) sum += (int64_t)data[r * columns + i] * x->sixteens[t * x->stride + i];
                total[r] += (__int128)sum * ((__int128)1 << (16 * t));
            }
        }
    }
    for (int r = 0; r < rows; r++) out[r] = adit_field_reduce(total[r]);
}

static void NAME(field_i8)(const int8_t *data, int64_t columns, int64_t first, int64_t last, const adit_digits *x, uint64_t *out) {
    int64_t i = first;
#if LANES >= 16
    // Enough registers, and four streams come faster from memory than two.
    for (; i + 4 <= last; i += 4) NAME(dot_i8)(4, data + i * columns, columns, x, out + i);
#endif
    for (; i + 2 <= last; i += 2) NAME(dot_i8)(2, data + i * columns, columns, x, out + i);
    if (i < last) NAME(dot_i8)(1, data + i * columns, columns, x, out + i);
}

/// Sums of an I8 matrix's columns first..<last (at most FIELD_CHUNK), its rows weighted by the vector: `columns` rows `stride` apart.
static void NAME(field_i8_transposed)(
    const int8_t *data, int64_t stride, int64_t columns, int64_t first, int64_t last, const adit_digits *x, uint64_t *out) {
    int64_t sums[4][FIELD_CHUNK] = {0};
    for (int64_t start = 0; start < columns; start += 256) {  // 128 pairs of rows: sums stay within 2^30
        const int64_t end = adit_min(columns, start + 256);
        int64_t l = first;
        for (; l + LANES <= last; l += LANES) {
            NAME(words) acc[4] = {0};
            for (int64_t j = start; j < end; j += 2) {
                const NAME(few_bytes) even = *(const NAME(few_bytes) *)(data + j * stride + l);
                // The digits beyond the end are 0, so the last row of an odd number may stand for its missing neighbour.
                const NAME(few_bytes) odd = *(const NAME(few_bytes) *)(data + adit_min(j + 1, columns - 1) * stride + l);
                const NAME(words) low = (NAME(words))__builtin_convertvector(even, NAME(integers)) & (NAME(words))(0xffffu);
                const NAME(words) pairs = low | (NAME(words))__builtin_convertvector(odd, NAME(integers)) << 16;
#pragma clang loop unroll(full)
                for (int t = 0; t < 4; t++) {
                    uint32_t digits;
                    memcpy(&digits, x->sixteens + t * x->stride + j, sizeof digits);
                    acc[t] = DOT16(acc[t], pairs, (NAME(words))(digits));
                }
            }
            for (int t = 0; t < 4; t++)
                for (int i = 0; i < LANES; i++) sums[t][l - first + i] += (int32_t)acc[t][i];
        }
        for (; l < last; l++)
            for (int64_t j = start; j < end; j++)
                for (int t = 0; t < 4; t++) sums[t][l - first] += (int64_t)data[j * stride + l] * x->sixteens[t * x->stride + j];
    }
    for (int64_t l = first; l < last; l++) {
        __int128 total = 0;
        for (int t = 0; t < 4; t++) total += (__int128)sums[t][l - first] * ((__int128)1 << (16 * t));
        out[l] = adit_field_reduce(total);
    }
}

/// `rows` (up to 4) dot products of I32 rows with a vector in digits of 21 bits.
static inline __attribute__((always_inline)) void NAME(dot_i32)(int rows, const int32_t *data, int64_t columns, const adit_digits *x, uint64_t *out) {
    enum { block = 1024 };  // products are within 2^52 in magnitude: all lanes together stay within 2^62
    __int128 total[4] = {0};
    for (int64_t start = 0; start < columns; start += block) {
        const int64_t end = adit_min(columns, start + block);
        NAME(longs) acc[4][3] = {0};
        int64_t j = start;
        for (; j + LANES <= end; j += LANES) {
            NAME(longs) even[4], odd[4];
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) even[r] = *(const NAME(loose_longs) *)(data + r * columns + j), odd[r] = even[r] >> 32;
#pragma clang loop unroll(full)
            for (int t = 0; t < 3; t++) {
                const NAME(longs) digits = *(const NAME(loose_longs) *)(x->twenties + t * x->stride + j), next = digits >> 32;
#pragma clang loop unroll(full)
                for (int r = 0; r < rows; r++) acc[r][t] += MULTIPLY(even[r], digits) + MULTIPLY(odd[r], next);
            }
        }
        for (int r = 0; r < rows; r++) {
            for (int t = 0; t < 3; t++) {
                int64_t sum = NAME(sum_longs)(acc[r][t]);
                for (int64_t i = j; i < end; i++) sum += (int64_t)data[r * columns + i] * x->twenties[t * x->stride + i];
                total[r] += (__int128)sum * ((__int128)1 << (21 * t));
            }
        }
    }
    for (int r = 0; r < rows; r++) out[r] = adit_field_reduce(total[r]);
}

static void NAME(field_i32)(const int32_t *data, int64_t columns, int64_t first, int64_t last, const adit_digits *x, uint64_t *out) {
    int64_t i = first;
#if LANES >= 16
    // As above.
    for (; i + 4 <= last; i += 4) NAME(dot_i32)(4, data + i * columns, columns, x, out + i);
#endif
    for (; i + 2 <= last; i += 2) NAME(dot_i32)(2, data + i * columns, columns, x, out + i);
    if (i < last) NAME(dot_i32)(1, data + i * columns, columns, x, out + i);
}

#undef LANES
#undef NAME
