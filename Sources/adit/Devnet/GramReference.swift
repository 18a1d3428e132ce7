import Kernels
import NativeBackend
import Profiler
import Wire

/// What the demonstration's results are compared with: computed apart from every backend that a miner uses.
enum GramReference {
    /// X·Xᵀ of an I8 matrix, by integer loops in Swift.
    static func int8(_ file: TensorFile) async throws(Problem) -> Tensor {
        let x = file.tensor
        return try await OwnThread.run("adit-reference") { () throws(Problem) in try int8(x) }
    }

    private static func int8(_ x: Tensor) throws(Problem) -> Tensor {
        let (rows, columns) = (x.shape[0], x.shape[1])
        let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: .i32, shape: [rows, rows]))
        x.withElements(as: Int8.self) { x in
            c.withMutableElements(as: Int32.self) { c in
                for i in 0..<rows {
                    for j in 0...i {
                        var sum: Int32 = 0
                        for l in 0..<columns { sum &+= Int32(x[i * columns + l]) &* Int32(x[j * columns + l]) }
                        c[i * rows + j] = sum
                        c[j * rows + i] = sum
                    }
                }
            }
        }
        return c
    }

    /// X·Xᵀ of an F32 matrix by the panel-256 definition: plain C loops that share no code with the kernels.
    static func float32(_ file: TensorFile) async throws(Problem) -> Tensor {
        let x = file.tensor
        return try await OwnThread.run("adit-reference") { () throws(Problem) in try IndependentReference.gram(x) }
    }
}
