import Kernels

/// The OpenCL C of one chain of `compute`: its steps one after the other on every element, and its reduction panel by panel.
///
/// What each step is to the bit stands in `ComputeStep`; every operation here is correctly rounded by OpenCL's own promise for F64, and
/// for F32 with `-cl-fp32-correctly-rounded-divide-sqrt`.
enum ChainSource {
    /// Steps by their names on the wire; a step that isn't here isn't offered.
    private static let steps = [
        "square": "x * x", "negate": "-x", "abs": "fabs(x)", "sqrt": "sqrt(x)", "reciprocal": "(T)1 / x", "relu": "x < (T)0 ? (T)0 : x",
        "floor": "floor(x)", "ceil": "ceil(x)", "round": "rint(x)", "truncate": "trunc(x)",
    ]

    /// What a panel starts with, and how an element joins it. A NaN wins over any number.
    static let reductions = [
        "sum": ("(T)0", "acc + x"), "mean": ("(T)0", "acc + x"), "product": ("(T)1", "acc * x"),
        "min": ("(T)INFINITY", "acc < x || isnan(acc) ? acc : x"), "max": ("(T)-INFINITY", "acc > x || isnan(acc) ? acc : x"),
    ]

    /// The program with `map`, or with `reduce` if the chain has a reduction; nil if a step isn't known here.
    static func program(_ chain: ComputeChain) -> ProgramSource? {
        var body = ""
        for step in chain.elementwise {
            guard let expression = steps[step.rawValue] ?? ElementarySource.steps[step.rawValue] else { return nil }
            // −0 becomes +0 after every step.
            body += "    x = \(expression);\n    x = x + (T)0;\n"
        }
        let isDouble = chain.dtype == .f64
        var defines = ["T": isDouble ? "double" : "float"]
        var text = prologue(isDouble) + ElementarySource.functions(isDouble) + "static T steps(T x) {\n\(body)    return x;\n}\n"
        if let reduction = chain.reduction {
            guard let (start, join) = reductions[reduction.rawValue] else { return nil }
            defines["REDUCED"] = "1"
            text += "static T join(T acc, T x) { return \(join); }\n#define START \(start)\n"
        }
        return ProgramSource(text + kernels, defines: defines, flags: isDouble ? [] : ["-cl-fp32-correctly-rounded-divide-sqrt"])
    }

    private static func prologue(_ isDouble: Bool) -> String {
        "#pragma OPENCL FP_CONTRACT OFF\n"
            + (isDouble
                ? "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n#define NOT_A_NUMBER as_double(0x7ff8000000000000UL)\n"
                : "#define NOT_A_NUMBER as_float(0x7fc00000)\n")
    }

    private static let kernels = """
        #ifdef REDUCED
        // An item for each panel of 256, in ascending order.
        kernel void reduce(global const T *x, global T *panels, long count) {
            const long first = get_global_id(0) * 256L, end = min(first + 256L, count);
            if (first >= count) return;
            T acc = START;
            for (long i = first; i < end; i++) acc = join(acc, steps(x[i]));
            panels[get_global_id(0)] = acc;
        }
        #else
        kernel void map(global const T *x, global T *y, long count) {
            const long i = get_global_id(0);
            if (i >= count) return;
            const T value = steps(x[i]);
            y[i] = isnan(value) ? NOT_A_NUMBER : value;
        }
        #endif
        """
}
