// Template of single cells of floats: included once for each element type. The includer defines REAL, BITS (its pattern's type),
// NAN_BITS, MULTIPLY_ADD(a, b, c) of binary arithmetic with one rounding, and NAME(x).

enum { NAME(wide) = WIDE / sizeof(REAL) };

/// The chains of `count` cells over DEPTH terms or fewer, side by side in vectors.
CLONES static void NAME(accumulate)(int64_t count, int64_t depth, const REAL *a, const REAL *b, REAL *acc) {
    for (int64_t g = 0; g < count; g += GROUP, acc += GROUP) {
        REAL sum[GROUP];
        for (int c = 0; c < GROUP; c++) sum[c] = acc[c];
        for (int64_t place = g * DEPTH; place < g * DEPTH + depth * GROUP; place += GROUP)
            for (int c = 0; c < GROUP; c++) sum[c] = MULTIPLY_ADD(a[place + c], b[place + c], sum[c]);
        for (int c = 0; c < GROUP; c++) acc[c] = sum[c];
    }
}

/// Terms l..<l + depth of each cell's line of an operand whose lines are contiguous: a line's terms are read together.
static void NAME(gather_lines)(const operand *of, int64_t count, int64_t l, int64_t depth, REAL *out) {
    for (int64_t g = 0; g < count; g += GROUP) {
        for (int64_t t = 0; t < depth; t += DEPTH) {
            REAL *const to = out + t * CHUNK + g * DEPTH;
            const int64_t some = adit_min(DEPTH, depth - t);
            for (int c = 0; c < GROUP; c++) {
                const REAL *const line = (const REAL *)of->data + of->lines[g + c] + l + t;
                if (some == DEPTH) for (int s = 0; s < DEPTH; s++) to[s * GROUP + c] = line[s];
                else for (int64_t s = 0; s < some; s++) to[s * GROUP + c] = line[s];
            }
        }
    }
}

/// The same of an operand whose lines are strided: each term of all lines lies in one row of what is stored. In ascending order of
/// the lines that row is read from its start to its end, and the row AHEAD of it is asked for along the way.
static void NAME(gather_row)(const operand *of, int64_t count, int64_t l, int64_t depth, REAL *out) {
    for (int64_t t = 0; t < depth; t++) {
        const REAL *const row = (const REAL *)of->data + (l + t) * of->depth, *const ahead = row + AHEAD * of->depth;
        for (int64_t g = 0; g < count; g += GROUP) {
            const int64_t *const lines = of->lines + g;
            REAL *const to = out + PLACE(t, g);
            for (int c = 0; c < GROUP; c += 4) __builtin_prefetch(ahead + lines[c]);
            for (int c = 0; c < GROUP; c++) to[c] = row[lines[c]];
        }
    }
}

/// The sums of one panel, terms l0..<l1, of cells first..<last.
static void NAME(panel)(const job *j, int64_t first, int64_t last, int64_t l0, int64_t l1, REAL *sums) {
    const int64_t count = last - first;
    operand a, b;
    place_lines(j, first, last, &a, &b);
    _Alignas(ADIT_ALIGNMENT) REAL acc[CHUNK] = {0}, side_a[NAME(wide) * CHUNK], side_b[NAME(wide) * CHUNK];
    for (int64_t w = l0; w < l1; w += NAME(wide)) {
        const int64_t end = adit_min(w + NAME(wide), l1);
        if (a.depth == 1) NAME(gather_lines)(&a, count, w, end - w, side_a);
        if (b.depth == 1) NAME(gather_lines)(&b, count, w, end - w, side_b);
        for (int64_t l = w; l < end; l += DEPTH) {
            const int64_t depth = adit_min(DEPTH, end - l);
            REAL *const at_a = side_a + (a.depth == 1 ? (l - w) * CHUNK : 0), *const at_b = side_b + (b.depth == 1 ? (l - w) * CHUNK : 0);
            if (a.depth != 1) NAME(gather_row)(&a, count, l, depth, at_a);
            if (b.depth != 1) NAME(gather_row)(&b, count, l, depth, at_b);
            NAME(accumulate)(count, depth, at_a, at_b, acc);
        }
    }
    memcpy(sums, acc, (size_t)count * sizeof(REAL));
}

static void NAME(task)(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *const j = context;
    const int64_t chunks = adit_ceil_div(j->count, j->task), panel = index / chunks, first = index % chunks * j->task;
    const int64_t l0 = (j->panel + panel) * ADIT_PANEL, l1 = adit_min(l0 + ADIT_PANEL, j->a.columns);
    NAME(panel)(j, first, adit_min(first + j->task, j->count), l0, l1, (REAL *)j->sums + panel * j->count + first);
}

/// Panels side by side, as many as the memory for their sums allows; then those are added up in their order.
static int32_t NAME(all)(const adit_run *run, job j, uint64_t *bits) {
    const int64_t panels = adit_max(1, adit_ceil_div(j.a.columns, ADIT_PANEL));
    const int64_t together = adit_max(1, adit_min(panels, SUMS_BYTES / ((int64_t)sizeof(REAL) * adit_max(j.count, 1))));
    // As many tasks as threads at least.
    j.task = adit_max(GROUP, adit_min(CHUNK, adit_ceil_div(j.count * together, run->threads)));
    REAL *const totals = adit_allocate((size_t)(j.count * (together + 1)) * sizeof(REAL));
    if (totals == NULL) return ADIT_NO_MEMORY;
    j.sums = totals + j.count;
    for (j.panel = 0; j.panel < panels; j.panel += together) {
        const int64_t taken = adit_min(together, panels - j.panel);
        adit_parallel(run->threads, taken * adit_ceil_div(j.count, j.task), NAME(task), &j);
        for (int64_t p = 0; p < taken; p++) {
            const REAL *const sums = (const REAL *)j.sums + p * j.count;
            for (int64_t c = 0; c < j.count; c++) totals[c] = j.panel + p == 0 ? sums[c] : totals[c] + sums[c];
        }
    }
    for (int64_t c = 0; c < j.count; c++) {
        BITS cell;
        memcpy(&cell, &totals[c], sizeof cell);
        bits[j.cells[c].place] = totals[c] != totals[c] ? NAN_BITS : totals[c] == 0 ? 0 : cell;
    }
    free(totals);
    return ADIT_OK;
}

#undef REAL
#undef BITS
#undef NAN_BITS
#undef MULTIPLY_ADD
#undef NAME
