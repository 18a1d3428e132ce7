import Testing
import Wire

@testable import Kernels

@Suite("The length of a library's calls") struct CallLengthTests {
    @Test("A fifth of a second by the speed of the last long call, each arithmetic for itself") func speeds() {
        let length = CallLength()
        let cautious = length.operations(.f32)
        #expect((4e9...8e9).contains(cautious))
        // Too short to say anything.
        length.time(.f32, operations: 1e6) {}
        #expect(length.operations(.f32) == cautious)
        // 10^12 operations in no time, and 2·10^9 in a tenth of a second or, on a busy machine, more.
        length.time(.f32, operations: 1e12) {}
        #expect(length.operations(.f32) > 1e14 && length.operations(.f32) <= 1e15)
        #expect(length.operations(.f64) == cautious)
        let begin = ContinuousClock.now
        length.time(.f32, operations: 2e9) { while .now - begin < .milliseconds(100) {} }
        let operations = length.operations(.f32)
        #expect((1e9 / 2...4e9).contains(operations))
        // Plans are made for shapes: few different ones.
        #expect(operations.significand == 1)
    }

    @Test("A call's failure is the caller's, and no speed") func failure() {
        let length = CallLength()
        let before = length.operations(.bf16F32)
        #expect { try length.time(.bf16F32, operations: 1e12) { () throws(Problem) in throw Problem(.canceled, "stopped") } } throws: {
            ($0 as? Problem)?.code == .canceled
        }
        #expect(length.operations(.bf16F32) == before)
    }
}
