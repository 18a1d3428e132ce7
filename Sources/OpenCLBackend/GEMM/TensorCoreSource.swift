/// I8 on NVIDIA's tensor cores: `mma.sync.m16n8k32` in inline PTX, 8 warps on 128 × 128 cells, each on 64 × 32.
///
/// Source: PTX ISA, "Matrix fragments for mma.m16n8k32", s8. With lane = 4·g + t: registers of A are rows g and g + 8, bytes 4t… and
/// 16 + 4t… of k; those of B are column g, the same bytes; those of the sum are rows g and g + 8, columns 2t and 2t + 1. Packed operands
/// hold four bytes of k as one word, so that each register is one word. EMULATED replaces the instruction by its definition, for devices
/// that don't have it.
extension GEMMSources {
    static let tensorCore = """
        #define BK 16
        #define PADDED (BM + 8)

        #ifdef EMULATED
        // Barriers in unrolled loops take a CPU's compiler half a minute.
        #define UNROLL _Pragma("unroll 1")
        #define MMA(d, a, b) d = emulated(d, a, b, ea[warp], eb[warp], lane)
        static int4 emulated(int4 d, uint4 a, uint2 b, local uint4 *ea, local uint2 *eb, int lane) {
            barrier(CLK_LOCAL_MEM_FENCE);
            ea[lane] = a;
            eb[lane] = b;
            barrier(CLK_LOCAL_MEM_FENCE);
            int out[4] = {d.x, d.y, d.z, d.w};
            for (int e = 0; e < 4; e++) {
                const int row = lane / 4, column = (lane % 4) * 2 + e % 2;
                for (int t = 0; t < 4; t++) {
                    const uint4 words = ea[row * 4 + t];
                    const uint2 others = eb[column * 4 + t];
                    out[e] = DOT4(e < 2 ? words.x : words.y, others.x, out[e]);
                    out[e] = DOT4(e < 2 ? words.z : words.w, others.y, out[e]);
                }
            }
            return (int4)(out[0], out[1], out[2], out[3]);
        }
        #else
        #define UNROLL _Pragma("unroll")
        #define MMA(d, a, b)                                                                                            \\
            asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};" \\
                         : "+r"(d.x), "+r"(d.y), "+r"(d.z), "+r"(d.w)                                                   \\
                         : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y))
        #endif

        kernel __attribute__((reqd_work_group_size(256, 1, 1)))
        void multiply(global const E *a, global const E *b, global T *c, int m, int n, int depth, long offset, long stride, long batch,
                      int period) {
            // Eight words more than a row has: lanes of one t then meet 32 different banks.
            local uint la[BK * PADDED], lb[BK * PADDED];
        #ifdef EMULATED
            local uint4 ea[8][32];
            local uint2 eb[8][32];
        #endif
            const int id = get_local_id(0), warp = id / 32, lane = id % 32, g = lane / 4, t = lane % 4;
            const int wm = (warp / 4) * 64, wn = (warp % 4) * 32;
            const long z = get_group_id(2);
            global const uint4 *pa = (global const uint4 *)(a + (z % period * get_num_groups(1) + get_group_id(1)) * (long)depth * BM);
            global const uint4 *pb = (global const uint4 *)(b + (z * get_num_groups(0) + get_group_id(0)) * (long)depth * BN);
            int4 acc[4][4];
            UNROLL
            for (int i = 0; i < 4; i++)
                UNROLL
                for (int j = 0; j < 4; j++) acc[i][j] = (int4)(0);
            // 16 × 128 words of each: two vectors of four for every item.
            uint4 na[2], nb[2];
            UNROLL
            for (int i = 0; i < 2; i++) {
                na[i] = pa[id + i * 256];
                nb[i] = pb[id + i * 256];
            }
            for (int k0 = 0; k0 < depth; k0 += BK) {
                barrier(CLK_LOCAL_MEM_FENCE);
                UNROLL
                for (int i = 0; i < 2; i++) {
                    const int word = (id + i * 256) * 4, place = (word / BM) * PADDED + word % BM;
                    vstore4(na[i], 0, la + place);
                    vstore4(nb[i], 0, lb + place);
                }
                barrier(CLK_LOCAL_MEM_FENCE);
                if (k0 + BK < depth) {
                    pa += BK * BM / 4;
                    pb += BK * BN / 4;
                    UNROLL
                    for (int i = 0; i < 2; i++) {
                        na[i] = pa[id + i * 256];
                        nb[i] = pb[id + i * 256];
                    }
                }
                UNROLL
                for (int k = 0; k < BK; k += 8) {
                    uint4 fa[4];
                    uint2 fb[4];
                    UNROLL
                    for (int i = 0; i < 4; i++) {
                        local const uint *from = la + (k + t) * PADDED + wm + i * 16 + g;
                        fa[i] = (uint4)(from[0], from[8], from[4 * PADDED], from[4 * PADDED + 8]);
                        local const uint *other = lb + (k + t) * PADDED + wn + i * 8 + g;
                        fb[i] = (uint2)(other[0], other[4 * PADDED]);
                    }
                    UNROLL
                    for (int i = 0; i < 4; i++)
                        UNROLL
                        for (int j = 0; j < 4; j++) MMA(acc[i][j], fa[i], fb[j]);
                }
            }
            c += offset + z * batch;
            UNROLL
            for (int i = 0; i < 4; i++)
                UNROLL
                for (int j = 0; j < 4; j++) {
                    const int row = get_group_id(1) * BM + wm + i * 16 + g, column = get_group_id(0) * BN + wn + j * 8 + t * 2;
                    if (row < m && column < n) c[row * stride + column] = acc[i][j].x;
                    if (row < m && column + 1 < n) c[row * stride + column + 1] = acc[i][j].y;
                    if (row + 8 < m && column < n) c[(row + 8) * stride + column] = acc[i][j].z;
                    if (row + 8 < m && column + 1 < n) c[(row + 8) * stride + column + 1] = acc[i][j].w;
                }
        }
        """
}
