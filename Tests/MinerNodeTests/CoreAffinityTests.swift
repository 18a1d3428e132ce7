import Foundation
import Kernels
import NativeBackend
import Synchronization
import Testing
import Wire

@testable import MinerNode

@Suite("Cores that the operator gives", .serialized) struct CoreAffinityTests {
    /// Where this process may run; nil where Linux doesn't say.
    private static let all = CoreAffinity.cores(of: getpid())

    /// Where a thread may run, by Linux's own words, and where it last ran: field 39 of its `stat`, of which the first two end with a bracket.
    private static func place(_ thread: String) -> (allowed: String?, core: Int?) {
        let status = (try? String(contentsOfFile: "/proc/\(thread)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        let stat = (try? String(contentsOfFile: "/proc/\(thread)/stat", encoding: .utf8)) ?? ""
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        return (line?.split(whereSeparator: \.isWhitespace).last.map(String.init), fields.count > 36 ? Int(fields[36]) : nil)
    }

    @Test("A computation runs there alone, on threads from before, from after, and its own", .enabled(if: (all?.count ?? 0) > 1, "one core has no other"))
    func computation() throws {
        let core = try #require(Self.all?.max())
        let native = try NativeGEMM(threads: 4, isMeasured: false)
        let gemm = try GEMM(m: 512, n: 512, k: 512, arithmetic: .f32)
        let zeros = try Tensor(zeros: TensorDescriptor(name: "a", dtype: .f32, shape: [512, 512]))
        let product = try Tensor(zeros: TensorDescriptor(name: "c", dtype: .f32, shape: [512, 512]))
        // Its threads are made here, and stay.
        try native.run(gemm, a: zeros, b: zeros, into: product, control: .none)

        let affinity = CoreAffinity()
        try affinity.apply([core])
        defer { try? affinity.apply(nil) }
        let seen = Mutex<[String: (allowed: String?, core: Int?)]>([:])
        let note = { @Sendable in
            let thread = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")) ?? "thread-self"
            let place = Self.place(thread)
            seen.withLock { $0[thread] = place }
        }
        for _ in 0..<4 { try native.run(gemm, a: zeros, b: zeros, into: product, control: RunControl(report: { _ in note() })) }
        let done = DispatchSemaphore(value: 0)
        let later = Thread {
            note()
            done.signal()
        }
        later.start()
        done.wait()
        let places = seen.withLock { $0 }
        #expect(places.count > 1)
        for (thread, place) in places { #expect(place.allowed == "\(core)" && place.core == core, "\(thread): \(place)") }
        // And whoever has said nothing yet.
        for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
            let allowed = Self.place("self/task/\(thread)").allowed
            #expect(allowed == nil || allowed == "\(core)", "\(thread)")
        }

        try affinity.apply(nil)
        #expect(CoreAffinity.cores(of: getpid()) == Self.all)
    }

    @Test("Processors that aren't there are refused, and nothing changes", .enabled(if: all != nil, "Linux doesn't say")) func refused() throws {
        let all = try #require(Self.all)
        let affinity = CoreAffinity()
        let problem = #expect(throws: Problem.self) { try affinity.apply(all.union([1_020])) }
        #expect(problem?.code == .outOfRange && problem?.detail.contains("1020") == true)
        #expect(throws: Problem.self) { try affinity.apply([]) }
        #expect(CoreAffinity.cores(of: getpid()) == all)
    }
}
