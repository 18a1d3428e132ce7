import Kernels
import Testing
import Wire

@testable import MinerNode

@Suite("What jobs teach of devices") struct WorkSpeedsTests {
    private static func kernel(rows: Int = 1_000) throws -> LayerNormKernel {
        try LayerNormKernel(params: [:], inputs: [TensorDescriptor(name: "x", dtype: .f32, shape: [rows, 1_000])])
    }

    private func estimates(
        _ speeds: WorkSpeeds, _ kernel: any Kernel, measured: [Double?] = [nil, nil], general: [Double?] = [1e11, 1e13]
    ) -> [Double] {
        speeds.speeds(kernel, measured.enumerated().map { ($0, $1) }) { general[$0] }.map(\.estimate)
    }

    @Test("Nothing known: as in products") func nothing() throws {
        #expect(estimates(WorkSpeeds(), try Self.kernel()) == [1e11, 1e13])
        #expect(estimates(WorkSpeeds(), try Self.kernel(), general: [nil, 1e13]) == [1e9, 1e13])
        #expect(estimates(WorkSpeeds(), try Self.kernel(), general: [0, nil]) == [1e9, 1e9])
    }

    @Test("One known: the other in proportion to products") func proportion() throws {
        #expect(estimates(WorkSpeeds(), try Self.kernel(), measured: [2e10, nil]) == [2e10, 2e12])
        #expect(estimates(WorkSpeeds(), try Self.kernel(), measured: [2e10, 5e9]) == [2e10, 5e9])
        #expect(estimates(WorkSpeeds(), try Self.kernel(), measured: [0, nil]) == [1e11, 1e13])
    }

    @Test("One slow job is not the last one; two are believed, and of three the fastest") func learning() throws {
        let (speeds, kernel) = (WorkSpeeds(), try Self.kernel())
        func done(_ seconds: Double) { speeds.note(kernel, on: 1, took: .seconds(seconds)) }
        func speed(_ seconds: Double) -> Double { Double(kernel.operations) / seconds }
        done(100)
        #expect(estimates(speeds, kernel) == [1e11, 1e13])
        done(2)
        #expect(estimates(speeds, kernel)[1] == speed(2))
        for seconds in [4.0, 3, 5] { done(seconds) }
        #expect(estimates(speeds, kernel)[1] == speed(3))
        // The other one's guess comes down with it.
        #expect(estimates(speeds, kernel)[0] < speed(3))
        // What is measured goes first, and other sizes are other works.
        #expect(estimates(speeds, kernel, measured: [nil, 7e9])[1] == 7e9)
        #expect(estimates(speeds, try Self.kernel(rows: 10)) == [1e11, 1e13])
        // A clock that stood still is no infinite speed.
        speeds.note(kernel, on: 0, took: .zero)
        #expect(estimates(speeds, kernel)[0].isFinite)
    }
}
