import Kernels

/// Programs that do nothing but multiply and add in registers, or copy.
enum PeakSource {
    /// Accumulators of an item: more than latency times throughput of any device so far, and few enough for registers.
    static let chains = 16

    /// The program that measures a format's peak, its name for people, and the operations of an item's turn.
    struct Peak {
        let name: String
        let source: ProgramSource
        let operations: Int
    }

    /// BF16 goes by way of F32 here, and so does its peak. I8 where the instruction is known.
    static func peak(_ dtype: DType, on device: DeviceDescription) -> Peak? {
        switch dtype {
        case .f32, .bf16: Peak(name: "fma f32", source: multiplyAdd("float"), operations: 2 * chains)
        case .f64 where device.hasF64: Peak(name: "fma f64", source: multiplyAdd("double"), operations: 2 * chains)
        // A warp's 32 items share 2·16·8·32 operations of each instruction, and there are eight in a turn.
        case .i8 where device.isNVIDIA: Peak(name: "mma m16n8k32 s8", source: tensorCore, operations: 8 * 2 * 16 * 8 * 32 / 32)
        case .f64, .i8, .i32, .i64: nil
        }
    }

    /// The results are stored on a condition that never holds and that no compiler can rule out.
    private static func multiplyAdd(_ type: String) -> ProgramSource {
        let declare = (0..<chains).map { "T r\($0) = start + \($0);" }.joined(separator: " ")
        let step = (0..<chains).map { "r\($0) = fma(r\($0), a, b);" }.joined(separator: " ")
        let sum = (0..<chains).map { "r\($0)" }.joined(separator: " + ")
        return ProgramSource(
            """
            #ifdef DOUBLE
            #pragma OPENCL EXTENSION cl_khr_fp64 : enable
            #endif
            kernel void peak(global int *out, int turns) {
                const T start = (T)get_global_id(0), a = (T)0.5, b = (T)1;
                \(declare)
                for (int turn = 0; turn < turns; turn++) { \(step) }
                if (\(sum) == (T)-1) out[0] = 1;
            }
            """, defines: type == "double" ? ["T": type, "DOUBLE": "1"] : ["T": type])
    }

    /// The same instruction as in `GEMMSources.tensorCore`, on registers that stay what they are.
    private static let tensorCore = ProgramSource(
        """
        #define MMA(d)                                                                                                  \\
            asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};" \\
                         : "+r"(d.x), "+r"(d.y), "+r"(d.z), "+r"(d.w)                                                   \\
                         : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y))
        kernel void peak(global int *out, int turns) {
            const int start = get_global_id(0);
            const uint4 a = (uint4)(start, 1, 2, 3);
            const uint2 b = (uint2)(5, start);
            int4 r0 = start, r1 = start, r2 = start, r3 = start, r4 = start, r5 = start, r6 = start, r7 = start;
            for (int turn = 0; turn < turns; turn++) { MMA(r0); MMA(r1); MMA(r2); MMA(r3); MMA(r4); MMA(r5); MMA(r6); MMA(r7); }
            const int4 sum = r0 ^ r1 ^ r2 ^ r3 ^ r4 ^ r5 ^ r6 ^ r7;
            if ((sum.x ^ sum.y ^ sum.z ^ sum.w) == 0x12345678) out[0] = 1;
        }
        """, defines: [:])

    static let copy = ProgramSource(
        "kernel void copy(global const uint4 *from, global uint4 *to) { to[get_global_id(0)] = from[get_global_id(0)]; }", defines: [:])
}
