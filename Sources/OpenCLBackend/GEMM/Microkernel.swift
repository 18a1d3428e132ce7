import Kernels

/// One of our own product kernels with its sizes: what it is compiled from, how operands are laid out for it, how it is called.
struct Microkernel: Hashable, Sendable {
    /// How a work-group goes about its cells.
    enum Style: String, Sendable { case tile, strip, tensorCore }

    /// How four I8 products are added to a sum.
    enum Dot: String, Sendable, CaseIterable {
        /// In plain OpenCL C: every device.
        case plain
        /// The extension `cl_khr_integer_dot_product`.
        case khr
        /// NVIDIA's `dp4a`, from compute capability 6.1 on.
        case dp4a
        /// AMD's `v_dot4_i32_i8`.
        case amd
    }

    /// What is multiplied: I8, F32 or F64.
    let dtype: DType
    let style: Style
    /// Cells of a group.
    let bm: Int
    let bn: Int
    /// The stretch of k that goes through local memory at a time; the packed depth is a multiple of it.
    var bk = 1
    /// Cells of an item.
    var rm = 1
    var rn = 1
    var dot = Dot.plain
    /// For tests on devices without the instruction.
    var isEmulated = false

    /// A short name for notes and for the file of choices.
    var name: String {
        "\(style.rawValue)-\(bm)x\(bn)x\(bk)-\(rm)x\(rn)" + (dtype == .i8 ? "-\(dot.rawValue)" : "") + (isEmulated ? "-emulated" : "")
    }

    /// Elements of k in one packed element.
    var step: Int { dtype == .i8 ? 4 : 1 }
    /// Bytes of a packed element.
    var packedBytes: Int { dtype == .f64 ? 8 : 4 }

    /// Packed elements along k.
    func depth(_ k: Int) -> Int {
        let steps = (k + step - 1) / step
        let multiple = style == .tensorCore ? 16 : bk
        return (steps + multiple - 1) / multiple * multiple
    }

    /// Work-items of a group.
    var local: [Int] {
        switch style {
        case .tile: [bn / rn, bm / rm, 1]
        case .strip: [1, 1, 1]
        case .tensorCore: [256, 1, 1]
        }
    }

    /// Bytes of local memory.
    var localBytes: Int {
        switch style {
        case .tile: bk * (bm + bn) * packedBytes
        case .strip: 0
        case .tensorCore: 16 * (bm + bn + 16) * 4
        }
    }

    func global(rows: Int, columns: Int, matrices: Int) -> [Int] {
        let tiles = [(columns + bn - 1) / bn, (rows + bm - 1) / bm, matrices]
        return zip(tiles, local).map { $0 * $1 }
    }

    /// The program with `pack` (of stored elements of `input`) and `multiply`.
    func program(input: DType) -> ProgramSource {
        var defines = ["BM": "\(bm)", "BN": "\(bn)", "RM": "\(rm)", "RN": "\(rn)", "PANEL": dtype == .i8 ? "0" : "256", "STEP": "\(step)"]
        if style == .tile { defines["BK"] = "\(bk)" }
        if isEmulated { defines["EMULATED"] = "1" }
        let body =
            switch style {
            case .tile: GEMMSources.tile
            case .strip: GEMMSources.strip
            case .tensorCore: GEMMSources.tensorCore
            }
        return ProgramSource(prologue(input) + GEMMSources.pack + GEMMSources.packImage + body, defines: defines, standard: dot == .khr ? "CL3.0" : "CL1.2")
    }

    private func prologue(_ input: DType) -> String {
        switch dtype {
        case .i8: Self.integers(dot)
        case .f64: Self.doubles
        default: Self.floats(input)
        }
    }

    private static func floats(_ input: DType) -> String {
        // A BF16 is the upper half of a binary32.
        (input == .bf16 ? "#define IN ushort\n#define FETCH(x) as_float((uint)(x) << 16)\n" : "#define IN float\n#define FETCH(x) (x)\n") + """
            #define E float
            #define T float
            #define V 4
            #define EV float4
            #define VSTORE vstore4
            #define MAC(a, b, c) fma(a, b, c)
            #define CANONICAL(x) (isnan(x) ? as_float(0x7fc00000) : (x) == 0.0f ? 0.0f : (x))
            #define TV float16
            #define WIDE (BN / 16)
            #define WLOAD(j, p) vload16(j, p)
            #define WSTORE(v, j, p) vstore16(v, j, p)
            #define WMAC(a, b, c) fma((float16)(a), b, c)

            """
    }

    private static let doubles = """
        #pragma OPENCL EXTENSION cl_khr_fp64 : enable
        #define IN double
        #define FETCH(x) (x)
        #define E double
        #define T double
        #define V 2
        #define EV double2
        #define VSTORE vstore2
        #define MAC(a, b, c) fma(a, b, c)
        #define CANONICAL(x) (isnan(x) ? as_double(0x7ff8000000000000UL) : (x) == 0.0 ? 0.0 : (x))
        #define TV double8
        #define WIDE (BN / 8)
        #define WLOAD(j, p) vload8(j, p)
        #define WSTORE(v, j, p) vstore8(v, j, p)
        #define WMAC(a, b, c) fma((double8)(a), b, c)

        """

    private static func integers(_ dot: Dot) -> String {
        let instruction =
            switch dot {
            case .plain:
                """
                static int DOT4(uint a, uint b, int c) {
                    const char4 x = as_char4(a), y = as_char4(b);
                    return c + x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w;
                }
                """
            case .khr:
                """
                #ifdef cl_khr_integer_dot_product
                #pragma OPENCL EXTENSION cl_khr_integer_dot_product : enable
                #endif
                static int DOT4(uint a, uint b, int c) { return c + dot_4x8packed_ss_int(a, b); }
                """
            case .dp4a:
                """
                static int DOT4(uint a, uint b, int c) {
                    int d;
                    asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
                    return d;
                }
                """
            case .amd: "static int DOT4(uint a, uint b, int c) { return __builtin_amdgcn_sdot4((int)a, (int)b, c, false); }"
            }
        return instruction + """

            #define QUADS
            #define IN char
            #define FETCH(x) (x)
            #define E uint
            #define T int
            #define V 4
            #define EV uint4
            #define VSTORE vstore4
            #define MAC(a, b, c) DOT4(a, b, c)
            #define CANONICAL(x) (x)
            #define TV int16
            #define WIDE (BN / 16)
            #define WLOAD(j, p) as_int16(vload16(j, p))
            #define WSTORE(v, j, p) vstore16(v, j, p)
            // The byte of a word with its sign: shifted to the top and back.
            #define BYTE(v, i) (((v) << (24 - 8 * (i))) >> 24)
            #define WMAC(a, b, c) ((c) + BYTE((int)(a), 0) * BYTE(b, 0) + BYTE((int)(a), 1) * BYTE(b, 1) \\
                + BYTE((int)(a), 2) * BYTE(b, 2) + BYTE((int)(a), 3) * BYTE(b, 3))

            """
    }
}

extension Microkernel {
    /// What is worth trying on a device, the safest first.
    static func candidates(_ dtype: DType, on device: DeviceDescription) -> [Microkernel] {
        if device.kind == .cpu { return [strip(dtype)] }
        let fits = { (kernel: Microkernel) in kernel.localBytes <= device.localBytes && kernel.local.reduce(1, *) <= device.largestGroup }
        return dots(dtype, device).flatMap { dot in tiles(dtype).map { tile in Self.with(tile, dot) } }.filter(fits)
            + (dtype == .i8 && device.isNVIDIA ? [tensorCore()] : []).filter(fits)
    }

    static func strip(_ dtype: DType) -> Microkernel { Microkernel(dtype: dtype, style: .strip, bm: 8, bn: dtype == .f64 ? 16 : 32) }

    static func tiles(_ dtype: DType) -> [Microkernel] {
        dtype == .f64
            ? [
                Microkernel(dtype: dtype, style: .tile, bm: 64, bn: 64, bk: 16, rm: 4, rn: 4),
                Microkernel(dtype: dtype, style: .tile, bm: 128, bn: 64, bk: 8, rm: 8, rn: 4),
            ]
            : [
                Microkernel(dtype: dtype, style: .tile, bm: 64, bn: 64, bk: 16, rm: 4, rn: 4),
                Microkernel(dtype: dtype, style: .tile, bm: 128, bn: 64, bk: 16, rm: 8, rn: 4),
                Microkernel(dtype: dtype, style: .tile, bm: 128, bn: 128, bk: 8, rm: 8, rn: 8),
            ]
    }

    static func tensorCore(isEmulated: Bool = false) -> Microkernel {
        Microkernel(dtype: .i8, style: .tensorCore, bm: 128, bn: 128, isEmulated: isEmulated)
    }

    private static func dots(_ dtype: DType, _ device: DeviceDescription) -> [Dot] {
        guard dtype == .i8 else { return [.plain] }
        var dots: [Dot] = [.plain]
        if device.extensions.contains("cl_khr_integer_dot_product") { dots.append(.khr) }
        if device.isNVIDIA { dots.append(.dp4a) }
        if device.isAMD { dots.append(.amd) }
        return dots
    }

    private static func with(_ kernel: Microkernel, _ dot: Dot) -> Microkernel {
        var kernel = kernel
        kernel.dot = dot
        return kernel
    }
}
