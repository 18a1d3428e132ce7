import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// Reductions to integers: the definition's answers on every path, every wrong bit found, and sums that no I64 holds.
@Suite struct ExactReduceTests {
    private func kernel(_ operation: String, _ dtype: DType, _ shape: [Int], _ axes: [Int], keepdims: Bool = false) throws -> ReduceKernel {
        try ReduceKernel(
            params: ["operation": .string(operation), "axes": .array(axes.map { .integer(Int64($0)) }), "keepdims": .bool(keepdims)],
            inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: shape)])
    }

    /// Numbers of one, two or all values of the format, so that there are ties; of floats also NaN, infinities and both zeros.
    private func fill(_ x: Tensor, _ kind: Int, _ random: inout TestRandom) {
        let isDouble = x.dtype == .f64
        let bits = (0..<x.descriptor.elementCount).map { _ -> UInt64 in
            let word = random.next()
            switch x.dtype {
            case .f32, .f64:
                let special: Double = [0, -0.0, .infinity, -.infinity, 1, -1, .nan][Int(word % (kind == 0 ? 6 : 7))]
                let value = kind == 1 || word >> 32 % 8 == 0 ? special : random.normal()
                return isDouble ? value.bitPattern : UInt64(Float(value).bitPattern)
            default:
                let width = UInt64(8 * x.dtype.byteCount)
                let extreme = UInt64(1) << (width - 1)
                // The least and the largest value by turns; a few small ones; all, in I64 such that their sums fit.
                if kind == 0 { return word % 2 == 0 ? extreme : extreme - 1 }
                if kind == 1 { return word % 5 &- 2 }
                return UInt64(bitPattern: Int64(bitPattern: word) >> (x.dtype == .i64 ? 16 : 0))
            }
        }
        x.write(bits)
    }

    private static let shapes: [([Int], [Int])] = [
        ([1], [0]), ([7], [0]), ([31], [0]), ([32], [0]), ([33], [0]), ([600], [0]), ([3, 300], [1]), ([300, 3], [0]), ([20, 67], [0]), ([17, 5], [1]),
        ([4, 5, 6], [1]), ([3, 2, 65], [1]), ([5, 1], [0]), ([0, 4], [1]), ([2, 0], [0]), ([1, 1], [0]),
    ]
    private static let several: [([Int], [Int])] = [
        ([4, 5, 6], [0, 2]), ([3, 40, 2, 9], [1, 3]), ([2, 33, 3], [2, 0]), ([5, 37], [0, 1]), ([2, 3, 0], [2]),
    ]

    @Test(arguments: [DType.i8, .i32, .i64, .f32, .f64], ["sum", "min", "max", "argmin", "argmax"])
    func `every path has the definition's answers`(dtype: DType, operation: String) throws {
        let isPlace = operation.hasPrefix("arg")
        guard isPlace || ExactReduction.integers.contains(dtype) else { return }
        var random = TestRandom(UInt64(operation.utf8.count) + UInt64(dtype.byteCount))
        for (shape, axes) in Self.shapes + (isPlace ? [] : Self.several) {
            // The extremes' sums of I64 may not fit; see below.
            for kind in (dtype == .i64 && operation == "sum" ? 1 : 0)..<3 {
                guard operation == "sum" || axes.allSatisfy({ shape[$0] > 0 }) else { continue }
                let kernel = try kernel(operation, dtype, shape, axes)
                let x = try Tensor(zeros: kernel.inputs[0])
                fill(x, kind, &random)
                let expected = try kernel.reference([x])
                #expect(expected[0].dtype == (isPlace || operation == "sum" ? .i64 : dtype) && kernel.arithmetic == .i32Exact)
                for backend in Backends.native {
                    let y = try kernel.run([x], on: backend, control: .none, limit: 1 << 20)
                    #expect(y[0].buffer.bytes == expected[0].buffer.bytes, "\(operation) \(shape) \(axes) \(kind) \(backend.device)")
                }
                let count = expected[0].descriptor.elementCount
                for passes in [PlainPasses() as any VerifierPasses, try NativePasses(threads: 2)] {
                    #expect(try kernel.verify([x], expected, challenge: random.challenge(), passes: passes).isAccepted)
                    guard count > 0 else { continue }
                    let place = Int(random.next() % UInt64(count))
                    let wrong = try Tensor(kernel.outputs[0], TensorBuffer(expected[0].buffer.bytes))
                    wrong.write([expected[0].widenedBits(place) ^ 1], from: place)
                    #expect(try kernel.verify([x], [wrong], challenge: random.challenge(), passes: passes).refusal?.cell == Cell(row: 0, column: place))
                }
            }
        }
    }

    @Test func `values by hand`() throws {
        func values(_ operation: String, _ dtype: DType, _ bits: [UInt64], _ shape: [Int], _ axis: Int) throws -> [Int64] {
            let kernel = try kernel(operation, dtype, shape, [axis])
            let x = try Tensor(zeros: kernel.inputs[0])
            x.write(bits)
            let y = try kernel.reference([x])[0]
            #expect(y.buffer.bytes == (try kernel.run([x], on: Backends.native[0], control: .none, limit: 1 << 20))[0].buffer.bytes)
            return (0..<y.descriptor.elementCount).map { Int64(bitPattern: y.widenedBits($0)) }
        }
        func bits(_ numbers: Int64...) -> [UInt64] { numbers.map { UInt64(bitPattern: $0) } }
        #expect(try values("sum", .i8, bits(-128, -128, -128, 127, 127, 127), [2, 3], 1) == [-384, 381])
        #expect(try values("sum", .i32, bits(Int64(Int32.max), Int64(Int32.max)), [2], 0) == [0xffff_fffe])
        #expect(try values("argmax", .i8, bits(3, 7, 7, -1), [4], 0) == [1] && values("argmin", .i8, bits(3, -1, 7, -1), [4], 0) == [1])
        #expect(try values("argmax", .i64, bits(.min, .max, .max, .min), [2, 2], 0) == [1, 0])
        func reals(_ numbers: Double...) -> [UInt64] { numbers.map(\.bitPattern) }
        #expect(try values("argmax", .f64, reals(1, .nan, .infinity, .nan), [4], 0) == [1])
        #expect(try values("argmin", .f64, reals(1, .nan, -.infinity, .nan), [4], 0) == [1])
        #expect(try values("argmin", .f64, reals(0, -0.0, 1), [3], 0) == [0] && values("argmax", .f64, reals(-0.0, 0), [2], 0) == [0])
        #expect(try values("argmax", .f64, reals(-.infinity, -.infinity), [2], 0) == [0])
        // Elements of a cell that lie together are taken 32 at a time: a tie between them is the first's, in whichever lane it lies.
        var ties = [UInt64](repeating: 0, count: 100)
        for index in [40, 66, 97] { ties[index] = 9 }
        #expect(try values("argmax", .i64, ties, [100], 0) == [40] && values("argmin", .i64, ties, [100], 0) == [0])
    }

    @Test func `a sum beyond I64 has no answer, one whose parts alone are beyond has`() throws {
        // Rows: the largest sum, one more, the least, one less, and one that comes back.
        let rows: [[Int64]] = [[.max, 0, 0], [.max, 1, 0], [.min, 0, 0], [.min, 0, -1], [.max, .max, -.max]]
        func job(_ rows: [[Int64]], along axis: Int) throws -> (ReduceKernel, Tensor) {
            let kernel = try kernel("sum", .i64, axis == 1 ? [rows.count, 3] : [3, rows.count], [axis])
            let x = try Tensor(zeros: kernel.inputs[0])
            let order = axis == 1 ? rows.flatMap { $0 } : (0..<3).flatMap { place in rows.map { $0[place] } }
            x.write(order.map { UInt64(bitPattern: $0) })
            return (kernel, x)
        }
        var random = TestRandom(7)
        for axis in [0, 1] {
            let (good, fits) = try job([rows[0], rows[2], rows[4]], along: axis)
            let right = try good.reference([fits])
            #expect((0..<3).map { Int64(bitPattern: right[0].widenedBits($0)) } == [.max, .min, .max])
            let (kernel, x) = try job(rows, along: axis)
            #expect(code { _ = try kernel.reference([x]) } == .sumsOverflow)
            for backend in Backends.native {
                #expect(try good.run([fits], on: backend, control: .none, limit: 1 << 20)[0].buffer.bytes == right[0].buffer.bytes)
                let problem = #expect(throws: Problem.self) { _ = try kernel.run([x], on: backend, control: .none, limit: 1 << 20) }
                #expect(problem?.code == .sumsOverflow && problem?.detail.contains("element 1 ") == true)
            }
            for passes in [PlainPasses() as any VerifierPasses, try NativePasses(threads: 2)] {
                // The wrapped sum, a 0 and the largest number are all made up.
                for made in [Int64.min, 0, .max] {
                    let y = try Tensor(zeros: kernel.outputs[0])
                    y.write([Int64.max, made, .min, .max, .max].map { UInt64(bitPattern: $0) })
                    let refusal = try kernel.verify([x], [y], challenge: random.challenge(), passes: passes).refusal
                    #expect(refusal?.cell == Cell(row: 0, column: 1) && refusal?.finding?.value == 0x1p63)
                }
            }
        }
    }

    /// More than a task, and than one look at whether to go on.
    @Test func `long sums agree on every path and stop when told to`() throws {
        let kernel = try kernel("sum", .i8, [2_500_000], [0])
        let x = try Tensor(zeros: kernel.inputs[0])
        Data.constant.fill(x, seed: 1)
        for backend in Backends.native {
            let y = try kernel.run([x], on: backend, control: .none, limit: 1 << 20)
            #expect(Int64(bitPattern: y[0].widenedBits(0)) == -128 * 2_500_000)
        }
        let places = try self.kernel("argmax", .i8, [2_500_000], [0])
        x.write([1], from: 2_200_007)
        x.write([1], from: 2_300_000)
        for backend in Backends.native {
            #expect(try places.run([x], on: backend, control: .none, limit: 1 << 20)[0].widenedBits(0) == 2_200_007)
        }
        let canceled = RunControl(isCanceled: { true })
        #expect(code { _ = try kernel.run([x], on: Backends.native[0], control: canceled, limit: 1 << 20) } == .canceled)
    }

    @Test func `shapes and what makes no sense`() throws {
        #expect(try kernel("argmax", .f32, [2, 3, 4], [1], keepdims: true).outputs[0].shape == [2, 1, 4])
        #expect(try kernel("argmax", .f32, [2, 3, 4], [1]).outputs[0].shape == [2, 4] && kernel("sum", .i8, [2, 3], [0, 1]).outputs[0].shape == [])
        for operation in ["mean", "product"] { #expect(code { _ = try kernel(operation, .i32, [3], [0]) } == .unsupportedDtype) }
        let problem = #expect(throws: Problem.self) { _ = try kernel("mean", .i64, [3], [0]) }
        #expect(problem?.detail.contains("sum, min, max, argmin, argmax") == true)
        for operation in ["sum", "argmax"] { #expect(code { _ = try kernel(operation, .bf16, [3], [0]) } == .unsupportedDtype) }
        #expect(code { _ = try kernel("argmax", .f32, [3, 4], [0, 1]) } == .badParams && code { _ = try kernel("argmax", .i8, [3], [1]) } == .outOfRange)
        for operation in ["argmin", "min"] { #expect(code { _ = try kernel(operation, .i64, [3, 0], [1]) } == .shapeMismatch) }
        // The most elements of I32 whose sum surely fits: −2^31 · 2^32 = −2^63.
        #expect(throws: Never.self) { _ = try kernel("sum", .i32, [1 << 16, 1 << 16], [0, 1]) }
        #expect(code { _ = try kernel("sum", .i32, [1 << 16, 1 << 16 + 1], [0, 1]) } == .tooLong)
    }

    @Test func `other backends decline`() throws {
        let kernel = try kernel("argmax", .f32, [3], [0])
        for backend in Backends.elementwise where !(backend is NativeGEMM) {
            #expect(kernel.capability(on: backend) == nil)
            let x = try Tensor(zeros: kernel.inputs[0])
            #expect(code { _ = try kernel.run([x], on: backend, control: .none, limit: 1 << 20) } == .unsupportedDtype)
        }
    }

    private func code(_ body: () throws -> Void) -> Problem.Code? {
        do {
            try body()
            return nil
        } catch { return (error as? Problem)?.code }
    }
}
