// Template of the direct convolution's register tile: included once for each kind of cell and instruction set.
//
// The includer defines CELL, SOURCE, LANES, ROWS, VECTORS (vectors of a tile's width), STEP(acc, w, x), PAIRED (whether a cell holds
// two channels) and NAME(x). A tile is `rows` outputs x VECTORS * LANES positions that lie side by side, so that each step is one
// vector of cells, read at the tap's own offset, against one broadcast weight for each row.

typedef CELL NAME(vector) __attribute__((ext_vector_type(LANES)));
typedef CELL NAME(loose) __attribute__((ext_vector_type(LANES), aligned(sizeof(CELL))));

static inline __attribute__((always_inline)) void NAME(rows)(
    int rows, int64_t steps, const int32_t *offsets, const CELL *cells, const CELL *w, CELL *out) {
    NAME(vector) sum[ROWS][VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) sum[r][v] = (NAME(vector))((CELL)0);
    for (int64_t s = 0; s < steps; s++) {
        const CELL *const line = cells + offsets[s];
        NAME(vector) x[VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) x[v] = *(const NAME(loose) *)(line + v * LANES);
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
        for (int v = 0; v < VECTORS; v++) *(NAME(loose) *)(out + (r * VECTORS + v) * LANES) = sum[r][v];
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

#if PAIRED
static void NAME(line)(const void *source, const void *second, int64_t count, int64_t stride, int32_t how, void *cells) {
    (void)how;
    const SOURCE *const low = source, *const high = second;
    CELL *const out = cells;
    if (high == NULL) for (int64_t i = 0; i < count; i++) out[i] = (uint16_t)(int16_t)low[i * stride];
    else if (stride == 1)
        for (int64_t i = 0; i < count; i++) out[i] = (uint32_t)(uint16_t)(int16_t)low[i] | (uint32_t)(uint16_t)(int16_t)high[i] << 16;
    else
        for (int64_t i = 0; i < count; i++)
            out[i] = (uint32_t)(uint16_t)(int16_t)low[i * stride] | (uint32_t)(uint16_t)(int16_t)high[i * stride] << 16;
}
#else
static void NAME(line)(const void *source, const void *second, int64_t count, int64_t stride, int32_t how, void *cells) {
    (void)second;
    const SOURCE *const from = source;
    CELL *const out = cells;
    if (stride == 1) for (int64_t i = 0; i < count; i++) out[i] = (CELL)from[i];
    else if (stride == 2) for (int64_t i = 0; i < count; i++) out[i] = (CELL)from[i * 2];
    else for (int64_t i = 0; i < count; i++) out[i] = (CELL)from[i * stride];
    if (how == CONV_MAGNITUDE) for (int64_t i = 0; i < count; i++) out[i] = out[i] < 0 ? -out[i] : out[i];
    if (how == CONV_SQUARE) for (int64_t i = 0; i < count; i++) out[i] *= out[i];
}
#endif

#undef CELL
#undef SOURCE
#undef LANES
#undef ROWS
#undef VECTORS
#undef STEP
#undef PAIRED
#undef NAME
