import COneDNN
package import Kernels
package import Wire

// Convolutions by oneDNN's direct algorithm: F32, and exact I8 where the processor multiplies bytes without saturation.
extension OneDNN {
    package func capability(for convolution: Convolution) -> Capability? {
        convolves.contains(convolution.arithmetic) && OneDNNConvolution.covers(convolution) ? Capability(arithmetic: convolution.arithmetic) : nil
    }

    package func run(_ convolution: Convolution, x: Tensor, w: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try convolution.check(x: x, w: w, y: y)
        guard capability(for: convolution) != nil else { throw Problem(.unsupportedDtype, "oneDNN doesn't keep \(convolution.arithmetic.rawValue) here") }
        try exclusively { plans throws(Problem) in try OneDNNConvolution(engine, convolution, x, w, y).run(&plans, control) }
    }
}

/// One convolution, cut into calls of the library of some images each, so that a run can be stopped.
///
/// The tensors are packed n, c, h, w; where the library prefers a layout in blocks of channels, it is brought there and back by its own
/// reorders: the weights once a run, the images with each call. Never Winograd's algorithm, whose error is not that of a sum in F32.
struct OneDNNConvolution {
    /// Operations in one call of the library.
    private static let operationsPerCall = 8e9
    /// Bytes of reordered tensors that are kept for the next run.
    private static let keptBytes = 1 << 28

    private let engine: OneDNNEngine
    private let convolution: Convolution
    private let x: Tensor
    private let w: Tensor
    private let y: Tensor

    /// The tensors are already checked against the convolution.
    init(_ engine: OneDNNEngine, _ convolution: Convolution, _ x: Tensor, _ w: Tensor, _ y: Tensor) {
        (self.engine, self.convolution, self.x, self.w, self.y) = (engine, convolution, x, w, y)
    }

    /// Paddings wider than the kernel and very long strides are left to our own kernels: the library's code isn't made for them.
    static func covers(_ convolution: Convolution) -> Bool {
        let reach = (
            convolution.vertical.dilation * (convolution.kernelHeight - 1) + 1, convolution.horizontal.dilation * (convolution.kernelWidth - 1) + 1
        )
        return convolution.vertical.padding < reach.0 && convolution.horizontal.padding < reach.1
    }

    /// - Throws: `canceled`, `memory_limit`, `backend_unavailable`; `unsupported_dtype` where the library has no code.
    func run(_ plans: inout OneDNNPlans, _ control: RunControl) throws(Problem) {
        try control.step(0)
        let one = Double(convolution.operations) / Double(convolution.batch)
        let images = max(1, min(convolution.batch, Int(Self.operationsPerCall / max(one, 1))))
        let scratch = plans.scratch
        try unsafe x.buffer.withUnsafeBytes { x throws(Problem) in
            try unsafe w.buffer.withUnsafeBytes { w throws(Problem) in
                try unsafe y.buffer.withUnsafeMutableBytes { y throws(Problem) in
                    guard let x = x.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return }
                    var weights: UnsafeMutableRawPointer?
                    for first in stride(from: 0, to: convolution.batch, by: images) {
                        let count = min(images, convolution.batch - first)
                        let call = try call(count, &plans)
                        if unsafe weights == nil || count != images {
                            unsafe weights = try call.weights.bring(UnsafeMutableRawPointer(mutating: w), scratch, 1)
                        }
                        guard let weights = unsafe weights else { return }
                        let from = unsafe UnsafeMutableRawPointer(mutating: x + first * (self.x.descriptor.byteCount / convolution.batch))
                        let target = unsafe y + first * (self.y.descriptor.byteCount / convolution.batch)
                        let source = try unsafe call.source.bring(from, scratch, 0)
                        guard let back = call.target else {
                            try unsafe call.plan.run([source, weights, target])
                            try control.step(Double(first + count) / Double(convolution.batch))
                            continue
                        }
                        let blocked = try unsafe scratch.memory(back.byteCount, 2)
                        try unsafe call.plan.run([source, weights, blocked])
                        try unsafe back.plan.run([blocked, target])
                        try control.step(Double(first + count) / Double(convolution.batch))
                    }
                }
            }
        }
        scratch.drop(over: Self.keptBytes)
        try control.step(1)
    }

    /// A convolution of some images, with the reorders around it; nil for a target that is written in place.
    private struct Call {
        let plan: OneDNNPlan
        let source: OneDNNLayout
        let weights: OneDNNLayout
        let target: (plan: OneDNNPlan, byteCount: Int)?
    }

    /// In F32 a 1 × 1 kernel at every position is a matrix product of the images as they lie: the library's product takes half of the time of
    /// its blocked convolution with the reorders.
    private var isProduct: Bool {
        convolution.arithmetic == .f32 && convolution.kernelHeight == 1 && convolution.kernelWidth == 1 && convolution.groups == 1
            && convolution.outputHeight == convolution.height && convolution.outputWidth == convolution.width && convolution.vertical.padding == 0
            && convolution.horizontal.padding == 0
    }

    private func call(_ images: Int, _ plans: inout OneDNNPlans) throws(Problem) -> Call {
        let c = convolution
        let isExact = c.arithmetic == .i32Exact
        let (input, output) = isExact ? (dnnl_s8, dnnl_s32) : (dnnl_f32, dnnl_f32)
        let (from, target) = ([images, c.channels, c.height, c.width], [images, c.outputs, c.outputHeight, c.outputWidth])
        let filter =
            c.groups == 1 ? c.shapeW : [c.groups, c.groupOutputs, c.groupChannels, c.kernelHeight, c.kernelWidth]
        let numbers =
            [
                isExact ? 1 : 0, c.groups, c.vertical.stride, c.horizontal.stride, c.vertical.padding, c.horizontal.padding, c.vertical.dilation,
                c.horizontal.dilation,
            ]
            + from + filter
        let plan = try plans.plan(OneDNNPlans.Key(kind: "convolution", numbers: numbers)) { () throws(Problem) in
            var source = isProduct ? try engine.descriptor(input, from) : try engine.descriptorOfAnyLayout(input, from)
            var weights = try engine.descriptorOfAnyLayout(input, filter)
            var result = isProduct ? try engine.descriptor(output, target) : try engine.descriptorOfAnyLayout(output, target)
            var operation = dnnl_convolution_desc_t()
            let strides = [Int64(c.vertical.stride), Int64(c.horizontal.stride)]
            let dilates = [Int64(c.vertical.dilation - 1), Int64(c.horizontal.dilation - 1)]
            let before = [Int64(c.vertical.padding), Int64(c.horizontal.padding)]
            // What the last window really reaches to, where the stride leaves some padding over: the library wants the shape to be exact.
            let after = [
                Int64(Self.after(c.vertical, size: c.height, kernel: c.kernelHeight, count: c.outputHeight)),
                Int64(Self.after(c.horizontal, size: c.width, kernel: c.kernelWidth, count: c.outputWidth)),
            ]
            try unsafe engine.library.check(
                engine.library.convolutionInit(
                    &operation, dnnl_forward_inference, dnnl_convolution_direct, &source, &weights, nil, &result, strides, dilates, before, after),
                "convolution")
            return try unsafe OneDNNPlan(engine, operation: &operation, arguments: [DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST], "convolution")
        }
        let back = try layout(plan.descriptor(of: 2), packed: try engine.descriptor(output, target), "to", numbers, isBack: true, &plans)
        return Call(
            plan: plan, source: try layout(plan.descriptor(of: 0), packed: try engine.descriptor(input, from), "from", numbers, isBack: false, &plans),
            weights: try layout(plan.descriptor(of: 1), packed: try engine.descriptor(input, filter), "weights", numbers, isBack: false, &plans),
            target: back.plan.map { ($0, back.byteCount) })
    }

    private static func after(_ windows: Convolution.Windows, size: Int, kernel: Int, count: Int) -> Int {
        (count - 1) * windows.stride + windows.dilation * (kernel - 1) + 1 - size - windows.padding
    }

    private func layout(
        _ wanted: dnnl_memory_desc_t, packed: dnnl_memory_desc_t, _ kind: String, _ numbers: [Int], isBack: Bool, _ plans: inout OneDNNPlans
    ) throws(Problem) -> OneDNNLayout {
        let byteCount = engine.byteCount(wanted)
        guard !Self.isSame(wanted, packed) else { return OneDNNLayout(plan: nil, byteCount: byteCount) }
        let plan = try plans.plan(OneDNNPlans.Key(kind: "convolution \(kind)", numbers: numbers)) { () throws(Problem) in
            isBack ? try OneDNNPlan(engine, reorder: wanted, to: packed) : try OneDNNPlan(engine, reorder: packed, to: wanted)
        }
        return OneDNNLayout(plan: plan, byteCount: byteCount)
    }

    /// Whether two descriptions are of the same layout: their bytes are, since both come out of the library zeroed where unused.
    private static func isSame(_ one: dnnl_memory_desc_t, _ other: dnnl_memory_desc_t) -> Bool {
        unsafe withUnsafeBytes(of: one) { one in unsafe withUnsafeBytes(of: other) { other in unsafe one.elementsEqual(other) } }
    }
}

/// How a tensor gets to where a plan wants it: nil for a plan where it already is.
struct OneDNNLayout {
    let plan: OneDNNPlan?
    let byteCount: Int

    /// The address of the tensor in the wanted layout.
    func bring(_ packed: UnsafeMutableRawPointer, _ scratch: OneDNNScratch, _ place: Int) throws(Problem) -> UnsafeMutableRawPointer {
        guard let plan else { return unsafe packed }
        let memory = try unsafe scratch.memory(byteCount, place)
        try unsafe plan.run([packed, memory])
        return unsafe memory
    }
}

/// Memory for reordered tensors, kept from run to run: taking it anew would cost as much as a small convolution.
///
/// `@unchecked Sendable`: used behind `OneDNN`'s lock only.
final class OneDNNScratch: @unchecked Sendable {
    private var buffers: [TensorBuffer?] = [nil, nil, nil]

    /// At least `byteCount` bytes at a place of its own (0, 1 or 2), until the next call for the same place.
    func memory(_ byteCount: Int, _ place: Int) throws(Problem) -> UnsafeMutableRawPointer {
        if buffers[place].map({ $0.byteCount < byteCount }) != false {
            buffers[place] = nil
            buffers[place] = try TensorBuffer(byteCount: max(byteCount, 64))
        }
        guard let buffer = buffers[place] else { throw Problem(.memoryLimit, "no memory for \(byteCount) bytes") }
        // The buffer outlives the call: it is this object's.
        return try unsafe buffer.withUnsafeMutableBytes { raw throws(Problem) in
            guard let base = raw.baseAddress else { throw Problem(.memoryLimit, "no memory for \(byteCount) bytes") }
            return unsafe base
        }
    }

    /// Gives back what is larger than that.
    func drop(over byteCount: Int) {
        for place in buffers.indices where buffers[place].map({ $0.byteCount > byteCount }) == true { buffers[place] = nil }
    }
}

extension OneDNNConvolution {
    /// The arithmetics in which the library convolves right here: I8 at its extremes, F32 within the definition's tolerance.
    static func tried(_ engine: OneDNNEngine, _ plans: inout OneDNNPlans, _ judge: any ComputeBackend) -> Set<Arithmetic> {
        var offer: Set<Arithmetic> = []
        for arithmetic in [Arithmetic.i32Exact, .f32] {
            do throws(Problem) {
                if try passes(arithmetic, engine, &plans, judge) { offer.insert(arithmetic) }
            } catch {}
        }
        return offer
    }

    private static func passes(
        _ arithmetic: Arithmetic, _ engine: OneDNNEngine, _ plans: inout OneDNNPlans, _ judge: any ComputeBackend
    ) throws(Problem) -> Bool {
        for (x, w, groups, stride) in [
            ([2, 40, 9, 11], [33, 40, 3, 3], 1, 1), ([1, 64, 8, 8], [64, 64, 1, 1], 1, 2), ([1, 32, 7, 9], [32, 1, 3, 3], 32, 1),
        ] {
            let convolution = try Convolution(
                x: x, w: w, groups: groups, vertical: try Convolution.Windows(stride: stride, padding: w[2] / 2),
                horizontal: try Convolution.Windows(padding: w[3] / 2), arithmetic: arithmetic)
            let images = try operand("x", convolution.inputDType, x), weights = try operand("w", convolution.inputDType, w)
            let (y, expected) = (try output(convolution), try output(convolution))
            try OneDNNConvolution(engine, convolution, images, weights, y).run(&plans, .none)
            try judge.run(convolution, x: images, w: weights, into: expected, control: .none)
            guard agree(convolution, y, expected) else { return false }
        }
        return true
    }

    private static func output(_ convolution: Convolution) throws(Problem) -> Tensor {
        try Tensor(zeros: try TensorDescriptor(name: "y", dtype: convolution.outputDType, shape: convolution.shapeY))
    }

    /// Random numbers; of bytes every third is the lowest there is, where sums of two products no longer fit in 16 bits.
    private static func operand(_ name: String, _ dtype: DType, _ shape: [Int]) throws(Problem) -> Tensor {
        let tensor = try RandomTensor(
            seed: SHA256.hash(utf8: "oneDNN trial \(name)"), descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)
        ).generate()
        if dtype == .i8 {
            tensor.withMutableElements(as: Int8.self) { for index in $0.indices where index % 3 != 0 { $0[index] = index % 2 == 0 ? 127 : -128 } }
        }
        return tensor
    }

    /// Random terms are at most 1: two honest sums differ by less than twice the tolerance of k.
    private static func agree(_ convolution: Convolution, _ one: Tensor, _ other: Tensor) -> Bool {
        if convolution.arithmetic == .i32Exact { return one.root == other.root }
        let allowed = 2 * Convolution.tolerance(magnitude: Double(convolution.depth), depth: convolution.depth)
        return one.withElements(as: Float.self) { one in
            other.withElements(as: Float.self) { other in one.indices.allSatisfy { Double((one[$0] - other[$0]).magnitude) <= allowed } }
        }
    }
}
