import ChainClient
import Foundation
import Jobs
import Kernels
import Profiler
import Signing
import Wire

/// The two jobs that a devnet shows, from a client's tensors to a paid receipt, each compared with a reference that was
/// computed apart from the product's own GEMM.
struct Demonstration {
    let client: JobClient
    let digits: Digits
    /// Where the client keeps its tensors.
    let folder: String
    /// Whose balances are shown, in order.
    let accounts: [(name: String, address: Address)]

    /// Throws the reason if a job isn't paid or a result isn't the reference's.
    func run() async throws(Problem) {
        let before = try await balances()
        try await pixels()
        try await features()
        Terminal.say("")
        Terminal.say("balances   before → after")
        for (entry, change) in zip(accounts, zip(before, try await balances())) {
            let difference = change.1 - change.0
            let sign = difference > 0 ? "+" : ""
            Terminal.say("  \(pad(entry.name, 12)) \(Figures.ait(change.0)) → \(Figures.ait(change.1))  (\(sign)\(Figures.ait(difference)))")
        }
    }

    /// X·Xᵀ of all digits in I8, exact.
    private func pixels() async throws(Problem) {
        let count = digits.count
        Terminal.say("")
        Terminal.say("Job 1 of 2: how alike are \(Figures.grouped(Int64(count))) handwritten digits? X·Xᵀ, X \(count)×\(Digits.pixels) in I8, exact")
        let pixels = digits.pixelsI8
        let input = try write("digits-i8", .i8, [count, Digits.pixels]) { tensor in
            tensor.withMutableElements(as: Int8.self) { elements in
                for index in pixels.indices { elements[index] = pixels[index] }
            }
        }
        let output = try await job(input)
        let expected = try await GramReference.int8(input)
        try compare(output, expected, "integer loops")
    }

    /// X·Xᵀ of random cosine features in F32, reproducible.
    private func features() async throws(Problem) {
        let (rows, columns) = (digits.trainCount, Digits.features)
        Terminal.say("")
        Terminal.say(
            "Job 2 of 2: a Gaussian kernel of \(Figures.grouped(Int64(rows))) digits by random features: X·Xᵀ, X \(rows)×\(columns) in F32, reproducible")
        let features = try await OwnThread.run("adit-features") { [digits] in digits.cosineFeatures() }
        let input = try write("digits-features", .f32, [rows, columns]) { tensor in
            tensor.withMutableElements(as: Float.self) { elements in
                for index in features.indices { elements[index] = features[index] }
            }
        }
        let output = try await job(input)
        let expected = try await GramReference.float32(input)
        try compare(output, expected, "plain loops with one fused multiply-add a term, in the promised order")
    }

    /// One job, told step by step. Returns the output file's tensor.
    private func job(_ input: TensorFile) async throws(Problem) -> Tensor {
        let other = try TensorFile(TensorArgument(input.path), as: "b")
        let job = try await OwnThread.run("adit-hash") { () throws(Problem) in
            try PreparedJob(kernel: "gemm", params: ["transpose_b": true], inputs: [input, other], requirements: .none)
        }
        let path = input.path.replacing(".safetensors", with: "-gram.safetensors")
        try await PaidJob(client: client, say: { Terminal.say("  " + $0) }).run(job, to: path)
        return try TensorFile(TensorArgument(path), as: "c").tensor
    }

    /// Throws `output_mismatch` unless the bytes are equal.
    private func compare(_ output: Tensor, _ expected: Tensor, _ how: String) throws(Problem) {
        let equal = output.shape == expected.shape && output.dtype == expected.dtype && output.root == expected.root
        guard equal else { throw Problem(.outputMismatch, "the job's output differs from the reference computed by \(how)") }
        let cells = Figures.grouped(Int64(output.descriptor.elementCount))
        Terminal.say("  reference  all \(cells) cells have the same bits as a reference computed apart, by \(how)")
    }

    private func write(_ name: String, _ dtype: DType, _ shape: [Int], fill: (Tensor) -> Void) throws(Problem) -> TensorFile {
        let descriptor = try TensorDescriptor(name: "x", dtype: dtype, shape: shape)
        let tensor = try Tensor(zeros: descriptor)
        fill(tensor)
        let path = folder + "/\(name).safetensors"
        let header = try SafetensorsWriter([descriptor]).header
        try Files.write(header + tensor.buffer.bytes, to: path)
        return try TensorFile(TensorArgument(path), as: "a")
    }

    private func balances() async throws(Problem) -> [Int64] {
        var balances: [Int64] = []
        for account in accounts { balances.append(try await client.wallet.node.getBalance(account.address).balance) }
        return balances
    }

    private func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
}
