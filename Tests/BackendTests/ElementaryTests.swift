import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// exp, log, tanh, erf and their family: the bits of C are those of Swift, and both are right.
@Suite struct ElementaryTests {
    static let steps: [ComputeStep] = [.exp, .log, .tanh, .erf, .sigmoid, .gelu, .geluTanh]

    /// Numbers of every exponent, around the functions' bounds, and all special ones.
    private func arguments<T: PanelFloat>(_ type: T.Type, _ seed: UInt64, _ number: (UInt64) -> T) -> [T] {
        var random = TestRandom(seed)
        var x: [T] = [0, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude]
        for bound in [0.92, 3.95, 5.95, 10, 20, 88.7, 89, 103.9, 105, 709.7, 710, 745.2, 746, 0.707_106_781_186_547_5, 1.414_213_562_373_095_1, 1] {
            for sign in [1.0, -1] { x += [T(sign * bound), T(sign * bound).nextUp, T(sign * bound).nextDown] }
        }
        for _ in 0..<2000 { x.append(number(random.next())) }
        for _ in 0..<2000 { x.append(T(random.normal() * 8)) }
        return x
    }

    private func compare<T: PanelFloat>(_ dtype: DType, _ x: [T]) throws {
        for step in Self.steps {
            let kernel = try ComputeKernel(
                params: ["operations": [.string(step.rawValue)]], inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: [x.count])])
            let input = try Tensor(zeros: kernel.inputs[0])
            input.withMutableElements(as: T.self) { elements in for index in x.indices { elements[index] = x[index] } }
            let expected = try kernel.reference([input])[0].buffer.bytes
            for backend in Backends.native {
                #expect(try kernel.run([input], on: backend, control: .none, limit: 1 << 24)[0].buffer.bytes == expected, "\(step) \(dtype) \(backend.device)")
            }
        }
    }

    @Test func `C gives the definition's bits`() throws {
        try compare(.f32, arguments(Float.self, 1) { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) })
        try compare(.f64, arguments(Double.self, 2) { Double(bitPattern: $0) })
    }

    @Test func `special values are right`() {
        func check<T: PanelFloat>(_ type: T.Type) {
            #expect(T.exp(0) == 1 && T.exp(-.infinity) == 0 && T.exp(.infinity) == .infinity && T.exp(-0.0) == 1)
            #expect(T.log(1) == 0 && T.log(0) == -.infinity && T.log(-0.0) == -.infinity && T.log(-1).isNaN && T.log(.infinity) == .infinity)
            #expect(T.tanh(.infinity) == 1 && T.tanh(-.infinity) == -1 && T.tanh(-0.0).sign == .minus && T.erf(-0.0).sign == .minus)
            #expect(T.erf(.infinity) == 1 && T.erf(-.infinity) == -1 && T.sigmoid(0) == 0.5 && T.sigmoid(-.infinity) == 0 && T.sigmoid(.infinity) == 1)
            #expect(T.gelu(.infinity) == .infinity && T.gelu(-.infinity) == 0 && T.geluTanh(-.infinity) == 0 && T.geluTanh(0) == 0)
            for f in [T.exp, T.log, T.tanh, T.erf, T.sigmoid, T.gelu, T.geluTanh] { #expect(f(.nan).widenedBits == T.canonicalNaN) }
            let tiny = T.leastNonzeroMagnitude
            #expect(T.tanh(tiny) == tiny && T.erf(tiny) == tiny && T.exp(tiny) == 1)
        }
        check(Float.self)
        check(Double.self)
    }

    /// Within the errors that docs/VERIFICATION.md states, against 40-digit values rounded to binary64.
    @Test func `values are right to a few units in the last place`() {
        let known: [(ComputeStep, Double, Double)] = [
            (.exp, 0.3, 1.3498588075760032), (.exp, -1.7, 0.18268352405273466),
            (.exp, 2.5, 12.182493960703473), (.exp, 0.001, 1.0010005001667084),
            (.exp, 5.25, 190.56626845863),
            (.log, 0.3, -1.2039728043259361), (.log, 1.7, 0.5306282510621704),
            (.log, 2.5, 0.9162907318741551), (.log, 0.001, -6.907755278982137),
            (.log, 37.5, 3.624340932976365),
            (.tanh, 0.3, 0.2913126124515909), (.tanh, -1.7, -0.935409070603099),
            (.tanh, 2.5, 0.9866142981514303), (.tanh, 0.001, 0.0009999996666668),
            (.tanh, 5.25, 0.9999449286177708),
            (.erf, 0.3, 0.3286267594591274), (.erf, -1.7, -0.9837904585907745),
            (.erf, 2.5, 0.999593047982555), (.erf, 0.001, 0.0011283787909692365),
            (.erf, 5.25, 0.9999999999998869),
            (.sigmoid, 0.3, 0.574442516811659), (.sigmoid, -1.7, 0.1544652650835347),
            (.sigmoid, 2.5, 0.9241418199787564), (.sigmoid, 0.001, 0.5002499999791666),
            (.sigmoid, 5.25, 0.9947798743064417),
            (.gelu, 0.3, 0.1853734266566858), (.gelu, 1.7, 1.6242387133104768),
            (.gelu, 2.5, 2.4844758366855597), (.gelu, 0.001, 0.000500398942213911),
            (.gelu, 5.25, 5.249999600739573),
            (.geluTanh, 0.3, 0.18537092354275925), (.geluTanh, 1.7, 1.624105895551156),
            (.geluTanh, 2.5, 2.484915733910001), (.geluTanh, 0.001, 0.000500398942213582),
            (.geluTanh, 5.25, 5.249999960415362),
        ]
        for (step, x, y) in known {
            #expect((step.apply(x) - y).magnitude <= 3 * y.ulp, "\(step) \(x)")
            let single = Double(step.apply(Float(x)))
            // x itself is rounded to binary32: every slope here is below 5 (times x where y grows with e^x).
            #expect((single - y).magnitude <= 3 * Double(Float(y).ulp) + (5 + y.magnitude) * x.magnitude * 0x1p-24, "\(step) \(x)")
        }
    }
}
