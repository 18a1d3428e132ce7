// Adit's own kernels: reproducible and exact matrix products, the verifier's heavy passes, and an independent reference.
//
// Conventions. Matrices are row-major and dense; op(A) is m x k, op(B) is k x n, C is m x n. A "transposed" operand is stored
// as op's transpose, with its own leading dimension (elements between the starts of stored rows). Sizes are >= 0 and products
// of sizes are the caller's to check. Nothing here keeps state between calls but its threads and up to 16 MiB of scratch, takes more than a few MiB a thread (adit_rows_*: and 64), or
// writes outside the output. Every function restores the caller's floating-point environment.
//
// Instruction sets. Each function takes the path to use; a path the CPU lacks is answered with ADIT_BAD_ARGUMENT.
// Results don't depend on the path nor on the number of threads.
#ifndef ADIT_KERNELS_H
#define ADIT_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Results of every function that can fail.
enum {
    ADIT_OK = 0,
    ADIT_NO_MEMORY = 1,
    ADIT_CANCELED = 2,
    ADIT_BAD_ARGUMENT = 3,
};

/// Instruction-set paths, slowest first.
enum {
    ADIT_ISA_PORTABLE = 0,
    ADIT_ISA_AVX2 = 1,    // AVX2 and FMA
    ADIT_ISA_AVX512 = 2,  // AVX-512 F, BW, DQ, VL and VNNI
};

/// Whether this CPU and operating system run a path.
bool adit_isa_available(int32_t isa);

/// Space-separated names of the CPU's features that matter here, e.g. "avx2 fma f16c"; never NULL.
const char *adit_cpu_features(void);

/// How a call runs: on which path, on how many threads (>= 1), and whom it tells.
///
/// `step` (may be NULL) is called with `context` and the operations done so far, which never fall, some hundred times a
/// second, from one of the computing threads, never from two at once. Anything but 0 stops the call with ADIT_CANCELED.
/// `step` may take its time, so that the work stands still: the other threads wait where `held` (may be NULL) points to anything but 0, which
/// adit_hold sets.
typedef struct {
    int32_t isa;
    int32_t threads;
    int32_t (*step)(void *context, int64_t operations);
    void *context;
    const int32_t *held;
} adit_run;

/// Formats whose peak can be measured.
enum { ADIT_PEAK_F32 = 0, ADIT_PEAK_F64, ADIT_PEAK_I8, ADIT_PEAK_BF16 };

/// The instruction that a path's peak in a format is made of; NULL where the processor has none, or a better one that isn't measured here.
const char *adit_peak_name(int32_t isa, int32_t kind);

/// Multiply-adds in registers on all threads, about `turns` times twelve instructions on each; gives the operations done, a multiply and an add
/// as two, or 0 where adit_peak_name is NULL. It can't be stopped: ask for some milliseconds at a time.
int64_t adit_peak(const adit_run *run, int32_t kind, int64_t turns);

/// Gives the kept scratch memory back, and to the system what the process's allocator holds free. Not while a call runs that needs it soon.
void adit_rest(void);
/// The C library's allocator gets at most so many arenas from now on.
void adit_limit_arenas(int32_t most);

/// Sets what `held` points to, from any thread.
void adit_hold(int32_t *held, bool is_held);

/// C = op(A) op(B) by the panel-256 rule of docs/PROTOCOL.md, section 9, in binary32; C need not be initialised.
int32_t adit_gemm_f32(const adit_run *run, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, bool transpose_a, const float *b,
    int64_t ldb, bool transpose_b, float *c, int64_t ldc);

/// The same in binary64.
int32_t adit_gemm_f64(const adit_run *run, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda, bool transpose_a, const double *b,
    int64_t ldb, bool transpose_b, double *c, int64_t ldc);

/// C = op(A) op(B) in integers, I8 to I32; exact while k <= 131,071, modulo 2^32 beyond.
int32_t adit_gemm_i8(const adit_run *run, int64_t m, int64_t n, int64_t k, const int8_t *a, int64_t lda, bool transpose_a, const int8_t *b,
    int64_t ldb, bool transpose_b, int32_t *c, int64_t ldc);

/// C = op(A) op(B), BF16 (binary32's upper halves) to binary32, in any order; subnormals are kept.
int32_t adit_gemm_bf16(const adit_run *run, int64_t m, int64_t n, int64_t k, const uint16_t *a, int64_t lda, bool transpose_a, const uint16_t *b,
    int64_t ldb, bool transpose_b, float *c, int64_t ldc);

/// `count` products of one shape: the operands of the next start `next_a`, `next_b` and `next_c` elements further on.
typedef struct {
    int64_t count, m, n, k;
    const void *a;
    int64_t lda, next_a;
    bool transpose_a;
    const void *b;
    int64_t ldb, next_b;
    bool transpose_b;
    void *c;
    int64_t ldc, next_c;
} adit_batch;

/// The same as so many calls of adit_gemm_*, to the bit; small products run one to a thread.
int32_t adit_batch_f32(const adit_run *run, const adit_batch *batch);
int32_t adit_batch_f64(const adit_run *run, const adit_batch *batch);
int32_t adit_batch_i8(const adit_run *run, const adit_batch *batch);
int32_t adit_batch_bf16(const adit_run *run, const adit_batch *batch);

/// What may follow a product; the order is that of `Activation` in Sources/Kernels/Gemm.
enum { ADIT_NO_ACTIVATION = 0, ADIT_RELU_ACTIVATION, ADIT_GELU_ACTIVATION, ADIT_GELU_TANH_ACTIVATION, ADIT_LAST_ACTIVATION = ADIT_GELU_TANH_ACTIVATION };

/// out = activation(product + bias), rows x n x plane, each step rounded once, in canonical bits; bias has n numbers, each for `plane` cells that
/// lie together, or is NULL. `out` may be `product`.
int32_t adit_epilogue_f32(const adit_run *run, int64_t rows, int64_t n, int64_t plane, const float *product, const float *bias, int32_t activation,
    float *out);
int32_t adit_epilogue_f64(const adit_run *run, int64_t rows, int64_t n, int64_t plane, const double *product, const double *bias,
    int32_t activation, double *out);

/// The index of the first of `found`'s cells whose bits aren't those, or -1.
int32_t adit_epilogue_check_f32(const adit_run *run, int64_t rows, int64_t n, int64_t plane, const float *product, const float *bias,
    int32_t activation, const float *found, int64_t *first);
int32_t adit_epilogue_check_f64(const adit_run *run, int64_t rows, int64_t n, int64_t plane, const double *product, const double *bias,
    int32_t activation, const double *found, int64_t *first);

/// Operations of a chain: of each element, and reductions. Their order is that of `ComputeStep` in Sources/Kernels/Compute.
enum {
    ADIT_NO_REDUCTION = -1,
    ADIT_SQUARE = 0, ADIT_NEGATE, ADIT_ABS, ADIT_SQRT, ADIT_RECIPROCAL, ADIT_RELU, ADIT_FLOOR, ADIT_CEIL, ADIT_ROUND, ADIT_TRUNCATE,
    ADIT_EXP, ADIT_LOG, ADIT_TANH, ADIT_ERF, ADIT_SIGMOID, ADIT_GELU, ADIT_GELU_TANH, ADIT_SIGN, ADIT_RSQRT, ADIT_SILU, ADIT_SOFTPLUS,
    ADIT_SUM, ADIT_PRODUCT, ADIT_MEAN, ADIT_MIN, ADIT_MAX,
    // Of each element, with numbers or another tensor's elements.
    ADIT_WITH_ADD = 64, ADIT_WITH_SUB, ADIT_WITH_MUL, ADIT_WITH_DIV, ADIT_WITH_MIN, ADIT_WITH_MAX, ADIT_POW, ADIT_CLAMP, ADIT_LEAKY_RELU,
};

enum { ADIT_CHAIN_STEPS = 32 };

/// A step of a chain that is no reduction. From ADIT_WITH_ADD to ADIT_WITH_MAX: with the operand `data`, or with the number `a` if that is NULL.
typedef struct {
    int32_t code;
    int32_t exponent;  // of ADIT_POW
    double a, b;       // numbers, already rounded to the chain's format; ADIT_CLAMP has two
    const void *data;  // of the chain's type; element i of x meets element i % period
    int64_t period;    // >= 1 where there is data
} adit_chain_step;

/// `step_count` steps, up to ADIT_CHAIN_STEPS, on `count` elements of x, and perhaps a reduction after them.
typedef struct {
    const adit_chain_step *steps;
    int32_t step_count, reduction;
    int64_t count;
} adit_chain;

/// Without a reduction `out` gets as many elements, in canonical bits; with one it gets the accumulator of each panel of 256,
/// ceil(count / 256) of them, which the caller joins in order. A mean is a sum here.
int32_t adit_chain_f32(const adit_run *run, const adit_chain *chain, const float *x, float *out);
int32_t adit_chain_f64(const adit_run *run, const adit_chain *chain, const double *x, double *out);
/// For a chain without a reduction: the index of the first of `found`'s elements whose bits aren't those, or -1.
int32_t adit_chain_check_f32(const adit_run *run, const adit_chain *chain, const float *x, const float *found, int64_t *first);
int32_t adit_chain_check_f64(const adit_run *run, const adit_chain *chain, const double *x, const double *found, int64_t *first);

/// Attention: `heads` heads (of all elements of the batch), each with `queries` x d queries and `keys` x d keys and values.
typedef struct {
    int64_t heads, queries, keys, d;
    double scale;  // of the scores
    bool causal;   // query i sees keys 0...i; queries == keys
} adit_attention;

/// o = softmax(scale q k') v, head by head, in F32 and in any order: results depend on the path. No scores beyond a block are kept.
int32_t adit_attention_f32(const adit_run *run, const adit_attention *shape, const float *q, const float *k, const float *v, float *o);
/// The same from BF16, with everything after the products in F32.
int32_t adit_attention_bf16(const adit_run *run, const adit_attention *shape, const uint16_t *q, const uint16_t *k, const uint16_t *v, float *o);

// Training of layers of neurons, in the order and rounding of docs/PROTOCOL.md, `mlp.train`.

enum { ADIT_TRAIN_LAYERS = 32 };
enum { ADIT_ACTIVATION_NONE = 0, ADIT_ACTIVATION_RELU, ADIT_ACTIVATION_GELU, ADIT_ACTIVATION_TANH, ADIT_ACTIVATION_SOFTMAX };
enum { ADIT_CROSS_ENTROPY = 0, ADIT_SQUARED_ERROR };
enum { ADIT_SGD = 0, ADIT_ADAM };

/// What is trained and how. The state is for each layer its weights (in x out) and biases (out), all layers' one after the other; behind
/// them as many first moments if there is momentum or Adam, and second moments for Adam.
typedef struct {
    int32_t layer_count;
    int64_t sizes[ADIT_TRAIN_LAYERS + 1];           // inputs, then each layer's outputs; all >= 1
    uint8_t activations[ADIT_TRAIN_LAYERS];         // the last one's is none for cross-entropy
    int32_t loss, optimiser;
    bool has_momentum;                              // of SGD
    int64_t batch;
    float loss_divisor, loss_scale;                 // the loss is the rows' sum divided; the output's gradient is scaled
    float first_decay, first_share, second_decay, second_share;
} adit_train_plan;

/// `steps` steps from `state`, which is left as it is after them. x is row-major with sizes[0] columns; `labels` (of every row, in
/// 0..<outputs) or `targets` (outputs columns), the other NULL; `order` names the batch's rows, step after step; `rates` and `epsilons`
/// (Adam; else NULL) hold one number a step. `losses` gets one a step. A loss that isn't finite ends the call: `diverged` is then that
/// step's place, otherwise -1, and neither state nor later losses mean anything. Nor do they where the call fails.
int32_t adit_train(const adit_run *run, const adit_train_plan *plan, const float *x, const int32_t *labels, const float *targets, const int32_t *order,
    int64_t steps, const float *rates, const float *epsilons, float *state, float *losses, int64_t *diverged);

/// y = activation(product + bias), rows x columns, in canonical bits.
int32_t adit_layer(const adit_run *run, int64_t rows, int64_t columns, const float *product, const float *bias, int32_t activation, float *y);

/// The first element of `found`, in row-major order, that isn't that; -1 if all are.
int32_t adit_layer_check(const adit_run *run, int64_t rows, int64_t columns, const float *product, const float *bias, int32_t activation,
    const float *found, int64_t *first);

/// gram, (k + 1) x (k + 1): the sum over m rows of weight z z^T with z = (x_i, last_i) - centre. X is m x k; without `last` it is 1, without
/// `weights` they are; `centre` has k + 1 numbers. Needs up to 20 MiB.
int32_t adit_gram(const adit_run *run, int64_t m, int64_t k, const double *x, const double *last, const double *centre, const double *weights, double *gram);

/// What a row's residual is at a point (w, intercept): 1, z - y, or 1 / (1 + e^-z) - y, with z = x w + intercept.
enum { ADIT_SLOPE_ONES = 0, ADIT_SLOPE_LINEAR = 1, ADIT_SLOPE_LOGISTIC = 2 };

typedef struct {
    int32_t kind;
    const double *w, *centre;  // k each; w is not read for ADIT_SLOPE_ONES
    double intercept;
} adit_slope_point;

/// Sums over all rows: of the residuals; of their squares, or of log(1 + e^z) - y z; and the largest residual's magnitude (NaN if one is).
typedef struct {
    double residuals, objective, largest;
} adit_slope_sums;

/// gradient[k] = the sum over m rows of residual (x_i - centre); `squares` (may be NULL) of (x_i - centre)^2; `weights` (may be NULL), m, gets a
/// logistic row's p (1 - p).
int32_t adit_slope(const adit_run *run, int64_t m, int64_t k, const double *x, const double *y, const adit_slope_point *point, double *gradient,
    double *squares, double *weights, adit_slope_sums *sums);

/// A convolution of X[n, c, h, w] with W[o, c / groups, kh, kw], packed; padding is zeros on both sides. Every size but the padding is
/// >= 1 and all are < 2^31; groups divide c and o; there is at least one output position.
typedef struct {
    int64_t n, c, h, w, o, kh, kw, groups;
    int64_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
} adit_convolution;

/// Y[n, o, oh, ow] in binary32, sums in any order. These, and the passes over convolutions, take up to 4 MiB a thread, beyond that the
/// weights once more, and 32 positions' inputs where those alone are larger.
int32_t adit_conv_f32(const adit_run *run, const adit_convolution *c, const float *x, const float *w, float *y);

/// The same in integers; exact while (c / groups) kh kw <= 131,071, modulo 2^32 beyond.
int32_t adit_conv_i8(const adit_run *run, const adit_convolution *c, const int8_t *x, const int8_t *w, int32_t *y);
/// Softmax of each of `rows` rows; layer normalisation, gamma and beta (`columns` each) or NULL; to the bit as RowWork.swift defines them.
int32_t adit_softmax_f32(const adit_run *run, int64_t rows, int64_t columns, const float *x, float *out);
int32_t adit_softmax_f64(const adit_run *run, int64_t rows, int64_t columns, const double *x, double *out);
int32_t adit_layernorm_f32(const adit_run *run, int64_t rows, int64_t columns, const float *x, const float *gamma, const float *beta, double epsilon,
    float *out);
int32_t adit_layernorm_f64(const adit_run *run, int64_t rows, int64_t columns, const double *x, const double *gamma, const double *beta, double epsilon,
    double *out);

/// Axes of a tensor, outermost first: their sizes, and strides in elements. At most 8; unused entries are 0.
typedef struct {
    int32_t count;
    int64_t size[8], stride[8];
} adit_axes;

/// ADIT_SUM to ADIT_MAX along the axes `reduced` (at least one), for each place along `kept`, to the bit as Reduction.swift defines it.
int32_t adit_reduce_f32(const adit_run *run, int32_t reduction, const adit_axes *kept, const adit_axes *reduced, const float *x, float *out);
int32_t adit_reduce_f64(const adit_run *run, int32_t reduction, const adit_axes *kept, const adit_axes *reduced, const double *x, double *out);

/// Reductions to integers, and the formats they take; the order of the first is that of `ExactReduction.Operation`.
enum { ADIT_TOTAL = 0, ADIT_LEAST, ADIT_LARGEST, ADIT_PLACE_OF_LEAST, ADIT_PLACE_OF_LARGEST };
enum { ADIT_OF_I8 = 0, ADIT_OF_I32, ADIT_OF_I64, ADIT_OF_F32, ADIT_OF_F64 };

/// As ExactReduction.swift defines them; F32 and F64 have places alone, and places are along one axis of at least one element. `out` is I64 for totals
/// and places, of x's format otherwise. *overflow: the first total beyond I64, which is written as 0, or -1. Totals of I8 and I32 are of at most
/// 2^56 and 2^32 elements.
int32_t adit_reduce_exact(const adit_run *run, int32_t operation, int32_t format, const adit_axes *kept, const adit_axes *reduced, const void *x,
    void *out, int64_t *overflow);

// The verifier's passes. PROTOCOL section 9 and docs/VERIFICATION.md say what they are for. Their bounds hold for any order of
// the binary64 sums, so these differ between paths in their last bits. Field products and recomputed bits never differ.

/// op(M): rows x columns, of a packed row-major M that is stored as columns x rows if `transposed`.
typedef struct {
    const void *data;
    int64_t rows, columns;
    bool transposed;
} adit_view;

// A batch is `count` equal matrices, one after the other; a result has the matrices' results one after the other. Row i of matrix p is
// row p * rows + i of the batch.

/// out[v][p][i] = sum over j of M_p[i, j] x[j] modulo 2^61 - 1, for `vectors` vectors with entries in 0..<2^61-1: x = vector v, or its part p
/// of as many as M has columns, if each matrix has its `own`.
int32_t adit_field_product_i8(const adit_run *run, adit_view matrix, int64_t count, const uint64_t *x, int64_t vectors, bool own, uint64_t *out);
int32_t adit_field_product_i32(const adit_run *run, adit_view matrix, int64_t count, const uint64_t *x, int64_t vectors, bool own, uint64_t *out);

// Passes over F32, F64 and BF16 (its bits). C of a product of BF16 is F32.

/// What adit_row_residuals_* says of a row, scaled by 2^(-2e), e the exponent of `maximum` for F64 and 0 for the others.
typedef struct {
    double residual;  // |(c x)_i - (a y)_i|^2; not finite if row i of c isn't
    double signal;    // |(a y)_i|^2
    double energy;    // sum over l of a_il^2 energies_l; 0 without energies
    double maximum;   // max |a_il|, unscaled; +infinity if the row of a holds a NaN or an infinity
} adit_row_residual;

/// adit_column_norms: for each column of b its sum of squares, and its largest magnitude (+infinity if it holds a NaN or an infinity).
/// adit_probe: y = b x (b.rows x 8) and, unless `energies` is NULL, for each row of b the sum of (weight_j b_lj)^2. x is b.columns x 8; a
///   column of weight 0 is left out.
/// adit_row_residuals: for each row of a (m x k) and c (m x n, not transposed). y is k x 8, energies k or NULL, x n x 8; columns of
///   weight 0 are left out. Unless they are NULL (both), differences gets (c x)_i - (a y)_i and images (a y)_i, m x 8.
/// adit_running: the sum over l of |partial sum of (a y)_i after l|^2 for each of the `row_count` rows i, scaled like the residuals.
/// adit_sums: rows of a b in binary64, row_count x n. If `again`, then also, each row_count x n: of operands rounded like the
///   filters (4 for F32, 3 for BF16, none for F64), and as binary32 gives them in 6 orders (7 for BF16; none for F64).
#define ADIT_FLOAT_PASSES(SUFFIX)                                                                                                              \
    int32_t adit_column_norms_##SUFFIX(const adit_run *run, adit_view b, int64_t count, double *sums, double *maxima);                         \
    int32_t adit_probe_##SUFFIX(const adit_run *run, adit_view b, int64_t count, const double *x, const double *weights, double *y, double *energies); \
    int32_t adit_row_residuals_##SUFFIX(const adit_run *run, adit_view a, adit_view c, int64_t count, const double *y, const double *energies, \
        const double *x, const double *weights, adit_row_residual *rows, double *differences, double *images);                                 \
    int32_t adit_running_##SUFFIX(const adit_run *run, adit_view a, int64_t count, const double *y, const int64_t *rows, int64_t row_count, double *sums); \
    int32_t adit_sums_##SUFFIX(const adit_run *run, adit_view a, adit_view b, int64_t count, const int64_t *rows, int64_t row_count, bool again, double *out);

/// adit_rounded_probes: y as above of b rounded to TF32, then of b rounded to BF16 (for BF16: to E4M3's 4 bits alone).
/// adit_filter_images: the images of a y with a, y, or both rounded: both to TF32, a alone, y alone, both to BF16 (for BF16 the first three, E4M3).
#define ADIT_FILTER_PASSES(SUFFIX)                                                                                                             \
    int32_t adit_rounded_probes_##SUFFIX(const adit_run *run, adit_view b, int64_t count, const double *x, const double *weights, double *y);  \
    int32_t adit_filter_images_##SUFFIX(const adit_run *run, adit_view a, int64_t count, const double *y, const double *rounded_y, double *images);

ADIT_FLOAT_PASSES(f32)
ADIT_FLOAT_PASSES(f64)
ADIT_FLOAT_PASSES(bf16)
ADIT_FILTER_PASSES(f32)
ADIT_FILTER_PASSES(bf16)

typedef struct {
    int64_t row, column;
} adit_cell;

/// The bits of cells of a b as adit_gemm_* gives them, one dot product each, widened with zeros. Rows are the batch's.
int32_t adit_cells_f32(const adit_run *run, adit_view a, adit_view b, int64_t batch, const adit_cell *cells, int64_t count, uint64_t *bits);
int32_t adit_cells_f64(const adit_run *run, adit_view a, adit_view b, int64_t batch, const adit_cell *cells, int64_t count, uint64_t *bits);
int32_t adit_cells_i8(const adit_run *run, adit_view a, adit_view b, int64_t batch, const adit_cell *cells, int64_t count, uint64_t *bits);

/// The bits of whole rows, count x b.columns, widened with zeros.
int32_t adit_rows_f32(const adit_run *run, adit_view a, adit_view b, int64_t batch, const int64_t *rows, int64_t count, uint64_t *bits);
int32_t adit_rows_f64(const adit_run *run, adit_view a, adit_view b, int64_t batch, const int64_t *rows, int64_t count, uint64_t *bits);
int32_t adit_rows_i8(const adit_run *run, adit_view a, adit_view b, int64_t batch, const int64_t *rows, int64_t count, uint64_t *bits);

/// Rows of softmax(scale q k') v in binary64, times the weights of V's columns (heads x d), and the variance of honest F32 of each:
/// Sources/Kernels/Attention/AttentionSource.swift defines both. `rows` are places among heads x queries, ascending for speed; inputs are
/// first rounded to `kept_bits` stored bits (23: not at all). Results differ in their last bits between paths.
int32_t adit_attention_rows_f32(const adit_run *run, const adit_attention *shape, const float *q, const float *k, const float *v, const int64_t *rows,
    int64_t count, const double *weights, int32_t kept_bits, double *outputs, double *variances);
int32_t adit_attention_rows_bf16(const adit_run *run, const adit_attention *shape, const uint16_t *q, const uint16_t *k, const uint16_t *v,
    const int64_t *rows, int64_t count, const double *weights, int32_t kept_bits, double *outputs, double *variances);

/// The least and largest of each column of `groups` packed matrices; -infinity and infinity where there is a NaN.
int32_t adit_column_ranges_f32(const adit_run *run, const float *data, int64_t groups, int64_t rows, int64_t columns, float *least, float *largest);
int32_t adit_column_ranges_bf16(const adit_run *run, const uint16_t *data, int64_t groups, int64_t rows, int64_t columns, float *least, float *largest);

/// The largest sum of squares of a row, and the largest magnitude; both infinity where something is not finite.
int32_t adit_row_extent_f32(const adit_run *run, const float *data, int64_t rows, int64_t columns, double *squares, double *maximum);
int32_t adit_row_extent_bf16(const adit_run *run, const uint16_t *data, int64_t rows, int64_t columns, double *squares, double *maximum);

// Passes over convolutions. A row is a position of one image for one group, numbered by image, then group, then position.

/// The first row where sum over o of vectors[v][o] y[o] and sum over l of filters[v][group][l] x_l differ modulo 2^61 - 1 for one of
/// `count` vectors, or -1. filters: count x groups x depth, vectors: count x o; entries in 0..<2^61-1. Depth is at most 131,072.
int32_t adit_conv_mismatch(const adit_run *run, const adit_convolution *c, const int8_t *x, const int32_t *y, const uint64_t *filters,
    const uint64_t *vectors, int64_t count, int64_t *row);

/// For each row |sum over o of probe[o] y[o] - s|^2, |s|^2 for s = sum over l of x_l filters[group][l], and sum over l of x_l^2
/// energies[group][l] (0 if that is NULL). filters: groups x depth x 8, probe: o x 8; outputs of weight 0 are left out. `maximum` is 0, or
/// +infinity where s isn't finite.
int32_t adit_conv_residuals(const adit_run *run, const adit_convolution *c, const float *x, const float *y, const double *filters,
    const double *energies, const double *probe, const double *weights, adit_row_residual *rows);

/// The inputs of `count` rows, count x depth, zeros in the padding.
int32_t adit_conv_gather(const adit_run *run, const adit_convolution *c, const float *x, const int64_t *rows, int64_t count, float *out);

/// The first element of y, among the outputs wanted[o] (NULL: all), that no order of binary32 sums can have left, or -1:
/// further from the sum in binary64 than `scale` sum |x w| + `floor`, or not finite without cause (docs/VERIFICATION.md).
int32_t adit_conv_wrong_f32(const adit_run *run, const adit_convolution *c, const float *x, const float *w, const float *y, const bool *wanted,
    double scale, double floor, int64_t *element);

/// The same among the cells of some rows, in their order.
int32_t adit_conv_wrong_rows_f32(const adit_run *run, const adit_convolution *c, const float *x, const float *w, const float *y, const int64_t *rows,
    int64_t count, double scale, double floor, int64_t *element);

/// The first element of y that differs from the sum modulo 2^32, or -1.
int32_t adit_conv_wrong_i8(const adit_run *run, const adit_convolution *c, const int8_t *x, const int8_t *w, const int32_t *y, int64_t *element);

// The independent reference: plain loops that share no code with what is above, to compare it with. Single-threaded.

/// Rows first..<last of C = X X^T, and their mirror images, X rows x k: cell (i, j), j <= i < last, is written at c[i, j] and c[j, i].
/// Ranges that don't overlap may run at the same time. `transposed` says X is stored as its transpose. False: no memory.
bool adit_reference_gram_f32(const float *x, int64_t rows, int64_t k, bool transposed, int64_t first, int64_t last, float *c);
bool adit_reference_gram_i8(const int8_t *x, int64_t rows, int64_t k, bool transposed, int64_t first, int64_t last, int32_t *c);

#ifdef __cplusplus
}
#endif
#endif
