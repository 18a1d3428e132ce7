import Foundation
import Synchronization
import TestSupport
import Testing
import Wire

@testable import BackendChoice
@testable import Kernels

/// The choice among members: each work to the fastest, measured once, kept, and never at the price of a right answer.
@Suite struct ChoiceTests {
    /// Our own kernels under another name, delayed or failing: speeds that a test can rely on.
    private final class Member: ComputeBackend {
        let name: String
        let device: String
        private let delay: useconds_t
        /// Of products above 2·10^9 operations, which no trial has.
        private let delayWhenLarge: useconds_t
        private let fails: Bool
        private let inner: any ComputeBackend
        let runs = Mutex(0)

        init(_ name: String, delay: useconds_t = 0, delayWhenLarge: useconds_t = 0, fails: Bool = false) throws {
            (self.name, self.device, self.delay, self.delayWhenLarge, self.fails) = (name, "cpu \(name)", delay, delayWhenLarge, fails)
            inner = try #require(Backends.native.last)
        }

        func capability(for gemm: GEMM) -> Capability? { inner.capability(for: gemm) }

        func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
            runs.withLock { $0 += 1 }
            if fails { throw Problem(.backendUnavailable, "it never works") }
            usleep(gemm.operations > 2_000_000_000 ? delayWhenLarge : delay)
            try inner.run(gemm, a: a, b: b, into: c, control: control)
        }

        func capability(for chain: ComputeChain) -> Capability? { inner.capability(for: chain) }

        func run(_ chain: ComputeChain, x: Tensor, operands: [Tensor], into y: Tensor, control: RunControl) throws(Problem) {
            runs.withLock { $0 += 1 }
            if fails { throw Problem(.backendUnavailable, "it never works") }
            usleep(delay)
            try inner.run(chain, x: x, operands: operands, into: y, control: control)
        }
    }

    private final class MemoryStore: ChoiceStore {
        let document = Mutex<[UInt8]?>(nil)
        func load() -> [UInt8]? { document.withLock { $0 } }
        func save(_ document: [UInt8]) { self.document.withLock { $0 = document } }
    }

    private func device(_ body: (RunControl) throws -> Void) rethrows -> String {
        let box = Box()
        try body(RunControl(named: { box.name = $0 }))
        return box.name
    }

    private final class Box: Sendable {
        private let text = Mutex("")
        var name: String {
            get { text.withLock { $0 } }
            set { text.withLock { $0 = newValue } }
        }
    }

    @Test func `the fastest member gets the work, and is measured once`() throws {
        let members = [try Member("slow", delay: 4000), try Member("fast"), try Member("sick", fails: true)]
        let backend = MeasuredBackend(name: "cpu", members: members, fingerprint: "test", store: NoStore())
        let product = try Product(.f32, 20, 30, 40)
        let expected = try product.reference().buffer.bytes
        for round in 0..<3 {
            let slow = members[0].runs.withLock { $0 }
            var c: Tensor?
            #expect(try device { control in c = try product.run(on: backend, control: control) } == "cpu fast")
            #expect(c?.buffer.bytes == expected)
            if round > 0 { #expect(members[0].runs.withLock { $0 } == slow) }
        }
        #expect(try #require(backend.capability(for: product.gemm)?.operationsPerSecond) > 1e5)
    }

    private static let large = Result { try GEMM(m: 1024, n: 1024, k: 1024, arithmetic: .i32Exact) }

    /// The devices that did so many large works, without "cpu ".
    private func largeWorks(_ count: Int, on backend: MeasuredBackend) throws -> [String] {
        let gemm = try Self.large.get()
        let a = try Tensor(zeros: TensorDescriptor(name: "a", dtype: .i8, shape: gemm.shapeA))
        let b = try Tensor(zeros: TensorDescriptor(name: "b", dtype: .i8, shape: gemm.shapeB))
        let c = try Tensor(zeros: TensorDescriptor(name: "c", dtype: .i32, shape: gemm.shapeC))
        return try (0..<count).map { _ in String(try device { try backend.run(gemm, a: a, b: b, into: c, control: $0) }.dropFirst("cpu ".count)) }
    }

    @Test func `a member that is slow on large works makes way`() throws {
        let members = [try Member("promising", delayWhenLarge: 300_000), try Member("steady", delay: 20_000, delayWhenLarge: 20_000)]
        let backend = MeasuredBackend(name: "cpu", members: members, fingerprint: "test", store: NoStore())
        let used = try largeWorks(8, on: backend)
        #expect(used.first == "promising")
        // Where a trial tells them so far apart, one work has to show it.
        #expect(used.dropFirst() == Array(repeating: "steady", count: 7)[...])
    }

    @Test func `the first large works go around among those whose trials came near`() throws {
        let store = MemoryStore()
        func members() throws -> [Member] {
            // A trial is a quarter of the work, and the one that is best at large works is not its best.
            [
                try Member("quick", delay: 20_000, delayWhenLarge: 160_000), try Member("best", delay: 21_000, delayWhenLarge: 80_000),
                try Member("far", delay: 60_000, delayWhenLarge: 0),
            ]
        }
        let used = try largeWorks(8, on: MeasuredBackend(name: "cpu", members: try members(), fingerprint: "test", store: store))
        #expect(Set(used.prefix(2)) == ["quick", "best"])
        #expect(used.suffix(4) == ["best", "best", "best", "best"])
        // Who starts again knows it.
        #expect(try largeWorks(3, on: MeasuredBackend(name: "cpu", members: try members(), fingerprint: "test", store: store)) == ["best", "best", "best"])
    }

    @Test func `a choice's book holds to what large works say`() throws {
        var book = ChoiceBook.read(nil, fingerprint: SHA256.hash(utf8: ""), at: 0)
        let (work, names) = (WorkClass("gemm", .f32, sizes: [2048]), ["a", "b", "c"])
        func next(_ names: [String] = ["a", "b", "c"]) -> String? { book.next(work, of: names) }
        func learn(_ speed: Double, _ name: String) -> Bool { book.learn(speed, work, of: name, among: names) }
        func speed(_ name: String) -> Double? { book.speed(work, of: name) }

        #expect(next() == nil)
        book.note(["a": 100, "b": 95, "c": 50], work)
        #expect(next(names + ["d"]) == nil)
        // A first disturbed work isn't the end: it has a second.
        for (name, speed) in [("a", 70.0), ("b", 90), ("b", 85), ("a", 98)] {
            #expect(next() == name)
            #expect(learn(speed, name))
        }
        #expect(speed("a") == 98 && speed("b") == 90)
        for _ in 0..<3 {
            #expect(next() == "a")
            #expect(!learn(98, "a"))
        }
        // A disturbed one later hardly counts; many of them do, and the change is worth writing down.
        #expect(!learn(58, "a"))
        #expect(speed("a") == 93 && next() == "a")
        #expect(learn(61, "a"))
        #expect(speed("a") == 89)
        // Whoever made way starts anew: if it was a neighbour, the next works say so.
        #expect(next() == "a")
        #expect(learn(98, "a"))
        #expect(speed("a") == 98 && next() == "a")
        for _ in 0..<20 where next() == "a" { _ = learn(80, "a") }
        #expect(next() == "b" && speed("a") == 80)
        // A faster one counts for half.
        #expect(!learn(94, "b"))
        #expect(speed("b") == 92)
        book.note(["a": 0, "b": 0, "c": 0], work)
        #expect(next() == nil)
    }

    @Test func `choices are kept for the same machine only, and a torn document is remade`() throws {
        let store = MemoryStore()
        let product = try Product(.i8, 20, 30, 40)
        func runs(_ fingerprint: String, at now: Int64 = 1_000_000) throws -> Int {
            let members = [try Member("slow", delay: 3000), try Member("fast")]
            let backend = MeasuredBackend(name: "cpu", members: members, fingerprint: fingerprint, store: store, now: now)
            #expect(try device { control in _ = try product.run(on: backend, control: control) } == "cpu fast")
            return members[0].runs.withLock { $0 }
        }
        #expect(try runs("one") > 0)
        #expect(try runs("one") == 0)
        #expect(try runs("other") > 0)
        #expect(try runs("other") == 0)
        // For a week, and not from the future.
        #expect(try runs("other", at: 1_000_000 + ChoiceBook.lifetime) == 0)
        #expect(try runs("other", at: 1_000_001 + ChoiceBook.lifetime) > 0)
        #expect(try runs("other", at: 999_999) > 0)
        for damage in [Array("{}".utf8), Array("nonsense".utf8), [], Array(try #require(store.load()).dropLast(9))] {
            store.save(damage)
            #expect(try runs("other") > 0)
        }
        let text = String(decoding: try #require(store.load()), as: UTF8.self)
        store.save(Array(text.replacing("\"fast\":[", with: "\"fast\":[1").utf8))
        #expect(try runs("other") > 0)
    }

    @Test func `works without a trial are measured with themselves`() throws {
        let members = [try Member("slow", delay: 3000), try Member("sick", fails: true), try Member("fast")]
        let backend = MeasuredBackend(name: "cpu", members: members, fingerprint: "test", store: NoStore())
        let kernel = try ComputeKernel(params: ["operations": ["square", "sum"]], inputs: [try TensorDescriptor(name: "x", dtype: .f32, shape: [4000])])
        let x = try Tensor(zeros: kernel.inputs[0])
        Data.normal.fill(x, seed: 3)
        let expected = try kernel.reference([x])[0].buffer.bytes
        for _ in 0..<3 { #expect(try kernel.run([x], on: backend, control: .none, limit: 64)[0].buffer.bytes == expected) }
        #expect(try device { control in _ = try kernel.run([x], on: backend, control: control, limit: 64) } == "cpu fast")
    }

    @Test func `where every member fails the work fails, with the member's reason`() throws {
        let backend = MeasuredBackend(
            name: "cpu", members: [try Member("one", fails: true), try Member("two", fails: true)], fingerprint: "test", store: NoStore())
        let product = try Product(.f32, 5, 6, 7)
        #expect { try product.run(on: backend) } throws: { ($0 as? Problem)?.code == .backendUnavailable }
    }

    @Test func `a cancellation while measuring is one`() throws {
        let backend = MeasuredBackend(name: "cpu", members: [try Member("one"), try Member("two")], fingerprint: "test", store: NoStore())
        let product = try Product(.f32, 50, 60, 70)
        #expect { try product.run(on: backend, control: RunControl(isCanceled: { true })) } throws: { ($0 as? Problem)?.code == .canceled }
    }

    @Test func `trials are bounded, and of the work's class where they can be`() throws {
        for (m, n, k, batch) in [(1, 1, 1, nil), (4096, 4096, 4096, nil), (1, 1 << 20, 300, nil), (16, 16, 16, 10_000), (7, 0, 5, nil)]
            as [(Int, Int, Int, Int?)]
        {
            let gemm = try GEMM(m: m, n: n, k: k, batch: batch, arithmetic: .f32)
            let trial = try GEMMTrial.make(gemm)
            #expect((trial == nil) == (gemm.operations == 0))
            #expect(trial?.operations ?? 0 <= 8_000_000_000)
        }
        let one = WorkClass("gemm", .f32, sizes: [1, 1000, 1024, 1400], switches: [true])
        #expect(one == WorkClass("gemm", .f32, sizes: [1, 1024, 730, 1024], switches: [true]))
        #expect(one.text == "gemm f32 0 10 10 10 t")
    }

    @Test func `the machine's own backends chosen among give the definition's bits`() throws {
        var members: [any ComputeBackend] = []
        for some in [Backends.native.last as (any ComputeBackend)?, Backends.oneDNN.first, Backends.openBLAS.last] { if let some { members.append(some) } }
        let backend = MeasuredBackend(name: "cpu", members: members, fingerprint: "test", store: NoStore())
        for dtype in [DType.i8, .f32, .f64] {
            let product = try Product(dtype, 40, 50, 300, true, false)
            #expect(try product.run(on: backend).buffer.bytes == product.reference().buffer.bytes)
        }
    }
}
