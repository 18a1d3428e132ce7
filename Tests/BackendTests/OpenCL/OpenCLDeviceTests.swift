import Foundation
import Kernels
import NativeBackend
import Testing
import Wire

@testable import OpenCLBackend

@Suite struct OpenCLAnswerTests {
    /// The answers that stand in the source are the definition's, here by our kernels on the CPU, which are compared with it elsewhere.
    @Test func `known answers are the definition's`() throws {
        let native = try #require(Backends.native.last)
        let roots = try KnownAnswers.all().map { item in
            let c = try Tensor(zeros: TensorDescriptor(name: "c", dtype: item.gemm.outputDType, shape: item.gemm.shapeC))
            try native.run(
                item.gemm, a: try KnownAnswers.operand("a", item.gemm, isSpread: item.isSpread),
                b: try KnownAnswers.operand("b", item.gemm, isSpread: item.isSpread), into: c, control: .none)
            return c.root.hex
        }
        #expect(roots == KnownAnswers.roots)
    }
}

@Suite(.enabled(if: !OpenCLDevices.backends.isEmpty, OpenCLDevices.missing)) struct OpenCLDeviceTests {
    @Test func `devices are named, described and tested`() throws {
        for backend in OpenCLDevices.backends {
            #expect(backend.name.hasPrefix("opencl:") && backend.description.computeUnits > 0 && backend.description.memoryBytes > 0)
            #expect(backend.device.contains(backend.description.driver))
            #expect(backend.capability(for: try GEMM(m: 1, n: 1, k: 1, arithmetic: .i32Exact)) != nil)
            if backend.description.keepsF32 { #expect(backend.capability(for: try GEMM(m: 1, n: 1, k: 1, arithmetic: .f32Panel256)) != nil) }
        }
    }

    @Test func `processors are left out with a note unless asked for`() throws {
        var options = OpenCLDevices.options
        options.includesCPUs = false
        guard OpenCLDevices.found.allSatisfy({ $0.description.kind == .cpu }) else { return }
        let opened = OpenCLBackend.open(options)
        #expect(opened.backends.isEmpty && opened.notes.count == OpenCLDevices.found.count)
    }

    @Test func `wrong answers are seen`() throws {
        let native = try #require(Backends.native.last)
        let verdict = try KnownAnswers.judge(.f32) { gemm, a, b, c throws(Problem) in
            try native.run(gemm, a: a, b: b, into: c, control: .none)
            c.withMutableElements(as: UInt32.self) { $0[77] ^= 1 }
        }
        #expect(verdict == .wrong)
    }

    @Test func `a second start finds its programs`() throws {
        let device = try #require(OpenCLDevices.found.first)
        let folder = OpenCLDevices.folder + "-second"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let source = ProgramSource("kernel void nothing(global int *x) { x[get_global_id(0)] += ADDED; }", defines: ["ADDED": "3"])
        func counts() throws -> [Int] {
            let session = try DeviceSession(device, cache: ProgramCache(folder: folder), memoryCap: 1 << 20, isShared: false)
            _ = try session.programs.function("nothing", of: source)
            _ = try session.programs.function("nothing", of: source)
            return [session.programs.found, session.programs.compiled]
        }
        #expect(try counts() == [0, 1])
        #expect(try counts() == [1, 0])
        // A torn file, and one whose bytes are not its digest's, are compiled again.
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
        for damage in [Foundation.Data([1, 2, 3]), Foundation.Data(repeating: 7, count: 5000)] {
            try damage.write(to: URL(filePath: "\(folder)/\(name)"))
            #expect(try counts() == [0, 1])
        }
        // A whole file that is no binary of the device's.
        ProgramCache(folder: folder).write(Array(repeating: 9, count: 100), String(name.dropLast(4)))
        #expect(try counts() == [0, 1])
    }

    @Test func `the compiler's words are kept`() throws {
        let device = try #require(OpenCLDevices.found.first)
        let session = try DeviceSession(device, cache: ProgramCache(folder: nil), memoryCap: 1 << 20, isShared: false)
        #expect { try session.programs.function("f", of: ProgramSource("kernel void f( { }", defines: [:])) } throws: {
            guard let problem = $0 as? Problem else { return false }
            return problem.code == .backendUnavailable && problem.detail.contains("CL_BUILD_PROGRAM_FAILURE")
        }
    }

    @Test func `memory is used again and capped`() throws {
        let device = try #require(OpenCLDevices.found.first)
        let session = try DeviceSession(device, cache: ProgramCache(folder: nil), memoryCap: 100_000, isShared: false)
        for _ in 0..<10 {
            try session.pool.lend { loan throws(Problem) in
                _ = try loan.take(40_000)
                _ = try loan.take(40_000)
            }
        }
        #expect(session.pool.taken <= 100_000)
        try session.pool.lend { loan throws(Problem) in _ = try loan.take(90_000) }
        #expect {
            try session.pool.lend { loan throws(Problem) in
                _ = try loan.take(60_000); _ = try loan.take(60_000)
            }
        } throws: {
            ($0 as? Problem)?.code == .memoryLimit
        }
    }

    @Test func `a missing library is a problem, not a crash`() {
        #expect { try OpenCLLibrary(path: "libOpenCL-that-is-not-there.so") } throws: { ($0 as? Problem)?.code == .backendUnavailable }
        #expect { try OpenCLLibrary(path: "libm.so.6") } throws: { ($0 as? Problem)?.code == .backendUnavailable }
        #expect { try CLBlastLibrary(path: "libm.so.6") } throws: { ($0 as? Problem)?.code == .backendUnavailable }
    }

    @Test func `choices are kept for their device only`() throws {
        let (here, there) = (SHA256.hash(utf8: "here"), SHA256.hash(utf8: "there"))
        var file = ChoiceFile()
        file.choices["f32"] = ChoiceFile.Choice(engine: "clblast", operationsPerSecond: 5e12, overhead: 25e-6)
        file.tuned["f32"] = XgemmParameters.starts[0].values
        #expect(try ChoiceFile(reading: file.bytes(here), here) == file)
        #expect(throws: Problem.self) { try ChoiceFile(reading: file.bytes(here), there) }
        #expect(throws: Problem.self) { try ChoiceFile(reading: Array(file.bytes(here).dropLast()), here) }
        var bytes = file.bytes(here)
        if let place = bytes.firstIndex(of: UInt8(ascii: "5")) { bytes[place] = UInt8(ascii: "6") }
        #expect(throws: Problem.self) { try ChoiceFile(reading: bytes, here) }
    }
}
