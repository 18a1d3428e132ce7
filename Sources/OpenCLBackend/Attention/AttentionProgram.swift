import Kernels

/// The OpenCL C of attention: softmax by the running maximum (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018; tiled
/// as in Dao et al., "FlashAttention", 2022). No more than a tile of scores exists at a time.
///
/// A group of 16 × 16 items makes 64 queries × DV columns of O; an item four rows, 16 apart, of a quarter of a tile of 64 keys. Further
/// columns are other groups' work, which compute the scores again. Keys beyond the end and behind a mask have the score −∞.
enum AttentionProgram {
    static let queries = 64
    static let items = 256
    /// Two stages of 16 × 65, of which V takes both; scores; one number of each item for each row.
    static let localBytes = 4 * (2 * 16 * 65 + 64 * 65 + 64 * 17)

    /// Columns of O that a group makes.
    static func width(_ attention: Attention) -> Int { attention.dimension <= 64 ? 64 : 128 }

    static func program(_ attention: Attention) -> ProgramSource {
        let input =
            attention.inputDType == .bf16
            ? "#define IN ushort\n#define FETCH(x) as_float((uint)(x) << 16)\n" : "#define IN float\n#define FETCH(x) (x)\n"
        return ProgramSource(
            ElementarySource.prologue(false) + ElementarySource.exponential(false) + input + body, defines: ["DV": "\(width(attention))"])
    }

    private static let body = """
        #define SIDE 65

        kernel __attribute__((reqd_work_group_size(16, 16, 1)))
        void attend(global const IN *q, global const IN *k, global const IN *v, global float *o, int queries, int keys, int d, int scale_bits,
                    int first, int causal) {
            local float stage[2 * 16 * SIDE], lp[64 * SIDE], shared_[64 * 17];
            local float *lq = stage, *lk = stage + 16 * SIDE, *lv = stage;
            const int x = get_local_id(0), y = get_local_id(1), id = y * 16 + x;
            const int q0 = get_group_id(0) * 64, column = get_group_id(1) * DV;
            const long z = get_group_id(2);
            const float scale = as_float(scale_bits);
            q += (z * queries + q0) * d;
            k += z * keys * d;
            v += z * keys * d;
            float acc[4][DV / 16], largest[4], sum[4];
            for (int i = 0; i < 4; i++) {
                largest[i] = -INFINITY;
                sum[i] = 0;
                for (int j = 0; j < DV / 16; j++) acc[i][j] = 0;
            }
            // What no query of this tile sees isn't read.
            const int end = causal ? min(keys, first + q0 + 64) : keys;
            for (int k0 = 0; k0 < end; k0 += 64) {
                float s[4][4];
                for (int i = 0; i < 4; i++)
                    for (int j = 0; j < 4; j++) s[i][j] = 0;
                for (int c0 = 0; c0 < d; c0 += 16) {
                    barrier(CLK_LOCAL_MEM_FENCE);
                    for (int i = 0; i < 4; i++) {
                        const int row = y + 16 * i, inside = c0 + x < d;
                        lq[x * SIDE + row] = inside && q0 + row < queries ? FETCH(q[(long)row * d + c0 + x]) : 0.0f;
                        lk[x * SIDE + row] = inside && k0 + row < keys ? FETCH(k[(long)(k0 + row) * d + c0 + x]) : 0.0f;
                    }
                    barrier(CLK_LOCAL_MEM_FENCE);
                    for (int c = 0; c < 16; c++) {
                        float a[4], b[4];
                        for (int i = 0; i < 4; i++) {
                            a[i] = lq[c * SIDE + y + 16 * i];
                            b[i] = lk[c * SIDE + x + 16 * i];
                        }
                        for (int i = 0; i < 4; i++)
                            for (int j = 0; j < 4; j++) s[i][j] = fma(a[i], b[j], s[i][j]);
                    }
                }
                for (int i = 0; i < 4; i++) {
                    const int row = y + 16 * i;
                    const int seen = causal ? min(keys, first + q0 + row + 1) : keys;
                    float most = -INFINITY;
                    for (int j = 0; j < 4; j++) {
                        s[i][j] = k0 + x + 16 * j < seen ? s[i][j] * scale : -INFINITY;
                        most = fmax(most, s[i][j]);
                    }
                    shared_[row * 17 + x] = most;
                }
                barrier(CLK_LOCAL_MEM_FENCE);
                for (int i = 0; i < 4; i++) {
                    const int row = y + 16 * i;
                    float most = largest[i];
                    for (int j = 0; j < 16; j++) most = fmax(most, shared_[row * 17 + j]);
                    // The first tile has a key that every query sees: the maximum is finite from here on.
                    const float shrink = exp_(largest[i] - most);
                    largest[i] = most;
                    float part = 0;
                    for (int j = 0; j < 4; j++) {
                        const float p = exp_(s[i][j] - most);
                        lp[row * SIDE + x + 16 * j] = p;
                        part += p;
                    }
                    sum[i] = fma(sum[i], shrink, part);
                    for (int j = 0; j < DV / 16; j++) acc[i][j] *= shrink;
                }
                for (int r0 = 0; r0 < 64 && k0 + r0 < end; r0 += 16) {
                    barrier(CLK_LOCAL_MEM_FENCE);
                    for (int j = 0; j < DV / 16; j++) {
                        const int c = column + x + 16 * j;
                        lv[y * DV + x + 16 * j] = c < d && k0 + r0 + y < keys ? FETCH(v[(long)(k0 + r0 + y) * d + c]) : 0.0f;
                    }
                    barrier(CLK_LOCAL_MEM_FENCE);
                    for (int r = 0; r < 16; r++) {
                        float p[4];
                        for (int i = 0; i < 4; i++) p[i] = lp[(y + 16 * i) * SIDE + r0 + r];
                        for (int j = 0; j < DV / 16; j++) {
                            const float value = lv[r * DV + x + 16 * j];
                            for (int i = 0; i < 4; i++) acc[i][j] = fma(p[i], value, acc[i][j]);
                        }
                    }
                }
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int i = 0; i < 4; i++) shared_[(y + 16 * i) * 17 + x] = sum[i];
            barrier(CLK_LOCAL_MEM_FENCE);
            o += (z * queries + q0) * d;
            for (int i = 0; i < 4; i++) {
                const int row = y + 16 * i;
                if (q0 + row >= queries) continue;
                float total = 0;
                for (int j = 0; j < 16; j++) total += shared_[row * 17 + j];
                for (int j = 0; j < DV / 16; j++) {
                    const int c = column + x + 16 * j;
                    if (c < d) o[(long)row * d + c] = CANONICAL(acc[i][j] / total);
                }
            }
        }
        """
}
