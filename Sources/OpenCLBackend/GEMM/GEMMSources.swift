/// The OpenCL C of the products. Every kernel takes operands that `pack` has laid out:
///
/// packed[matrix][tile][k][place in the tile], zeros where a tile or the depth is longer than the matrix. The zeros change no cell:
/// rows and columns past the end aren't written, and along k both factors are 0, which adds +0. `multiply` takes matrix z of B and C with
/// matrix z mod `period` of A.
enum GEMMSources {
    /// What the macros stand for: IN, the stored element; E, the packed one; T, the sum; FETCH, how IN becomes E; V and EV, a vector of
    /// E as memory likes it; MAC(a, b, c), c + a·b in one rounding or exactly; CANONICAL, what is written; PANEL, the rule's 256, or 0
    /// where order is of no account.
    static let pack = """
        #pragma OPENCL FP_CONTRACT OFF
        #define SIDE 16

        // Along k with I8 an element is four of them, the first in the lowest byte.
        static E fetch(global const IN *in, long place, long step, int left) {
        #ifdef QUADS
            uint packed = 0;
            for (int i = 0; i < 4; i++)
                if (i < left) packed |= (uint)(uchar)in[place + i * step] << (8 * i);
            return packed;
        #else
            return FETCH(in[place]);
        #endif
        }

        // Through local memory, so that both sides touch neighbours in memory together.
        kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1)))
        void pack(global const IN *in, long offset, long row_stride, long depth_stride, long batch_stride, int rows, int depth,
                  global E *out, int width, int padded_rows, int padded_depth) {
            local E tile[SIDE][SIDE + 1];
            const int x = get_local_id(0), y = get_local_id(1);
            const int r0 = get_group_id(0) * SIDE, k0 = get_group_id(1) * SIDE;
            const long z = get_group_id(2);
            const int along = depth_stride == 1;
            const int r = along ? y : x, k = along ? x : y;
            const int left = depth - (k0 + k) * STEP;
            E value = 0;
            if (r0 + r < rows && left > 0)
                value = fetch(in, offset + z * batch_stride + (r0 + r) * row_stride + (long)(k0 + k) * STEP * depth_stride, depth_stride, left);
            tile[k][r] = value;
            barrier(CLK_LOCAL_MEM_FENCE);
            const int row = r0 + x, place = k0 + y;
            if (row < padded_rows && place < padded_depth)
                out[((z * (padded_rows / width) + row / width) * padded_depth + place) * width + row % width] = tile[y][x];
        }

        """

    /// For GPUs: a group makes BM × BN cells, an item RM × RN of them in registers; the next stretch of k is fetched while this one is used.
    static let tile = """
        #define WM (BM / RM)
        #define WN (BN / RN)
        #define LA (BK * BM / (WM * WN * V))
        #define LB (BK * BN / (WM * WN * V))

        kernel __attribute__((reqd_work_group_size(WN, WM, 1)))
        void multiply(global const E *a, global const E *b, global T *c, int m, int n, int depth, long offset, long stride, long batch,
                      int period) {
            local EV la[BK * BM / V], lb[BK * BN / V];
            const int x = get_local_id(0), y = get_local_id(1), id = y * WN + x;
            const long z = get_group_id(2);
            global const EV *pa = (global const EV *)(a + (z % period * get_num_groups(1) + get_group_id(1)) * (long)depth * BM) + id;
            global const EV *pb = (global const EV *)(b + (z * get_num_groups(0) + get_group_id(0)) * (long)depth * BN) + id;
            T acc[RM][RN], sum[RM][RN];
            #pragma unroll
            for (int i = 0; i < RM; i++)
                #pragma unroll
                for (int j = 0; j < RN; j++) acc[i][j] = sum[i][j] = 0;
            EV na[LA], nb[LB];
            #pragma unroll
            for (int i = 0; i < LA; i++) na[i] = pa[i * WM * WN];
            #pragma unroll
            for (int i = 0; i < LB; i++) nb[i] = pb[i * WM * WN];
            for (int k0 = 0; k0 < depth; k0 += BK) {
                barrier(CLK_LOCAL_MEM_FENCE);
                #pragma unroll
                for (int i = 0; i < LA; i++) la[id + i * WM * WN] = na[i];
                #pragma unroll
                for (int i = 0; i < LB; i++) lb[id + i * WM * WN] = nb[i];
                barrier(CLK_LOCAL_MEM_FENCE);
                if (k0 + BK < depth) {
                    pa += BK * BM / V;
                    pb += BK * BN / V;
                    #pragma unroll
                    for (int i = 0; i < LA; i++) na[i] = pa[i * WM * WN];
                    #pragma unroll
                    for (int i = 0; i < LB; i++) nb[i] = pb[i * WM * WN];
                }
                #pragma unroll
                for (int k = 0; k < BK; k++) {
                    E ra[RM], rb[RN];
                    #pragma unroll
                    for (int i = 0; i < RM / V; i++) VSTORE(la[k * (BM / V) + i * WM + y], i, ra);
                    #pragma unroll
                    for (int j = 0; j < RN / V; j++) VSTORE(lb[k * (BN / V) + j * WN + x], j, rb);
                    #pragma unroll
                    for (int i = 0; i < RM; i++)
                        #pragma unroll
                        for (int j = 0; j < RN; j++) acc[i][j] = MAC(ra[i], rb[j], acc[i][j]);
                }
        #if PANEL
                if ((k0 + BK) % PANEL == 0 || k0 + BK >= depth) {
                    #pragma unroll
                    for (int i = 0; i < RM; i++)
                        #pragma unroll
                        for (int j = 0; j < RN; j++) {
                            sum[i][j] = k0 < PANEL ? acc[i][j] : sum[i][j] + acc[i][j];
                            acc[i][j] = 0;
                        }
                }
        #endif
            }
            c += offset + z * batch;
            #pragma unroll
            for (int i = 0; i < RM; i++) {
                const int row = get_group_id(1) * BM + (i / V) * WM * V + y * V + i % V;
                #pragma unroll
                for (int j = 0; j < RN; j++) {
                    const int column = get_group_id(0) * BN + (j / V) * WN * V + x * V + j % V;
        #if PANEL
                    if (row < m && column < n) c[row * stride + column] = CANONICAL(sum[i][j]);
        #else
                    if (row < m && column < n) c[row * stride + column] = acc[i][j];
        #endif
                }
            }
        }
        """

    /// For CPUs: an item makes BM rows of WIDE vectors each, and needs no local memory.
    static let strip = """
        kernel __attribute__((reqd_work_group_size(1, 1, 1)))
        void multiply(global const E *a, global const E *b, global T *c, int m, int n, int depth, long offset, long stride, long batch,
                      int period) {
            const long z = get_group_id(2);
            a += (z % period * get_num_groups(1) + get_group_id(1)) * (long)depth * BM;
            b += (z * get_num_groups(0) + get_group_id(0)) * (long)depth * BN;
            TV sum[BM][WIDE];
            for (int i = 0; i < BM; i++)
                for (int j = 0; j < WIDE; j++) sum[i][j] = 0;
            for (int k0 = 0; k0 < depth; k0 += 256) {
                TV acc[BM][WIDE];
                #pragma unroll
                for (int i = 0; i < BM; i++)
                    #pragma unroll
                    for (int j = 0; j < WIDE; j++) acc[i][j] = 0;
                const int end = min(k0 + 256, depth);
                for (int k = k0; k < end; k++) {
                    TV rb[WIDE];
                    #pragma unroll
                    for (int j = 0; j < WIDE; j++) rb[j] = WLOAD(j, b + (long)k * BN);
                    #pragma unroll
                    for (int i = 0; i < BM; i++) {
                        const E ra = a[(long)k * BM + i];
                        #pragma unroll
                        for (int j = 0; j < WIDE; j++) acc[i][j] = WMAC(ra, rb[j], acc[i][j]);
                    }
                }
                #pragma unroll
                for (int i = 0; i < BM; i++)
                    #pragma unroll
                    for (int j = 0; j < WIDE; j++) sum[i][j] = k0 == 0 ? acc[i][j] : sum[i][j] + acc[i][j];
            }
            c += offset + z * batch;
            const int row = get_group_id(1) * BM, column = get_group_id(0) * BN;
            for (int i = 0; i < BM && row + i < m; i++) {
                T line[BN];
                for (int j = 0; j < WIDE; j++) WSTORE(sum[i][j], j, line);
                for (int j = 0; j < BN && column + j < n; j++) c[(row + i) * stride + column + j] = CANONICAL(line[j]);
            }
        }
        """
}
