import Kernels

/// The OpenCL C of a convolution without packing: an item for each cell of Y.
///
/// For groups with few outputs, such as depthwise ones, where a product would mostly multiply padding, and for weights that aren't finite:
/// taps beyond the image are left out, where a packed zero times infinity would be NaN. Terms in ascending order in panels of 256, as
/// `multiply` takes them: the same bits for what is finite.
enum DirectConvolution {
    static func program(_ input: DType) -> ProgramSource {
        ProgramSource((input == .i8 ? integers : floats) + body, defines: [:])
    }

    private static let floats = """
        #define IN float
        #define T float
        #define MAC(a, b, c) fma(a, b, c)
        #define CANONICAL(x) (isnan(x) ? as_float(0x7fc00000) : (x) == 0.0f ? 0.0f : (x))

        """

    private static let integers = """
        #define IN char
        #define T int
        #define MAC(a, b, c) ((c) + (int)(a) * (int)(b))
        #define CANONICAL(x) (x)

        """

    private static let body = """
        #pragma OPENCL FP_CONTRACT OFF
        kernel __attribute__((reqd_work_group_size(64, 1, 1)))
        void direct(global const IN *x, int channels, int height, int width, int kh, int kw, int sv, int pv, int dv, int sh, int ph, int dh,
                    int across, int first, int positions, global const IN *w, global T *y, int outputs, int group_outputs, int groups) {
            const int p = get_global_id(0), o = get_global_id(1);
            const long z = get_global_id(2);
            if (p >= positions) return;
            const long top = (long)((first + p) / across) * sv - pv, left = (long)((first + p) % across) * sh - ph;
            global const IN *image = x + (z * groups + o / group_outputs) * channels * height * width;
            global const IN *weights = w + (long)o * channels * kh * kw;
            T acc = 0, sum = 0;
            int term = 0;
            for (int channel = 0; channel < channels; channel++)
                for (int a = 0; a < kh; a++) {
                    const long row = top + (long)a * dv;
                    const int inside = row >= 0 && row < height;
                    for (int b = 0; b < kw; b++, term++) {
                        if (term % 256 == 0 && term > 0) {
                            sum = term == 256 ? acc : sum + acc;
                            acc = 0;
                        }
                        const long column = left + (long)b * dh;
                        if (inside && column >= 0 && column < width)
                            acc = MAC(image[((long)channel * height + row) * width + column], weights[term], acc);
                    }
                }
            const T value = term > 256 ? sum + acc : acc;
            y[(z * outputs + o) * positions + p] = CANONICAL(value);
        }
        """
}
