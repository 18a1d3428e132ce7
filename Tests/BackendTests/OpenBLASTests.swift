import Foundation
import Kernels
import NativeBackend
import Testing
import Wire

@testable import OpenBLASBackend

@Suite(.enabled(if: !Backends.openBLAS.isEmpty, Backends.missing)) struct OpenBLASTests {
    @Test func `a core type is what was asked for, and the environment is put back`() async throws {
        // What this process was started with: another test may be loading, and have the variable changed, right now.
        let started = String(decoding: try Foundation.Data(contentsOf: URL(filePath: "/proc/self/environ")), as: UTF8.self)
        let before = started.split(separator: "\0").first { $0.hasPrefix(CoreType.variable + "=") }.map { String($0.dropFirst(CoreType.variable.count + 1)) }
        for coreType in [CoreType.haswell, .zen] where coreType.isRunnable {
            #expect(try LibraryLoader.load(coreType).coreName == coreType.rawValue)
        }
        for _ in 0..<2000 where ProcessInfo.processInfo.environment[CoreType.variable] != before { try await Task.sleep(for: .milliseconds(5)) }
        #expect(ProcessInfo.processInfo.environment[CoreType.variable] == before)
    }

    @Test func `threads are told to spin for a short time`() throws {
        let library = try LibraryLoader.load(.detected)
        // What the copy has read from its environment; 0 where nothing was said.
        guard let handle = unsafe dlopen(LibraryLoader.fileName, RTLD_NOW | RTLD_NOLOAD),
            let symbol = unsafe dlsym(handle, "openblas_thread_timeout")
        else {
            Issue.record("the copy is not open, or no longer says it")
            return
        }
        defer { unsafe dlclose(handle) }
        let timeout = unsafe unsafeBitCast(symbol, to: (@convention(c) () -> CInt).self)
        #expect(timeout() == ProcessInfo.processInfo.environment["OPENBLAS_THREAD_TIMEOUT"].flatMap { CInt($0) } ?? 20)
        _ = library
    }

    @Test func `a comparison of core types is made once`() throws {
        let coreType = try #require([CoreType.zen, .haswell].first { $0.isRunnable })
        let library = try LibraryLoader.load(coreType)
        // Not what a comparison would say: that it is taken shows that none was made.
        let known = CoreTypeTrial(used: coreType, configuration: library.configuration, speeds: [library.coreName: 7])
        let backend = try OpenBLASGEMM(remembered: known, isMeasured: false)
        #expect(backend.coreName == library.coreName && backend.coreTrial == known)
        #expect(try CoreTypeTrial(json: known.json) == known)
        // Another build of the library, or one that calls it otherwise, is compared anew.
        for (configuration, name) in [(library.configuration + " ", library.coreName), (library.configuration, "other")] {
            let stale = CoreTypeTrial(used: coreType, configuration: configuration, speeds: [name: 7])
            let trial = try #require(try OpenBLASGEMM(remembered: stale, isMeasured: false).coreTrial)
            #expect(trial != stale && trial.speeds.values.allSatisfy { $0 > 1e6 })
        }
        #expect(throws: Problem.self) { try CoreTypeTrial(json: ["used": "Z80", "configuration": "", "speeds": JSON.object(JSONObject(distinct: []))]) }
    }

    @Test func `copies keep states of their own`() throws {
        let one = try LibraryLoader.load(.haswell)
        let other = try LibraryLoader.load(.haswell)
        one.threads = 1
        other.threads = 2
        #expect(one.threads == 1 && other.threads == 2)
    }

    @Test func `the choice runs on this processor and offers exact I8`() throws {
        let backend = try OpenBLASGEMM(threads: 1)
        #expect(!backend.coreName.isEmpty && !backend.notes.isEmpty)
        #expect(try #require(backend.capability(for: try GEMM(m: 5, n: 5, k: 5, arithmetic: .i32Exact))?.operationsPerSecond) > 1e6)
        #expect(backend.capability(for: try GEMM(m: 500, n: 500, k: 500, arithmetic: .f32Panel256)) == nil)
    }

    @Test func `where the rule isn't kept the work is refused, not done`() throws {
        for backend in Backends.openBLAS {
            let product = try Product(.f32, 20, 20, 20)
            #expect(backend.capability(for: product.gemm) == nil)
            #expect { try product.run(on: backend) } throws: { ($0 as? Problem)?.code == .unsupportedDtype }
        }
    }

    /// The test at start must be able to fail: Haswell's and Zen's kernels are known to add in another order.
    @Test(arguments: [CoreType.haswell, .zen])
    func `the rule's test sees another order`(coreType: CoreType) throws {
        guard coreType.isRunnable, let library = try? LibraryLoader.load(coreType) else { return }
        library.threads = 2
        let judge = try #require(Backends.native.last)
        #expect(!PanelRule.keeps(.f32Panel256, library, threads: 2, judge))
    }

    @Test func `a missing library is a problem, not a crash`() {
        #expect { try OpenBLASLibrary(path: "libopenblas-that-is-not-there.so") } throws: { ($0 as? Problem)?.code == .backendUnavailable }
        #expect { try OpenBLASLibrary(path: "libm.so.6") } throws: { ($0 as? Problem)?.code == .backendUnavailable }
    }

    @Test func `long sums of extremes stay exact`() throws {
        let product = try Product(.i8, 3, 4, 5000, false, true, .constant)
        let backend = try #require(Backends.openBLAS.first)
        #expect(try product.run(on: backend).withElements(as: Int32.self) { cells in cells.indices.allSatisfy { cells[$0] == 5000 << 14 } })
    }
}
