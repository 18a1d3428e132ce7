// Template of the direct convolution's register tile: included once for each kind of cell and instruction set.
//
// The includer defines CELL, SUM (of weights and sums), SOURCE, LANES, ROWS, VECTORS (vectors of a tile's width), STEP(acc, w, x),
// PAIRED (whether a cell holds two channels) and NAME(x). A tile is `rows` outputs x VECTORS * LANES positions that lie side by side, so
// that each step is one vector of cells, read at the tap's own offset, against one broadcast weight for each row.

typedef SUM NAME(vector) __attribute__((ext_vector_type(LANES)));
typedef SUM NAME(loose_sum) __attribute__((ext_vector_type(LANES), aligned(sizeof(SUM))));
typedef CELL NAME(loose) __attribute__((ext_vector_type(LANES), aligned(sizeof(CELL))));

static inline __attribute__((always_inline)) void NAME(rows)(
    int rows, int64_t steps, const int32_t *offsets, const CELL *cells, const SUM *w, SUM *out) {
    NAME(vector) sum[ROWS][VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) sum[r][v] = (NAME(vector))((SUM)0);
    for (int64_t s = 0; s < steps; s++) {
        const CELL *const line = cells + offsets[s];
        NAME(vector) x[VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) x[v] = __builtin_convertvector(*(const NAME(loose) *)(line + v * LANES), NAME(vector));
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const NAME(vector) weight = (NAME(vector))(w[r]);
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) sum[r][v] = STEP(sum[r][v], weight, x[v]);
        }
        w += rows;
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) *(NAME(loose_sum) *)(out + (r * VECTORS + v) * LANES) = sum[r][v];
}

#define CASE(R)                                                                                                   \
    case R:                                                                                                       \
        if (R <= ROWS) NAME(rows)(R <= ROWS ? R : 1, steps, offsets, cells, w, out);                              \
        return;
static void NAME(tile)(int rows, int64_t steps, const int32_t *offsets, const void *cells, const void *w, void *out) {
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
    default: return;
    }
}
#undef CASE

// Cells of contiguous sources, by whole, half and quarter vectors; the last of a line overlaps the one before.
#define PART(LANES_OF_PART)                                                                                        \
    if (count >= (LANES_OF_PART)) {                                                                                \
        for (int64_t i = 0; i < count; i += (LANES_OF_PART)) {                                                     \
            const int64_t at = adit_min(i, count - (LANES_OF_PART));                                               \
            typedef SOURCE from __attribute__((ext_vector_type(LANES_OF_PART), aligned(sizeof(SOURCE))));          \
            typedef CELL to __attribute__((ext_vector_type(LANES_OF_PART), aligned(sizeof(CELL))));                \
            *(to *)(out + at) = CELLS_OF(to, from, at);                                                            \
        }                                                                                                          \
        return;                                                                                                    \
    }
#define HALF_LANES (LANES > 4 ? LANES / 2 : LANES)
#define QUARTER_LANES (LANES > 8 ? LANES / 4 : HALF_LANES)

#if PAIRED
#define CELLS_OF(to, from, at) \
    (__builtin_convertvector(*(const from *)(low + (at)), to) & 0xffff) | __builtin_convertvector(*(const from *)(high + (at)), to) << 16
static inline void NAME(pairs)(const SOURCE *low, const SOURCE *high, int64_t count, CELL *out) {
    PART(LANES) PART(HALF_LANES) PART(QUARTER_LANES)
    for (int64_t i = 0; i < count; i++) out[i] = (uint32_t)(uint16_t)(int16_t)low[i] | (uint32_t)(uint16_t)(int16_t)high[i] << 16;
}

static void NAME(lines)(const adit_conv_lines *l) {
    for (int64_t channel = 0; channel < l->channels; channel += 2)
        for (int64_t row = 0; row < l->rows; row++) {
            const SOURCE *const low = (const SOURCE *)l->source + channel * l->step + row * l->row_step, *const high = low + l->step;
            CELL *const out = (CELL *)l->cells + channel / 2 * l->pitch + row * l->row_pitch, *const inside = out + l->before;
            for (int64_t i = 0; i < l->before; i++) out[i] = 0;
            for (int64_t i = 0; i < l->after; i++) inside[l->count + i] = 0;
            if (channel + 1 == l->channels) for (int64_t i = 0; i < l->count; i++) inside[i] = (uint16_t)(int16_t)low[i * l->stride];
            else if (l->stride == 1) NAME(pairs)(low, high, l->count, inside);
            else
                for (int64_t i = 0; i < l->count; i++)
                    inside[i] = (uint32_t)(uint16_t)(int16_t)low[i * l->stride] | (uint32_t)(uint16_t)(int16_t)high[i * l->stride] << 16;
        }
}
#else
#define CELLS_OF(to, from, at) __builtin_convertvector(*(const from *)(source + (at)), to)
static inline void NAME(line)(const SOURCE *source, int64_t count, CELL *out) {
    PART(LANES) PART(HALF_LANES) PART(QUARTER_LANES)
    for (int64_t i = 0; i < count; i++) out[i] = (CELL)source[i];
}

static void NAME(lines)(const adit_conv_lines *l) {
    for (int64_t channel = 0; channel < l->channels; channel++)
        for (int64_t row = 0; row < l->rows; row++) {
            const SOURCE *const from = (const SOURCE *)l->source + channel * l->step + row * l->row_step;
            CELL *const out = (CELL *)l->cells + channel * l->pitch + row * l->row_pitch, *const inside = out + l->before;
            for (int64_t i = 0; i < l->before; i++) out[i] = 0;
            for (int64_t i = 0; i < l->after; i++) inside[l->count + i] = 0;
            if (l->stride == 1) NAME(line)(from, l->count, inside);
            else if (l->stride == 2) for (int64_t i = 0; i < l->count; i++) inside[i] = (CELL)from[i * 2];
            else for (int64_t i = 0; i < l->count; i++) inside[i] = (CELL)from[i * l->stride];
            if (l->how == CONV_MAGNITUDE) for (int64_t i = 0; i < l->count; i++) inside[i] = inside[i] < 0 ? -inside[i] : inside[i];
            if (l->how == CONV_SQUARE) for (int64_t i = 0; i < l->count; i++) inside[i] *= inside[i];
        }
}
#endif
#undef PART
#undef CELLS_OF
#undef HALF_LANES
#undef QUARTER_LANES

#undef CELL
#undef SUM
#undef SOURCE
#undef LANES
#undef ROWS
#undef VECTORS
#undef STEP
#undef PAIRED
#undef NAME
