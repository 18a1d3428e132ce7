import Kernels
import OpenCLBackend
import Testing
import Wire

@Suite("An OpenCL device's roof", .enabled(if: !OpenCLDevices.backends.isEmpty, OpenCLDevices.missing)) struct OpenCLRoofTests {
    @Test("Multiply-adds, copies and transfers have rates that a device can have") func plausible() throws {
        for backend in OpenCLDevices.backends {
            let roof = try #require(backend.roof)
            let clock = ContinuousClock()
            for dtype in [DType.f32, .f64, .bf16, .i8] where roof.peakName(dtype) != nil {
                var best = 0.0
                for _ in 0..<4 {
                    let start = clock.now
                    // Nil where the driver doesn't take the program: then there is no name either.
                    guard let operations = try roof.runPeak(dtype, about: .milliseconds(5)) else { break }
                    best = max(best, Double(operations) / (clock.now - start).seconds)
                }
                if roof.peakName(dtype) != nil { #expect((1e6...1e17).contains(best), "\(dtype.rawValue) on \(backend.description.name): \(best)") }
            }
            #expect(try #require(try roof.copyMemory(about: .milliseconds(1))) > 0)
            for direction in TransferDirection.allCases {
                if let bytes = try roof.transfer(direction, about: .milliseconds(1)) { #expect(bytes > 0) }
            }
            #expect(try roof.runPeak(.i64, about: .milliseconds(1)) == nil)
        }
    }
}
