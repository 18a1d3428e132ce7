import ChainClient
import Jobs
import Kernels
import Wire

/// A tensor that a job is about, and where its bytes come from when they are sent.
protocol JobInput: Sendable {
    var tensor: Tensor { get }
    /// Where the bytes lie: two inputs of one place are hashed once.
    var place: String { get }
    /// The file that holds them; nil where there is none.
    var file: String? { get }
    /// The bytes as a body to send.
    func upload() throws(Problem) -> any UploadSource
}

/// Numbers that were typed.
struct TypedInput: JobInput {
    let tensor: Tensor
    let place: String
    let file: String? = nil

    /// - Parameters:
    ///   - text: numbers with commas between them, such as `1,2.5,-3`: 1 to 4,096.
    ///   - name: what the tensor is called in the job.
    /// - Throws: `out_of_range`, `wrong_type` for what is no finite number.
    init(_ text: String, as name: String) throws(Problem) {
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        guard words.count <= InlineTask.maxElements else {
            throw Problem(.outOfRange, "\(words.count) numbers; up to \(InlineTask.maxElements) can be typed, more are read from a file")
        }
        var bytes: [UInt8] = []
        for word in words {
            let digits = word.drop { $0 == " " }
            guard let number = Double(digits), number.isFinite else {
                throw Problem(.wrongType, "\"\(word.prefix(32))\" is no number; they are written like 1,2.5,-3")
            }
            for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> shift)) }
        }
        tensor = try Tensor(TensorDescriptor(name: name, dtype: .f64, shape: [words.count]), TensorBuffer(bytes))
        place = "typed \(text)"
    }

    func upload() throws(Problem) -> any UploadSource { BytesSource(tensor.buffer.bytes) }
}
