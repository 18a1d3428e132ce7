import TestSupport
import Testing
import Wire

@testable import Kernels
@testable import OpenCLBackend

/// Convolutions and attention on OpenCL beyond the contract suites: in blocks under a cap, and by the kernels for GPUs.
@Suite(.enabled(if: !OpenCLDevices.backends.isEmpty, OpenCLDevices.missing)) struct OpenCLConvolutionTests {
    @Test func `devices offer them`() throws {
        for backend in OpenCLDevices.backends {
            #expect(Set(backend.convolutions.keys) == [.i8, .f32] && Set(backend.attentions.keys) == [.f32, .bf16], "\(backend.notes)")
            #expect(backend.rowDTypes == backend.chainDTypes && backend.rowDTypes.contains(.f32), "\(backend.notes)")
        }
    }

    @Test(arguments: [DType.i8, .f32])
    func `blocks and kernels don't change bits`(dtype: DType) throws {
        let device = try #require(OpenCLDevices.found.first)
        let jobs = [
            try ConvolutionJob(dtype, x: [5, 6, 20, 21], w: [14, 3, 3, 3], padding: (1, 1), groups: 2),
            try ConvolutionJob(dtype, x: [1, 30, 24, 24], w: [40, 30, 3, 3], padding: (1, 1)),
            try ConvolutionJob(dtype, x: [3, 50, 20, 21], w: [50, 1, 3, 2], stride: (2, 1), groups: 50),
        ]
        var bits: [[UInt8]] = []
        for (kernel, cap) in [(Microkernel.strip(dtype), 1 << 30), (.strip(dtype), 700_000), (Microkernel.tiles(dtype)[0], 900_000)] {
            var workplace = Workplace(device: device, cache: ProgramCache(folder: OpenCLDevices.folder), memoryCap: cap, isShared: false)
            for (index, job) in jobs.enumerated() {
                let y = try Tensor(zeros: job.kernel.outputs[0])
                let seen = Shares()
                let engine = ChosenEngine(engine: .own(kernel), operationsPerSecond: nil, overhead: 0)
                try workplace.convolve(job.convolution, job.x, job.w, into: y, engine, RunControl(report: { seen.add($0) }))
                if bits.count <= index { bits.append(y.buffer.bytes) }
                #expect(y.buffer.bytes == bits[index], "\(kernel.name) \(cap) \(job)")
                #expect(seen.shares == seen.shares.sorted() && seen.shares.last == 1)
            }
            #expect(try workplace.open().session.pool.taken <= cap)
        }
    }

    @Test(arguments: [(4, 150, 90), (1, 400, 700)])
    func `attention in blocks is attention`(heads: Int, queries: Int, keys: Int) throws {
        let device = try #require(OpenCLDevices.found.first)
        let job = try AttentionJob(heads: heads, queries: queries, keys: keys, d: 32)
        var roots: Set<String> = []
        for cap in [1 << 30, 500_000] {
            var workplace = Workplace(device: device, cache: ProgramCache(folder: OpenCLDevices.folder), memoryCap: cap, isShared: false)
            let o = try Tensor(zeros: job.kernel.outputs[0])
            let engine = ChosenEngine(engine: .own(.strip(.f32)), operationsPerSecond: nil, overhead: 0)
            try workplace.attend(job.attention, job.inputs[0], job.inputs[1], job.inputs[2], into: o, engine, .none)
            roots.insert(o.root.hex)
        }
        #expect(roots.count == 1)
        #expect(throws: Problem.self) { try AttentionPlan.make(job.attention, cap: 60_000, largest: 60_000, operations: 1e9) }
    }
}
