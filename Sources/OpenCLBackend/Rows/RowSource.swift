import Kernels

/// The OpenCL C of softmax and layer normalisation: what `RowWork` says, in five calls.
///
/// A row's panels of 256 are an item's work each, its panels are joined by another's; twice, since the second sum needs what the first gave:
/// softmax the maximum and the sum of exponentials, layer normalisation the mean and the variance. Then every element is an item's work.
enum RowSource {
    static func program(_ work: RowWork) -> ProgramSource {
        let isDouble = work.dtype == .f64
        var text = ElementarySource.prologue(isDouble)
        switch work.kind {
        case .softmax: text += ElementarySource.exponential(isDouble) + softmax
        case .layerNorm(_, let hasGamma, let hasBeta):
            let value = hasGamma && hasBeta ? "fma(y, gamma[j], beta[j])" : hasGamma ? "y * gamma[j]" : hasBeta ? "y + beta[j]" : "y"
            text += layerNorm + "#define SCALED(y, j) \(value)\n"
        }
        return ProgramSource(text + kernels, defines: [:], flags: isDouble ? [] : ["-cl-fp32-correctly-rounded-divide-sqrt"])
    }

    private static let softmax = """
        #define START_1 ((T)-INFINITY)
        #define ADD_1(acc, x) ((acc) > (x) || isnan(acc) ? (acc) : (x))
        #define JOIN_1(a, b) ADD_1(a, b)
        #define FINISH_1(acc) (acc)
        #define ADD_2(acc, x) ((acc) + exp_((x) - first))
        #define FINISH_2(acc) (acc)
        #define VALUE(x, j) (exp_((x) - first) / second)

        """

    private static let layerNorm = """
        #define START_1 ((T)0)
        #define ADD_1(acc, x) ((acc) + (x))
        #define JOIN_1(a, b) ((a) + (b))
        #define FINISH_1(acc) ((acc) / (T)columns)
        #define ADD_2(acc, x) fma((x) - first, (x) - first, acc)
        #define FINISH_2(acc) ((T)1 / sqrt((acc) / (T)columns + FROM_BITS(epsilon)))
        #define VALUE(x, j) SCALED((((x) - first) * second), j)

        """

    private static let kernels = """
        kernel void panels_1(global const T *x, global T *panels, long columns, long per, long count) {
            const long id = get_global_id(0);
            if (id >= count) return;
            global const T *row = x + id / per * columns;
            const long end = min(id % per * 256 + 256, columns);
            T acc = START_1;
            for (long i = id % per * 256; i < end; i++) acc = ADD_1(acc, row[i]);
            panels[id] = acc;
        }

        kernel void rows_1(global const T *panels, global T *firsts, long columns, long per, long rows) {
            const long row = get_global_id(0);
            if (row >= rows) return;
            T acc = panels[row * per];
            for (long p = 1; p < per; p++) acc = JOIN_1(acc, panels[row * per + p]);
            firsts[row] = FINISH_1(acc);
        }

        kernel void panels_2(global const T *x, global T *panels, global const T *firsts, long columns, long per, long count) {
            const long id = get_global_id(0);
            if (id >= count) return;
            global const T *row = x + id / per * columns;
            const long end = min(id % per * 256 + 256, columns);
            const T first = firsts[id / per];
            T acc = 0;
            for (long i = id % per * 256; i < end; i++) acc = ADD_2(acc, row[i]);
            panels[id] = acc;
        }

        kernel void rows_2(global const T *panels, global T *seconds, long columns, long per, long rows, long epsilon) {
            const long row = get_global_id(0);
            if (row >= rows) return;
            T acc = panels[row * per];
            for (long p = 1; p < per; p++) acc = acc + panels[row * per + p];
            seconds[row] = FINISH_2(acc);
        }

        kernel void map(global const T *x, global T *y, global const T *firsts, global const T *seconds, global const T *gamma,
                        global const T *beta, long columns, long count) {
            const long id = get_global_id(0);
            if (id >= count) return;
            const long j = id % columns;
            const T first = firsts[id / columns], second = seconds[id / columns];
            const T value = VALUE(x[id], j);
            y[id] = CANONICAL(value);
        }
        """
}
