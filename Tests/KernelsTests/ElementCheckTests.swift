import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite struct ElementCheckTests {
    private func bytes<Element: BitwiseCopyable>(_ values: [Element]) -> [UInt8] { unsafe values.withUnsafeBytes { unsafe Array($0) } }

    private func gemm(_ k: Int, _ arithmetic: Arithmetic) throws -> GEMM { try GEMM(m: 1, n: 1, k: k, arithmetic: arithmetic) }

    @Test func exactElementsAreRightOrWrongToTheBit() throws {
        let (row, column): ([Int8], [Int8]) = ([-128, 127, 3], [-128, -1, 7])
        let sum = Int32(16_384 - 127 + 21)
        #expect(try ElementCheck.verdict(gemm(3, .i32Exact), row: bytes(row), column: bytes(column), element: bytes([sum])) == .right)
        let wrong = try ElementCheck.verdict(gemm(3, .i32Exact), row: bytes(row), column: bytes(column), element: bytes([sum + 1]))
        #expect(wrong == .wrong(expected: "00003f96", found: "00003f97"))
        #expect(try ElementCheck.verdict(gemm(0, .i32Exact), row: [], column: [], element: bytes([Int32(0)])) == .right)
        #expect(throws: Problem.self) { try ElementCheck.verdict(gemm(4, .i32Exact), row: bytes(row), column: bytes(column), element: bytes([sum])) }
    }

    @Test func reproducibleElementsKeepTheRule() throws {
        var random = TestRandom(7)
        let row = (0..<600).map { _ in Float(random.normal()) }
        let column = (0..<600).map { _ in Float(random.normal()) }
        let sum: Float = Panel256.sum(count: 600) { $0.addProduct(row[$1], column[$1]) }
        let plain = zip(row, column).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        #expect(plain != sum)
        #expect(try ElementCheck.verdict(gemm(600, .f32Panel256), row: bytes(row), column: bytes(column), element: bytes([sum])) == .right)
        #expect(try ElementCheck.verdict(gemm(600, .f32Panel256), row: bytes(row), column: bytes(column), element: bytes([plain])) != .right)
        // What any order may give is right in free arithmetic; what none can give is not.
        #expect(try ElementCheck.verdict(gemm(600, .f32), row: bytes(row), column: bytes(column), element: bytes([plain])) == .right)
        let magnitude = zip(row, column).reduce(Float(0)) { $0 + ($1.0 * $1.1).magnitude }
        let off = sum + 2.5 * 600 * 0x1p-24 * magnitude
        #expect(try ElementCheck.verdict(gemm(600, .f32), row: bytes(row), column: bytes(column), element: bytes([off])) != .right)
        #expect(try ElementCheck.verdict(gemm(600, .f32), row: bytes(row), column: bytes(column), element: bytes([Float.nan])) != .right)
    }

    /// No honest order is ever outside the bound: ascending, descending, pairwise, in lanes, with and without fused operations.
    @Test(arguments: [Arithmetic.f32, .f64, .bf16F32]) func noOrderIsWrong(_ arithmetic: Arithmetic) throws {
        var random = TestRandom(11)
        for k in [1, 2, 17, 300] {
            for scale in [1.0, 0x1p-70, 0x1p40] {
                let values = (0..<2 * k).map { _ in random.normal() * scale * (random.normal() > 1.5 ? 1000 : 1) }
                if arithmetic == .f64 {
                    let (row, column) = (Array(values[..<k]), Array(values[k...]))
                    for sum in orders(row, column) {
                        #expect(try ElementCheck.verdict(gemm(k, arithmetic), row: bytes(row), column: bytes(column), element: bytes([sum])) == .right)
                    }
                } else {
                    let halves = values.map { UInt16(truncatingIfNeeded: Float($0).bitPattern >> 16) }
                    let floats = values.enumerated().map { arithmetic == .bf16F32 ? Float(bitPattern: UInt32(halves[$0.offset]) << 16) : Float($0.element) }
                    let (row, column) = (Array(floats[..<k]), Array(floats[k...]))
                    let raw = arithmetic == .bf16F32 ? (bytes(Array(halves[..<k])), bytes(Array(halves[k...]))) : (bytes(row), bytes(column))
                    for sum in orders(row, column) {
                        #expect(try ElementCheck.verdict(gemm(k, arithmetic), row: raw.0, column: raw.1, element: bytes([sum])) == .right)
                    }
                }
            }
        }
    }

    private func orders<T: BinaryFloatingPoint>(_ row: [T], _ column: [T]) -> [T] {
        let products = zip(row, column).map { $0 * $1 }
        let fused = zip(row, column).reduce(T(0)) { $0.addingProduct($1.0, $1.1) }
        var lanes = [T](repeating: 0, count: 16)
        for (index, product) in products.enumerated() { lanes[index % 16] += product }
        func pairwise(_ terms: ArraySlice<T>) -> T {
            guard terms.count > 1 else { return terms.first ?? 0 }
            let middle = terms.startIndex + terms.count / 2
            return pairwise(terms[..<middle]) + pairwise(terms[middle...])
        }
        return [products.reduce(0, +), products.reversed().reduce(0, +), fused, lanes.reduce(0, +), pairwise(products[...])]
    }

    @Test func nothingIsSaidWhereSumsCanOverflow() throws {
        let (row, column): ([Float], [Float]) = ([3e38, -3e38], [3e38, 3e38])
        #expect(try ElementCheck.verdict(gemm(2, .f32), row: bytes(row), column: bytes(column), element: bytes([Float.nan])) == .right)
    }
}
