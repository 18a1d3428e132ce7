extension GEMMSources {
    /// Lays the windows of images out as `pack` lays a matrix out: a column for each position, a place along k for each channel and tap,
    /// so that `multiply` makes the convolution of it. Matrix z is a group of an image: its channels follow on those of the one before.
    static let packImage = """
        typedef struct { int channels, height, width, kh, kw, sv, pv, dv, sh, ph, dh, across, depth; } windows;

        static IN tap(global const IN *image, const windows *s, int position, int k) {
            const int b = k % s->kw, a = k / s->kw % s->kh, channel = k / s->kw / s->kh;
            const long y = (long)(position / s->across) * s->sv - s->pv + (long)a * s->dv;
            const long x = (long)(position % s->across) * s->sh - s->ph + (long)b * s->dh;
            return y < 0 || y >= s->height || x < 0 || x >= s->width ? (IN)0 : image[((long)channel * s->height + y) * s->width + x];
        }

        kernel __attribute__((reqd_work_group_size(64, 1, 1)))
        void pack_image(global const IN *in, int channels, int height, int width, int kh, int kw, int sv, int pv, int dv, int sh, int ph, int dh,
                        int across, int depth, int first, int positions, global E *out, int tile, int padded_rows, int padded_depth) {
            const windows s = {channels, height, width, kh, kw, sv, pv, dv, sh, ph, dh, across, depth};
            const int r = get_global_id(0), k = get_global_id(1);
            const long z = get_global_id(2);
            if (r >= padded_rows) return;
            global const IN *image = in + z * channels * height * width;
            E value = 0;
            if (r < positions) {
        #ifdef QUADS
                for (int i = 0; i < 4; i++)
                    if (k * 4 + i < depth) value |= (uint)(uchar)tap(image, &s, first + r, k * 4 + i) << (8 * i);
        #else
                if (k < depth) value = FETCH(tap(image, &s, first + r, k));
        #endif
            }
            out[((z * (padded_rows / tile) + r / tile) * padded_depth + k) * tile + r % tile] = value;
        }

        """
}
