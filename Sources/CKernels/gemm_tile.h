// Template of the packed, register-blocked product: included once for each kind of cell and instruction set.
//
// The includer defines
//   CELL     the type of a cell of C and of an accumulator (float, double, uint32_t)
//   PACKED   the type of a packed element (float, double, uint32_t)
//   SOURCE   the type of an operand's element (float, double, int8_t, uint16_t)
//   DEPTH    how many of them along k one packed element holds
//   LANES    cells in a vector;  ROWS x VECTORS  vectors of the register tile
//   STEP(acc, a, b)   one accumulation on vectors;  FINISH(sum)   the last thing done to a sum
//   NAME(x)  x with a suffix of its own
//   IN_PLACE 0 where A's elements aren't packed ones as they lie there; NARROW or ALWAYS: for which products they are read in place
//   OFFSET   whether a row of C starts from a number of its own (instead of zero), which NAME(offset) makes of its row of A
// and, before it, NAME(element), which reads one packed element of `count` <= DEPTH elements, NAME(load), which reads 16 bytes of them
// along a contiguous depth, NAME(close_b), the last thing done to packed lines of B, and NAME(pack_line), which packs and closes a line of
// B whose columns are contiguous.
//
// The layout is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3), 2008.
// For floats the depth of a cache block is the panel of the panel-256 rule, so a register tile's accumulators are the rule's:
// one for each cell, from +0, k ascending, one fused rounding a step. A tile then adds its accumulators to the sum in C,
// which is the rule's other rounding.

#define COLUMNS (VECTORS * LANES)
#define MAX_ROWS 16  // of any register tile
#define QUAD ((int)(16 / sizeof(PACKED)))  // packed elements in 16 bytes
#define BLOCK_DEPTH (ADIT_PANEL * DEPTH)
#define BLOCK_ROWS (192 / ROWS * ROWS)  // of packed A at most: about 200 KiB of 4-byte cells, in L2
#define BLOCK_COLUMNS (8192 / (int64_t)sizeof(PACKED))  // of packed B: 2 MiB, shared by every block of A; a panel of it stays in L2
#define OFFSET_BYTES(rows) (OFFSET ? (size_t)adit_round_up(adit_round_up(rows, ROWS) * (int64_t)sizeof(CELL), ADIT_ALIGNMENT) : 0)
#define STRIP_DEPTH (4096 / (int64_t)sizeof(SOURCE))  // a multiple of BLOCK_DEPTH; ROWS rows of it fill the larger part of a first-level cache
#define STRIP_GROUP 8  // panels of B: 2 MiB for 64 columns of 4 bytes
#define STRIP_ROWS (96 / ROWS * ROWS)  // of a large A, 384 KiB: with a panel of B, 256 KiB, they stay in L2; measured against 120, 144 and 512

typedef CELL NAME(vector) __attribute__((ext_vector_type(LANES)));
typedef CELL NAME(unaligned) __attribute__((ext_vector_type(LANES), aligned(sizeof(CELL))));
typedef PACKED NAME(packed) __attribute__((ext_vector_type(LANES)));
typedef PACKED NAME(packed_unaligned) __attribute__((ext_vector_type(LANES), aligned(sizeof(PACKED))));
typedef PACKED NAME(quad) __attribute__((ext_vector_type(16 / sizeof(PACKED))));

/// acc[i][v] = sum over l of a[i, l] b[l, v] for one panel, depth outermost. Strides are constants for packed operands.
static inline __attribute__((always_inline)) void NAME(accumulate)(int rows, int vectors, int64_t depth, const PACKED *a, int64_t a_row, int64_t a_depth,
    const PACKED *b, int64_t b_depth, NAME(vector) acc[][VECTORS]) {
    NAME(vector) sum[MAX_ROWS][VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sum[i][v] = (NAME(vector))((CELL)0);
#pragma clang loop unroll_count(4)
    for (int64_t l = 0; l < depth; l++) {
        NAME(packed) line[VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) line[v] = *(const NAME(packed_unaligned) *)(b + v * LANES);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const NAME(packed) ai = (NAME(packed))(a[i * a_row]);
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sum[i][v] = STEP(sum[i][v], ai, line[v]);
        }
        a += a_depth;
        b += b_depth;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) acc[i][v] = sum[i][v];
}

/// One register tile of a panel into C. `first` and `last` say which panel of the sum it is; `offset` is what its rows start from, NULL for zeros;
/// `past_caches` says that it is the only panel and that C's lines, aligned, are written to memory without being read first.
static inline __attribute__((always_inline)) void NAME(tile_at)(int rows, int vectors, int64_t depth, const PACKED *a, int64_t a_row, int64_t a_depth,
    const PACKED *b, int64_t b_depth, CELL *c, int64_t c_row, const CELL *offset, bool first, bool last, bool past_caches) {
    NAME(vector) acc[MAX_ROWS][VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors && !past_caches; v++) __builtin_prefetch(c + i * c_row + v * LANES, 1);
    NAME(accumulate)(rows, vectors, depth, a, a_row, a_depth, b, b_depth, acc);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            NAME(unaligned) *const cell = (NAME(unaligned) *)(c + i * c_row + v * LANES);
            const NAME(vector) sum = !first ? *cell + acc[i][v] : OFFSET && offset != NULL ? acc[i][v] + offset[i] : acc[i][v];
            if (past_caches) __builtin_nontemporal_store(FINISH(sum), (NAME(vector) *)(void *)cell);
            else *cell = last ? FINISH(sum) : sum;
        }
    }
}

static __attribute__((noinline)) void NAME(full_tile)(
    int64_t depth, const PACKED *a, const PACKED *b, CELL *c, int64_t c_row, const CELL *offset, bool first, bool last) {
    NAME(tile_at)(ROWS, VECTORS, depth, a, 1, ROWS, b, COLUMNS, c, c_row, offset, first, last, false);
}

/// All rows of a tile that has only so many vectors of columns, into `out`, lines of COLUMNS.
static inline __attribute__((always_inline)) void NAME(part_tile)(
    int vectors, int64_t depth, const PACKED *a, int64_t a_row, int64_t a_depth, const PACKED *b, const CELL *offset, CELL *out) {
#define PART(V) NAME(tile_at)(ROWS, V, depth, a, a_row, a_depth, b, COLUMNS, out, COLUMNS, offset, true, false, false)
    if (vectors == 1) PART(1);
#if VECTORS > 2
    else if (vectors == 2) PART(2);
    else if (vectors == 3) PART(3);
#endif
    else PART(VECTORS);
#undef PART
}

/// A tile cut by C's edge: as many vectors as there are columns for, and all rows (those beyond C's were packed as zeros) or one.
static __attribute__((noinline)) void NAME(cut_tile)(
    int rows, int vectors, int64_t depth, const PACKED *a, const PACKED *b, const CELL *offset, CELL *out) {
#define CUT(R) NAME(tile_at)(R, VECTORS, depth, a, 1, ROWS, b, COLUMNS, out, COLUMNS, offset, true, false, false)
    if (rows == 1) CUT(1);
    else if (rows <= 3 && vectors > VECTORS / 2) CUT(3);
    else NAME(part_tile)(vectors, depth, a, 1, ROWS, b, offset, out);
#undef CUT
}

/// Adds a tile's accumulators, `rows` lines of COLUMNS of which `columns` count, to C.
static void NAME(join)(int rows, int columns, CELL *sums, CELL *c, int64_t c_row, int64_t c_column, bool first, bool last) {
    for (int i = 0; i < rows; i++) {
        CELL *const line = sums + i * COLUMNS;
        CELL *const cells = c + i * c_row;
        if (!first) for (int j = 0; j < columns; j++) line[j] = cells[j * c_column] + line[j];
        if (last) for (int j = 0; j < columns; j += LANES) *(NAME(vector) *)(line + j) = FINISH(*(NAME(vector) *)(line + j));
        if (c_column == 1) memcpy(cells, line, (size_t)columns * sizeof(CELL));
        else for (int j = 0; j < columns; j++) cells[j * c_column] = line[j];
    }
}

/// The same into a C of which only `rows` x `columns` are the tile's, or whose columns aren't contiguous.
static void NAME(edge_tile)(int rows, int columns, int64_t depth, const PACKED *a, const PACKED *b, CELL *c, int64_t c_row, int64_t c_column,
    const CELL *offset, bool first, bool last) {
    _Alignas(ADIT_ALIGNMENT) CELL sums[ROWS * COLUMNS];
    NAME(cut_tile)(rows, (columns + LANES - 1) / LANES, depth, a, b, first ? offset : NULL, sums);
    NAME(join)(rows, columns, sums, c, c_row, c_column, first, last);
}

/// Transposes `lanes` (2 or as many as a quad holds) quads along the depth, `lane_stride` apart, into panel lines `width` apart.
static inline __attribute__((always_inline)) void NAME(transpose)(int lanes, int width, const SOURCE *source, int64_t lane_stride, PACKED *panel) {
    typedef PACKED pair __attribute__((ext_vector_type(2), aligned(sizeof(PACKED))));
    NAME(quad) x[QUAD];
    for (int i = 0; i < lanes; i++) x[i] = NAME(load)(source + i * lane_stride);
#if PACKED_BITS == 32
    typedef PACKED four __attribute__((ext_vector_type(4), aligned(sizeof(PACKED))));
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
    int width, const SOURCE *source, int64_t lane_stride, int64_t depth_stride, int64_t lanes, int64_t depth, PACKED *panel) {
    const int64_t whole = depth / DEPTH, packed = adit_ceil_div(depth, DEPTH);
    int64_t l = 0;
    if (lanes == width && lane_stride == 1) {
        for (; l < whole; l++) {
            for (int i = 0; i < width; i++) panel[l * width + i] = NAME(element)(source + l * DEPTH * depth_stride + i, depth_stride, DEPTH);
        }
    } else if (depth_stride == 1) {
        for (; l + QUAD <= whole; l += QUAD) {
            int i = 0;
            // The next panel's lines lie in other pages, where no processor prefetches by itself.
            if (width == ROWS && l % (4 * QUAD) == 0)
#pragma clang loop unroll(full)
                for (int r = 0; r < ROWS; r++) __builtin_prefetch(source + (ROWS + r) * lane_stride + l * DEPTH);
            for (; i + QUAD <= lanes; i += QUAD) NAME(transpose)(QUAD, width, source + i * lane_stride + l * DEPTH, lane_stride, panel + l * width + i);
            if (i + 2 <= lanes && QUAD > 2) {
                NAME(transpose)(2, width, source + i * lane_stride + l * DEPTH, lane_stride, panel + l * width + i);
                i += 2;
            }
            for (; i < width; i++)
                for (int q = 0; q < QUAD; q++)
                    panel[(l + q) * width + i] = i < lanes ? NAME(element)(source + i * lane_stride + (l + q) * DEPTH, 1, DEPTH) : 0;
        }
    }
    for (; l < packed; l++)
        for (int i = 0; i < width; i++)
            panel[l * width + i] =
                i < lanes ? NAME(element)(source + i * lane_stride + l * DEPTH * depth_stride, depth_stride, (int)adit_min(depth - l * DEPTH, DEPTH)) : 0;
}

/// All panels of a block of B. Where its columns are contiguous, stretches of rows are read, and not a line in each of 256 pages.
static void NAME(pack_b)(const SOURCE *source, int64_t depth_stride, int64_t column_stride, int64_t columns, int64_t depth, PACKED *panels) {
    const int64_t packed = adit_ceil_div(depth, DEPTH), whole = depth / DEPTH, stride = packed * COLUMNS;
    const int64_t wide = column_stride == 1 ? columns / COLUMNS : 0;
    for (int64_t l = 0; l < packed && wide > 0; l++) {
        const SOURCE *const row = source + l * DEPTH * depth_stride;
        for (int64_t s = 0; s < wide; s++) {
            PACKED *const line = panels + s * stride + l * COLUMNS;
            if (l < whole) {
                NAME(pack_line)(row + s * COLUMNS, depth_stride, line);
                continue;
            }
            for (int i = 0; i < COLUMNS; i++) line[i] = NAME(element)(row + s * COLUMNS + i, depth_stride, (int)(depth - l * DEPTH));
            NAME(close_b)(1, line);
        }
    }
    for (int64_t j = wide * COLUMNS; j < columns; j += COLUMNS) {
        PACKED *const panel = panels + j / COLUMNS * stride;
        NAME(pack)(COLUMNS, source + j * column_stride, column_stride, depth_stride, adit_min(columns - j, COLUMNS), depth, panel);
        NAME(close_b)(packed, panel);
    }
}

static void NAME(pack_a)(const SOURCE *source, int64_t row_stride, int64_t depth_stride, int64_t rows, int64_t depth, PACKED *panels) {
    const int64_t packed = adit_ceil_div(depth, DEPTH);
    for (int64_t i = 0; i < rows; i += ROWS)
        NAME(pack)(ROWS, source + i * row_stride, row_stride, depth_stride, adit_min(rows - i, ROWS), depth, panels + i * packed);
}

/// What rows of C start from, of as many rows of A; zeros for those that fill up the last tile.
static void NAME(offsets)(const SOURCE *a, int64_t row_stride, int64_t depth_stride, int64_t rows, int64_t depth, CELL *offsets) {
#if OFFSET
    for (int64_t i = rows; i < adit_round_up(rows, ROWS); i++) offsets[i] = 0;
    NAME(offset)(a, row_stride, depth_stride, rows, depth, offsets);
#else
    (void)a, (void)row_stride, (void)depth_stride, (void)rows, (void)depth, (void)offsets;
#endif
}

static size_t NAME(scratch_bytes)(int64_t rows, int64_t columns, int64_t k) {
    const int64_t depth = adit_ceil_div(adit_min(k, BLOCK_DEPTH), DEPTH);
    return OFFSET_BYTES(rows) + (size_t)(adit_min(adit_round_up(rows, ROWS), BLOCK_ROWS) * adit_round_up(depth, ADIT_ALIGNMENT)
               + adit_max(adit_min(adit_round_up(columns, COLUMNS), BLOCK_COLUMNS) * depth,
                   IN_PLACE ? adit_min(adit_round_up(columns, COLUMNS), STRIP_GROUP * COLUMNS) * adit_ceil_div(adit_min(k, STRIP_DEPTH), DEPTH) : 0))
        * sizeof(PACKED);
}

/// One packed block of A against one packed block of B.
static void NAME(block)(int64_t rows, int64_t columns, int64_t depth, const PACKED *a, const PACKED *b, CELL *c, int64_t c_row, int64_t c_column,
    const CELL *offsets, bool first, bool last) {
    for (int64_t j = 0; j < columns; j += COLUMNS) {
        const PACKED *const b_panel = b + j * depth;
        const bool fits = columns - j >= COLUMNS && c_column == 1;
        for (int64_t i = 0; i < rows; i += ROWS) {
            const PACKED *const a_panel = a + i * depth;
            CELL *const cell = c + i * c_row + j * c_column;
            if (fits && rows - i >= ROWS) NAME(full_tile)(depth, a_panel, b_panel, cell, c_row, offsets + i, first, last);
            else NAME(edge_tile)((int)adit_min(rows - i, ROWS), (int)adit_min(columns - j, COLUMNS), depth,
                     a_panel, b_panel, cell, c_row, c_column, offsets + i, first, last);
        }
    }
}

#if IN_PLACE
/// A tile whose rows of A are read where they lie.
static inline __attribute__((always_inline)) void NAME(loose_tile)(
    int rows, int columns, int64_t depth, const PACKED *a, int64_t a_row, const PACKED *b, CELL *c, int64_t c_row, const CELL *offset, bool first, bool last) {
    if (rows == ROWS && columns == COLUMNS) {
        NAME(tile_at)(ROWS, VECTORS, depth, a, a_row, 1, b, COLUMNS, c, c_row, offset, first, last, false);
        return;
    }
    if (!first) offset = NULL;
    _Alignas(ADIT_ALIGNMENT) CELL sums[ROWS * COLUMNS];
    // Rows beyond the last aren't A's to read.
    if (rows == ROWS) NAME(part_tile)((columns + LANES - 1) / LANES, depth, a, a_row, 1, b, offset, sums);
    else for (int i = 0; i < rows; i++)
        NAME(tile_at)(1, VECTORS, depth, a + i * a_row, a_row, 1, b, COLUMNS, sums + i * COLUMNS, COLUMNS,
            OFFSET && offset != NULL ? offset + i : NULL, true, false, false);
    NAME(join)(rows, columns, sums, c, c_row, 1, first, last);
}

/// Part of a product whose A is read where it lies. The panels of B for STRIP_DEPTH steps stay in the second-level cache, a strip of ROWS rows of
/// A in the first, a tile of C in both through all its panels: nothing of A is copied, and C is written once for 4 KiB of its row of A. A larger
/// A is read in blocks for several panels' columns at once, since otherwise each panel would bring all of it from memory.
static bool NAME(strips)(adit_progress *progress, const adit_product *p, int64_t row0, int64_t row1, int64_t column0, int64_t column1, CELL *offsets,
    PACKED *packed) {
    const bool is_large = (row1 - row0) * adit_min(p->k, STRIP_DEPTH) * (int64_t)sizeof(SOURCE) > 4 << 20;
    const int64_t width = (is_large ? STRIP_GROUP : 1) * COLUMNS, height = is_large ? STRIP_ROWS : row1 - row0;
    for (int64_t l0 = 0; l0 < p->k; l0 += STRIP_DEPTH) {
        const int64_t l1 = adit_min(p->k, l0 + STRIP_DEPTH);
        for (int64_t column = column0; column < column1; column += width) {
            const int64_t columns = adit_min(column1 - column, width), span = adit_round_up(columns, COLUMNS);
            for (int64_t l = l0; l < l1; l += BLOCK_DEPTH)
                NAME(pack_b)((const SOURCE *)p->b + l * p->b_depth + column * p->b_column, p->b_depth, p->b_column, columns, adit_min(l1 - l, BLOCK_DEPTH),
                    packed + (l - l0) / DEPTH * span);
            for (int64_t block = row0; block < row1; block += height) {
                const int64_t last = adit_min(row1, block + height);
                for (int64_t j = 0; j < columns; j += COLUMNS)
                    for (int64_t row = block; row < last; row += ROWS) {
                        CELL *const offset = offsets + (row - row0);
                        // Just before its rows are read anyway.
                        if (l0 == 0 && column + j == column0)
                            NAME(offsets)((const SOURCE *)p->a + row * p->a_row, p->a_row, 1, adit_min(last - row, ROWS), p->k, offset);
                        for (int64_t l = l0; l < l1; l += BLOCK_DEPTH) {
                            const int64_t lines = adit_min(l1 - l, BLOCK_DEPTH) / DEPTH;
                            NAME(loose_tile)((int)adit_min(last - row, ROWS), (int)adit_min(columns - j, COLUMNS), lines,
                                (const PACKED *)(const void *)((const SOURCE *)p->a + row * p->a_row + l), p->a_row / DEPTH,
                                packed + (l - l0) / DEPTH * span + j * lines, (CELL *)p->c + row * p->c_row + column + j, p->c_row,
                                offset, l == 0, l + lines * DEPTH == p->k);
                        }
                    }
                if (!adit_advance(progress, 2 * (last - block) * columns * (l1 - l0))) return false;
            }
        }
    }
    return true;
}
#endif

static bool NAME(tile)(
    adit_progress *progress, const adit_product *p, int64_t row0, int64_t row1, int64_t column0, int64_t column1, void *scratch) {
    const SOURCE *const a = p->a, *const b = p->b;
    CELL *const c = p->c;
    CELL *const offsets = scratch;
    PACKED *const packed_b = (PACKED *)(void *)((char *)scratch + OFFSET_BYTES(row1 - row0));
    PACKED *const packed_a = packed_b
        + adit_min(adit_round_up(column1 - column0, COLUMNS), BLOCK_COLUMNS) * adit_ceil_div(adit_min(p->k, BLOCK_DEPTH), DEPTH);
#if IN_PLACE
    // A packed element has to be one as it lies there.
    const bool is_packed = p->a_depth == 1 && p->a_row % DEPTH == 0 && p->k % DEPTH == 0 && (uintptr_t)p->a % sizeof(PACKED) == 0;
    if (is_packed && p->c_column == 1 && (IN_PLACE == ALWAYS || column1 - column0 <= COLUMNS))
        return NAME(strips)(progress, p, row0, row1, column0, column1, offsets, packed_b);
#endif
    NAME(offsets)(a + row0 * p->a_row, p->a_row, p->a_depth, row1 - row0, p->k, offsets);
    const int64_t blocks = adit_ceil_div(row1 - row0, BLOCK_ROWS), block_rows = adit_round_up(adit_ceil_div(row1 - row0, blocks), ROWS);
    for (int64_t column = column0; column < column1; column += BLOCK_COLUMNS) {
        const int64_t columns = adit_min(column1 - column, BLOCK_COLUMNS);
        for (int64_t l = 0; l < p->k; l += BLOCK_DEPTH) {
            const int64_t depth = adit_min(p->k - l, BLOCK_DEPTH);
            NAME(pack_b)(b + l * p->b_depth + column * p->b_column, p->b_depth, p->b_column, columns, depth, packed_b);
            for (int64_t row = row0; row < row1; row += block_rows) {
                const int64_t rows = adit_min(row1 - row, block_rows);
                NAME(pack_a)(a + row * p->a_row + l * p->a_depth, p->a_row, p->a_depth, rows, depth, packed_a);
                NAME(block)(rows, columns, adit_ceil_div(depth, DEPTH), packed_a, packed_b, c + row * p->c_row + column * p->c_column, p->c_row,
                    p->c_column, offsets + (row - row0), l == 0, l + depth == p->k);
                if (!adit_advance(progress, 2 * rows * columns * depth)) return false;
            }
        }
    }
    return true;
}

#if DIRECT
/// A small product without packing, operands read where they are: what fits the caches isn't worth copying. B's columns are
/// packed only where they aren't contiguous or don't fill vectors. `scratch` holds direct_bytes(n, k).
static void NAME(direct)(const adit_product *p, void *scratch) {
    const int64_t padded = adit_round_up(p->n, COLUMNS);
    const bool in_place = p->b_column == 1 && p->n % LANES == 0;
    const bool past_caches = p->past_caches && p->k <= ADIT_PANEL && p->n % LANES == 0 && p->c_row % LANES == 0
        && (uintptr_t)p->c % sizeof(NAME(vector)) == 0;
    for (int64_t l = 0; l < p->k; l += ADIT_PANEL) {
        const int64_t depth = adit_min(p->k - l, ADIT_PANEL);
        const bool first = l == 0, last = l + depth == p->k;
        const SOURCE *const a = (const SOURCE *)p->a + l * p->a_depth, *const b = (const SOURCE *)p->b + l * p->b_depth;
        if (!in_place) NAME(pack_b)(b, p->b_depth, p->b_column, p->n, depth, scratch);
        for (int64_t j = 0; j < padded && j < p->n; j += COLUMNS) {
            const PACKED *const line = in_place ? b + j : (const PACKED *)scratch + j * depth;
            const int64_t b_depth = in_place ? p->b_depth : COLUMNS, columns = adit_min(p->n - j, COLUMNS);
            const int vectors = (int)adit_ceil_div(columns, LANES);
            const bool whole = columns == vectors * LANES;
            int64_t i = 0;
            while (i < p->m) {
                const int64_t left = p->m - i;
                CELL *const cells = (CELL *)p->c + i * p->c_row + j;
                const SOURCE *const rows = a + i * p->a_row;
                _Alignas(ADIT_ALIGNMENT) CELL sums[MAX_ROWS * COLUMNS];
                CELL *const out = whole ? cells : sums;
                const int64_t out_row = whole ? p->c_row : COLUMNS;
                int taken = 1;
#define TILE(R, V) NAME(tile_at)(taken = R, V, depth, rows, p->a_row, p->a_depth, line, b_depth, out, out_row, NULL, first || !whole, last && whole, past_caches)
#define TILES(R, V)                       \
    if (left >= R) TILE(R, V);            \
    else if (left >= 4) TILE(4, V);       \
    else if (left >= 2) TILE(2, V);       \
    else TILE(1, V);                      \
    break
                switch (vectors) {
#if VECTORS == 4
                case 1: TILES(8, 1);
                case 2: TILES(8, 2);
                case 3: TILES(8, 3);
                default: TILES(6, 4);
#else
                case 1: TILES(8, 1);
                default: TILES(6, 2);
#endif
                }
#undef TILES
#undef TILE
                if (!whole) NAME(join)(taken, (int)columns, sums, cells, p->c_row, 1, first, last);
                i += taken;
            }
        }
    }
}
#endif

#undef COLUMNS
#undef MAX_ROWS
#undef VECTORS
#undef QUAD
#undef PACKED_BITS
#undef BLOCK_DEPTH
#undef BLOCK_ROWS
#undef BLOCK_COLUMNS
#undef OFFSET_BYTES
#undef STRIP_DEPTH
#undef STRIP_GROUP
#undef STRIP_ROWS
#undef CELL
#undef PACKED
#undef SOURCE
#undef DEPTH
#undef LANES
#undef ROWS
#undef OFFSET
#undef DIRECT
#undef IN_PLACE
#undef STEP
#undef FINISH
#undef NAME
