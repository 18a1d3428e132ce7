import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// A convolution with its data.
struct ConvolutionJob: CustomStringConvertible {
    let kernel: Conv2DKernel
    let x: Tensor
    let w: Tensor

    var convolution: Convolution { kernel.convolution }
    var description: String { "\(convolution.shapeX) \(convolution.shapeW) \(convolution.vertical) \(convolution.horizontal) groups \(convolution.groups)" }

    init(
        _ dtype: DType, x: [Int], w: [Int], stride: (Int, Int) = (1, 1), padding: (Int, Int) = (0, 0), dilation: (Int, Int) = (1, 1), groups: Int = 1,
        _ data: Data = .normal, seed: UInt64 = 1
    ) throws {
        func pair(_ numbers: (Int, Int)) -> JSON { .array([.integer(Int64(numbers.0)), .integer(Int64(numbers.1))]) }
        kernel = try Conv2DKernel(
            params: ["stride": pair(stride), "padding": pair(padding), "dilation": pair(dilation), "groups": .integer(Int64(groups))],
            inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: x), TensorDescriptor(name: "w", dtype: dtype, shape: w)])
        self.x = try Tensor(zeros: kernel.inputs[0])
        self.w = try Tensor(zeros: kernel.inputs[1])
        data.fill(self.x, seed: seed)
        data.fill(self.w, seed: seed &+ 1)
    }

    init(_ job: ConvolutionJob, x: Tensor, w: Tensor) { (kernel, self.x, self.w) = (job.kernel, x, w) }

    /// A random small one: every combination of stride, padding, dilation and groups comes up.
    init(_ dtype: DType, _ random: inout TestRandom, outputs: Int = 40, _ data: Data = .normal) throws {
        func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + Int(random.next() % UInt64(range.count)) }
        let (kh, kw) = (draw(1...4), draw(1...4))
        let (dilation, padding) = ((draw(1...3), draw(1...2)), (draw(0...3), draw(0...2)))
        let groups = [1, 1, 2, 3][draw(0...3)]
        let (h, w) = (max(1, dilation.0 * (kh - 1) + 1 - 2 * padding.0) + draw(0...5), max(1, dilation.1 * (kw - 1) + 1 - 2 * padding.1) + draw(0...9))
        let channels = draw(1...3)
        try self.init(
            dtype, x: [draw(1...2), groups * channels, h, w], w: [groups * draw(1...outputs), channels, kh, kw], stride: (draw(1...3), draw(1...3)),
            padding: padding, dilation: dilation, groups: groups, data, seed: random.next())
    }

    func reference() throws -> Tensor { try #require(try kernel.reference([x, w]).first) }

    /// The answer of a backend, written over poison.
    func run(on backend: any ComputeBackend, control: RunControl = .none) throws -> Tensor {
        let y = try Tensor(zeros: kernel.outputs[0])
        unsafe y.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0xAB) }
        try backend.run(convolution, x: x, w: w, into: y, control: control)
        return y
    }

    func verify(_ y: Tensor, _ challenge: Challenge, _ passes: any VerifierPasses) throws -> VerificationReport {
        try kernel.verify([x, w], [y], challenge: challenge, passes: passes)
    }

    /// The first cell that no honest order leaves, by the plain definition.
    func firstWrong(_ y: Tensor) throws -> Int? { try PlainPasses().firstWrong(convolution, x: x, w: w, y: y, outputs: nil) }
}

/// Convolutions of every backend against the definition.
@Suite struct ConvolutionTests {
    /// Awkward: one cell, kernels as large as the image, taps far apart, strides beyond the kernel, one past a tile, thin images.
    static func awkward(_ dtype: DType, _ data: Data) throws -> [ConvolutionJob] {
        [
            try ConvolutionJob(dtype, x: [1, 1, 1, 1], w: [1, 1, 1, 1], data), try ConvolutionJob(dtype, x: [2, 3, 5, 7], w: [15, 3, 5, 7], data),
            try ConvolutionJob(dtype, x: [1, 5, 1, 33], w: [29, 5, 1, 1], data),
            try ConvolutionJob(dtype, x: [3, 2, 17, 1], w: [7, 2, 3, 1], padding: (1, 0), data),
            try ConvolutionJob(dtype, x: [1, 2, 9, 9], w: [3, 2, 2, 2], stride: (4, 5), data),
            try ConvolutionJob(dtype, x: [1, 3, 13, 15], w: [9, 3, 3, 3], padding: (4, 4), dilation: (3, 4), data),
            try ConvolutionJob(dtype, x: [2, 6, 8, 8], w: [6, 1, 3, 3], stride: (2, 2), padding: (1, 1), groups: 6, data),
            try ConvolutionJob(dtype, x: [1, 1, 2, 2], w: [2, 1, 1, 1], padding: (9, 2), data),
        ]
    }

    @Test(arguments: [DType.i8, .f32], [Data.normal, .special, .huge, .subnormal, .constant])
    func `cells are the definition's`(dtype: DType, data: Data) throws {
        var random = TestRandom(UInt64(data.rawValue.count))
        var jobs = try Self.awkward(dtype, data)
        for _ in 0..<8 { jobs.append(try ConvolutionJob(dtype, &random, data)) }
        for job in jobs {
            for backend in Backends.convolution where backend.capability(for: job.convolution) != nil {
                let y = try job.run(on: backend)
                let wrong = try job.firstWrong(y)
                #expect(wrong == nil, "\(backend.device): \(job) \(data)")
            }
        }
    }

    @Test func `progress never falls and a run can be canceled`() throws {
        let job = try ConvolutionJob(.f32, x: [4, 32, 40, 40], w: [64, 32, 3, 3])
        for backend in Backends.convolution where backend.capability(for: job.convolution) != nil {
            let seen = Shares()
            _ = try job.run(on: backend, control: RunControl(report: { seen.add($0) }))
            #expect(seen.shares == seen.shares.sorted() && seen.shares.last == 1)
            let control = RunControl(isCanceled: { true })
            #expect { try job.run(on: backend, control: control) } throws: { ($0 as? Problem)?.code == .canceled }
        }
    }

    @Test func `other tensors are refused`() throws {
        let (job, other) = (try ConvolutionJob(.f32, x: [1, 2, 5, 5], w: [3, 2, 3, 3]), try ConvolutionJob(.f32, x: [1, 2, 5, 6], w: [3, 2, 3, 3]))
        for backend in Backends.convolution {
            #expect { try backend.run(job.convolution, x: other.x, w: job.w, into: try Tensor(zeros: job.kernel.outputs[0]), control: .none) } throws: {
                ($0 as? Problem)?.code == .shapeMismatch || ($0 as? Problem)?.code == .unsupportedDtype
            }
        }
    }
}

extension Backends {
    /// What runs convolutions.
    static var convolution: [any ComputeBackend] { native + oneDNN + OpenCLDevices.backends }
}
