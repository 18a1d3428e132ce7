import Kernels

/// The OpenCL C of one chain of `compute`: its steps one after the other on every element, and its reduction panel by panel.
///
/// What each step is to the bit stands in `ComputeStep`; every operation here is correctly rounded by OpenCL's own promise for F64, and
/// for F32 with `-cl-fp32-correctly-rounded-divide-sqrt`.
enum ChainSource {
    /// Steps by their names on the wire; a step that isn't here isn't offered.
    private static let steps = [
        "square": "x * x", "negate": "-x", "abs": "fabs(x)", "sqrt": "sqrt(x)", "reciprocal": "(T)1 / x", "relu": "x < (T)0 ? (T)0 : x",
        "floor": "floor(x)", "ceil": "ceil(x)", "round": "rint(x)", "truncate": "trunc(x)", "rsqrt": "(T)1 / sqrt(x)",
        "sign": "x > (T)0 ? (T)1 : x < (T)0 ? (T)-1 : x",
    ]

    /// With y, a number or another tensor's element.
    private static func combined(_ combination: ComputeOperation.Combination, _ y: String) -> String {
        switch combination {
        case .add: "x + \(y)"
        case .sub: "x - \(y)"
        case .mul: "x * \(y)"
        case .div: "x / \(y)"
        case .min: "x < \(y) || isnan(x) ? x : \(y)"
        case .max: "x > \(y) || isnan(x) ? x : \(y)"
        }
    }

    /// What a panel starts with, and how an element joins it. A NaN wins over any number.
    static let reductions = [
        "sum": ("(T)0", "acc + x"), "mean": ("(T)0", "acc + x"), "product": ("(T)1", "acc * x"),
        "min": ("(T)INFINITY", "acc < x || isnan(acc) ? acc : x"), "max": ("(T)-INFINITY", "acc > x || isnan(acc) ? acc : x"),
    ]

    /// Elements of an operand that repeats are on the device as a whole: at most so many.
    static let repeating = 4 << 20

    /// The program with `map`, or with `reduce` if the chain has a reduction; nil if a step isn't known here.
    ///
    /// Operand k is the argument `bk`: of the stretch where it is as large as x, otherwise whole, and repeated from place `start` of x on.
    static func program(_ chain: ComputeChain) -> ProgramSource? {
        guard chain.operandCounts.allSatisfy({ $0 == chain.count || $0 <= repeating }) else { return nil }
        let isDouble = chain.dtype == .f64
        let constant = { (value: Double) in literal(value, isDouble) }
        var body = ""
        for step in chain.elementwise {
            switch step {
            case .step(let name):
                guard let expression = steps[name.rawValue] ?? ElementarySource.steps[name.rawValue] else { return nil }
                body += "    x = \(expression);\n"
            case .combine(let combination, .constant(let value)): body += "    x = \(combined(combination, constant(value)));\n"
            case .combine(let combination, .tensor(let index)):
                let place = chain.operandCounts[index] == chain.count ? "i" : "(start + i) % \(chain.operandCounts[index])L"
                body += "    { const T y = b\(index)[\(place)]; x = \(combined(combination, "y")); }\n"
            case .power(let exponent): body += power(exponent)
            case .clamp(let low, let high):
                body += "    x = x < \(constant(low)) ? \(constant(low)) : x > \(constant(high)) ? \(constant(high)) : x;\n"
            case .leakyRelu(let slope): body += "    x = x < (T)0 ? \(constant(slope)) * x : x;\n"
            }
            // −0 becomes +0 after every step.
            body += "    x = x + (T)0;\n"
        }
        var defines = ["T": isDouble ? "double" : "float"]
        let parameters = chain.operandCounts.indices.map { ", global const T *b\($0)" }.joined()
        let arguments = chain.operandCounts.indices.map { ", b\($0)" }.joined()
        var text = prologue(isDouble) + ElementarySource.functions(isDouble)
        text += "static T steps(T x, long i, long start\(parameters)) {\n\(body)    return x;\n}\n"
        text += "#define PARAMETERS\(parameters.isEmpty ? "" : " \(parameters)")\n#define ARGUMENTS\(arguments.isEmpty ? "" : " \(arguments)")\n"
        if let reduction = chain.reduction {
            guard let (start, join) = reductions[reduction.rawValue] else { return nil }
            defines["REDUCED"] = "1"
            text += "static T join(T acc, T x) { return \(join); }\n#define START \(start)\n"
        }
        return ProgramSource(text + kernels, defines: defines, flags: isDouble ? [] : ["-cl-fp32-correctly-rounded-divide-sqrt"])
    }

    /// A number by its bits in the chain's format.
    private static func literal(_ value: Double, _ isDouble: Bool) -> String {
        isDouble ? "as_double(0x\(String(value.bitPattern, radix: 16))UL)" : "as_float(0x\(String(Float(value).bitPattern, radix: 16))U)"
    }

    /// x^n by repeated squaring, written out.
    private static func power(_ exponent: Int) -> String {
        var (text, rest) = ("    { T power = (T)1;\n", exponent.magnitude)
        while rest > 0 {
            if rest & 1 == 1 { text += "      power = power * x;\n" }
            rest >>= 1
            if rest > 0 { text += "      x = x * x;\n" }
        }
        return text + (exponent < 0 ? "      x = (T)1 / power; }\n" : "      x = power; }\n")
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
        kernel void reduce(global const T *x, global T *panels, long count, long start PARAMETERS) {
            const long first = get_global_id(0) * 256L, end = min(first + 256L, count);
            if (first >= count) return;
            T acc = START;
            for (long i = first; i < end; i++) acc = join(acc, steps(x[i], i, start ARGUMENTS));
            panels[get_global_id(0)] = acc;
        }
        #else
        kernel void map(global const T *x, global T *y, long count, long start PARAMETERS) {
            const long i = get_global_id(0);
            if (i >= count) return;
            const T value = steps(x[i], i, start ARGUMENTS);
            y[i] = isnan(value) ? NOT_A_NUMBER : value;
        }
        #endif
        """
}
