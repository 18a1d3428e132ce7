/// The number formats of a tensor's elements, spelled as safetensors and PROTOCOL section 9 spell them.
///
/// Elements are little-endian in memory, in files and on the wire.
package enum DType: String, CaseIterable, Sendable, Hashable {
    case f64 = "F64"
    case f32 = "F32"
    case bf16 = "BF16"
    case i8 = "I8"
    case i32 = "I32"
    case i64 = "I64"

    /// Bytes of one element: 1, 2, 4 or 8.
    package var byteCount: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .bf16: 2
        case .i8: 1
        }
    }
}
