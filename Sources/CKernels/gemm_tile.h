// Template of the packed, register-blocked product: included once for each kind of cell and instruction set.
//
// The includer defines
//   CELL     the type of a cell of C, of an accumulator and of a packed element (float, double, uint32_t)
//   SOURCE   the type of an operand's element (float, double, int8_t)
//   DEPTH    how many of them along k one packed element holds (1; 2 for I8, as two 16-bit halves)
//   LANES    cells in a vector;  ROWS  rows of the register tile, which is ROWS x 2 LANES
//   STEP(acc, a, b)   one accumulation on vectors;  FINISH(sum)   the last thing done to a sum
//   NAME(x)  x with a suffix of its own
//   QUAD_BITS  bits of a cell (32, 64)
// and, before it, NAME(element) and NAME(half), which read one packed element, and NAME(load), which reads 16 bytes of them
// along a contiguous depth.
//
// The layout is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3), 2008.
// For floats the depth of a cache block is the panel of the panel-256 rule, so a register tile's accumulators are the rule's:
// one for each cell, from +0, k ascending, one fused rounding a step. A tile then adds its accumulators to the sum in C,
// which is the rule's other rounding.

#define COLUMNS (2 * LANES)
#define STRIPS 8  // panels of B packed together: eight cache lines of a row of cells
#define QUAD (128 / QUAD_BITS)  // cells in 16 bytes
#define BLOCK_DEPTH (ADIT_PANEL * DEPTH)
#define BLOCK_ROWS (adit_round_up(192, ROWS))  // of packed A: about 200 KiB of 4-byte cells, in L2
#define BLOCK_COLUMNS 1024                     // of packed B: 1 MiB of 4-byte cells, shared by every block of A

typedef CELL NAME(vector) __attribute__((ext_vector_type(LANES)));
typedef CELL NAME(unaligned) __attribute__((ext_vector_type(LANES), aligned(sizeof(CELL))));

/// acc[i][:] = sum over l of a[i, l] b[l, :] for one panel; `a` and `b` are packed, depth outermost.
static inline __attribute__((always_inline)) void NAME(accumulate)(int rows, int64_t depth, const CELL *a, const CELL *b, NAME(vector) acc[ROWS][2]) {
    NAME(vector) sum[ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = (NAME(vector))((CELL)0);
#pragma clang loop unroll_count(4)
    for (int64_t l = 0; l < depth; l++) {
        const NAME(vector) b0 = *(const NAME(vector) *)b, b1 = *(const NAME(vector) *)(b + LANES);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const NAME(vector) ai = (NAME(vector))(a[i]);
            sum[i][0] = STEP(sum[i][0], ai, b0);
            sum[i][1] = STEP(sum[i][1], ai, b1);
        }
        a += ROWS;
        b += COLUMNS;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) acc[i][0] = sum[i][0], acc[i][1] = sum[i][1];
}

/// One register tile of a panel into C. `first` and `last` say which panel of the sum it is.
static inline __attribute__((always_inline)) void NAME(full_tile)(
    int rows, int64_t depth, const CELL *a, const CELL *b, CELL *c, int64_t c_row, bool first, bool last) {
    NAME(vector) acc[ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) __builtin_prefetch(c + i * c_row, 1), __builtin_prefetch(c + i * c_row + COLUMNS - 1, 1);
    NAME(accumulate)(rows, depth, a, b, acc);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < 2; v++) {
            NAME(unaligned) *const cell = (NAME(unaligned) *)(c + i * c_row + v * LANES);
            const NAME(vector) sum = first ? acc[i][v] : *cell + acc[i][v];
            *cell = last ? FINISH(sum) : sum;
        }
    }
}

/// The same for a tile cut by C's edge, or for a C whose columns aren't contiguous.
static __attribute__((noinline)) void NAME(edge_tile)(
    int rows, int columns, int64_t depth, const CELL *a, const CELL *b, CELL *c, int64_t c_row, int64_t c_column, bool first, bool last) {
    NAME(vector) acc[ROWS][2];
    _Alignas(ADIT_ALIGNMENT) CELL sums[ROWS * COLUMNS];
    NAME(accumulate)(ROWS, depth, a, b, acc);  // rows beyond C's were packed as zeros
    for (int i = 0; i < rows; i++) {
        CELL *const line = sums + i * COLUMNS;
        if (!first) for (int j = 0; j < columns; j++) line[j] = c[i * c_row + j * c_column];
        if (!first) for (int j = columns; j < COLUMNS; j++) line[j] = 0;
        for (int v = 0; v < 2; v++) {
            NAME(vector) *const cells = (NAME(vector) *)(line + v * LANES);
            const NAME(vector) sum = first ? acc[i][v] : *cells + acc[i][v];
            *cells = last ? FINISH(sum) : sum;
        }
        for (int j = 0; j < columns; j++) c[i * c_row + j * c_column] = line[j];
    }
}

/// Transposes `lanes` (2 or as many as a quad holds) quads along the depth, `lane_stride` apart, into panel lines `width` apart.
static inline __attribute__((always_inline)) void NAME(transpose)(int lanes, int width, const SOURCE *source, int64_t lane_stride, CELL *panel) {
    typedef CELL pair __attribute__((ext_vector_type(2), aligned(sizeof(CELL))));
    NAME(quad) x[QUAD];
    for (int i = 0; i < lanes; i++) x[i] = NAME(load)(source + i * lane_stride);
#if QUAD_BITS == 32
    typedef CELL four __attribute__((ext_vector_type(4), aligned(sizeof(CELL))));
    const NAME(quad) low = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5), high = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
    if (lanes == 2) {
        *(pair *)panel = low.lo, *(pair *)(panel + width) = low.hi;
        *(pair *)(panel + 2 * width) = high.lo, *(pair *)(panel + 3 * width) = high.hi;
    } else {
        const NAME(quad) low2 = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5), high2 = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
        *(four *)panel = __builtin_shufflevector(low, low2, 0, 1, 4, 5), *(four *)(panel + width) = __builtin_shufflevector(low, low2, 2, 3, 6, 7);
        *(four *)(panel + 2 * width) = __builtin_shufflevector(high, high2, 0, 1, 4, 5);
        *(four *)(panel + 3 * width) = __builtin_shufflevector(high, high2, 2, 3, 6, 7);
    }
#else
    *(pair *)panel = __builtin_shufflevector(x[0], x[1], 0, 2), *(pair *)(panel + width) = __builtin_shufflevector(x[0], x[1], 1, 3);
#endif
}

/// Copies `lanes` <= width vectors of `depth` elements to panel[l * width + lane], packed, zeros in the lanes beyond.
static inline __attribute__((always_inline)) void NAME(pack)(
    int width, const SOURCE *source, int64_t lane_stride, int64_t depth_stride, int64_t lanes, int64_t depth, CELL *panel) {
    const int64_t whole = depth / DEPTH, packed = adit_ceil_div(depth, DEPTH);
    int64_t l = 0;
    if (lanes == width && lane_stride == 1) {
        for (; l < whole; l++)
            for (int i = 0; i < width; i++) panel[l * width + i] = NAME(element)(source + l * DEPTH * depth_stride + i, depth_stride);
    } else if (lanes == width && depth_stride == 1) {
        for (; l + QUAD <= whole; l += QUAD) {
            int i = 0;
#pragma clang loop unroll(full)
            for (; i + QUAD <= width; i += QUAD) NAME(transpose)(QUAD, width, source + i * lane_stride + l * DEPTH, lane_stride, panel + l * width + i);
            if (i < width) NAME(transpose)(2, width, source + i * lane_stride + l * DEPTH, lane_stride, panel + l * width + i);
        }
    }
    for (; l < packed; l++)
        for (int i = 0; i < width; i++)
            panel[l * width + i] = i >= lanes ? 0
                : l < whole ? NAME(element)(source + i * lane_stride + l * DEPTH * depth_stride, depth_stride)
                            : NAME(half)(source[i * lane_stride + l * DEPTH * depth_stride]);
}

/// STRIPS panels of B at once, where its columns are contiguous: stretches of a row are read, and not a line in each of 256 pages.
static void NAME(pack_strips)(const SOURCE *source, int64_t depth_stride, int64_t depth, CELL *panel) {
    const int64_t whole = depth / DEPTH, packed = adit_ceil_div(depth, DEPTH);
    for (int64_t l = 0; l < packed; l++) {
        const SOURCE *const row = source + l * DEPTH * depth_stride;
        for (int s = 0; s < STRIPS; s++) {
            CELL *const line = panel + (s * packed + l) * COLUMNS;
            if (l < whole) for (int i = 0; i < COLUMNS; i++) line[i] = NAME(element)(row + s * COLUMNS + i, depth_stride);
            else for (int i = 0; i < COLUMNS; i++) line[i] = NAME(half)(row[s * COLUMNS + i]);
        }
    }
}

static size_t NAME(scratch_bytes)(int64_t rows, int64_t columns, int64_t k) {
    const int64_t depth = adit_ceil_div(adit_min(k, BLOCK_DEPTH), DEPTH);
    const int64_t lanes = adit_min(adit_round_up(rows, ROWS), BLOCK_ROWS) + adit_min(adit_round_up(columns, COLUMNS), BLOCK_COLUMNS);
    return (size_t)(lanes * depth) * sizeof(CELL);
}

/// One packed block of A against one packed panel of B.
static void NAME(block)(
    int64_t rows, int64_t columns, int64_t depth, const CELL *a, const CELL *b, CELL *c, int64_t c_row, int64_t c_column, bool first, bool last) {
    for (int64_t j = 0; j < columns; j += COLUMNS) {
        const CELL *const b_panel = b + j * depth;
        const bool fits = columns - j >= COLUMNS && c_column == 1;
        for (int64_t i = 0; i < rows; i += ROWS) {
            const CELL *const a_panel = a + i * depth;
            CELL *const cell = c + i * c_row + j * c_column;
            if (fits && rows - i >= ROWS) NAME(full_tile)(ROWS, depth, a_panel, b_panel, cell, c_row, first, last);
            else NAME(edge_tile)((int)adit_min(rows - i, ROWS), (int)adit_min(columns - j, COLUMNS), depth,
                     a_panel, b_panel, cell, c_row, c_column, first, last);
        }
    }
}

static bool NAME(tile)(
    adit_progress *progress, const adit_product *p, int64_t row0, int64_t row1, int64_t column0, int64_t column1, void *scratch) {
    const SOURCE *const a = p->a, *const b = p->b;
    CELL *const c = p->c;
    CELL *const packed_b = scratch;
    CELL *const packed_a =
        packed_b + adit_min(adit_round_up(column1 - column0, COLUMNS), BLOCK_COLUMNS) * adit_ceil_div(adit_min(p->k, BLOCK_DEPTH), DEPTH);
    for (int64_t column = column0; column < column1; column += BLOCK_COLUMNS) {
        const int64_t columns = adit_min(column1 - column, BLOCK_COLUMNS);
        for (int64_t l = 0; l < p->k; l += BLOCK_DEPTH) {
            const int64_t depth = adit_min(p->k - l, BLOCK_DEPTH), packed = adit_ceil_div(depth, DEPTH);
            int64_t j = 0;
            for (; p->b_column == 1 && j + STRIPS * COLUMNS <= columns; j += STRIPS * COLUMNS)
                NAME(pack_strips)(b + l * p->b_depth + column + j, p->b_depth, depth, packed_b + j * packed);
            for (; j < columns; j += COLUMNS)
                NAME(pack)(COLUMNS, b + l * p->b_depth + (column + j) * p->b_column, p->b_column, p->b_depth, adit_min(columns - j, COLUMNS), depth,
                    packed_b + j * packed);
            for (int64_t row = row0; row < row1; row += BLOCK_ROWS) {
                const int64_t rows = adit_min(row1 - row, BLOCK_ROWS);
                for (int64_t i = 0; i < rows; i += ROWS)
                    NAME(pack)(ROWS, a + (row + i) * p->a_row + l * p->a_depth, p->a_row, p->a_depth, adit_min(rows - i, ROWS), depth, packed_a + i * packed);
                NAME(block)(rows, columns, packed, packed_a, packed_b, c + row * p->c_row + column * p->c_column, p->c_row, p->c_column, l == 0,
                    l + depth == p->k);
                if (!adit_advance(progress, 2 * rows * columns * depth)) return false;
            }
        }
    }
    return true;
}

#undef COLUMNS
#undef STRIPS
#undef QUAD
#undef QUAD_BITS
#undef BLOCK_DEPTH
#undef BLOCK_ROWS
#undef BLOCK_COLUMNS
#undef CELL
#undef SOURCE
#undef DEPTH
#undef LANES
#undef ROWS
#undef STEP
#undef FINISH
#undef NAME
