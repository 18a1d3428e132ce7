package import Wire

/// A descriptor and the bytes that belong to it.
package struct Tensor: Sendable {
    package let descriptor: TensorDescriptor
    package let buffer: TensorBuffer

    /// - Throws: `shape_mismatch` if the buffer's size is not the descriptor's; `bad_tensor_file` if its memory
    ///   is not aligned to the element's size (adopted memory only).
    package init(_ descriptor: TensorDescriptor, _ buffer: TensorBuffer) throws(Problem) {
        guard buffer.byteCount == descriptor.byteCount else {
            throw Problem(.shapeMismatch, "tensor \(descriptor.name) has \(buffer.byteCount) bytes, its shape needs \(descriptor.byteCount)")
        }
        guard buffer.isAligned(to: descriptor.dtype.byteCount) else {
            throw Problem(.badTensorFile, "tensor \(descriptor.name) is not aligned to its elements")
        }
        self.descriptor = descriptor
        self.buffer = buffer
    }

    /// A zeroed tensor. Throws `memory_limit` if it is larger than `limit` bytes.
    package init(zeros descriptor: TensorDescriptor, limit: Int = TensorBuffer.defaultLimit) throws(Problem) {
        try self.init(descriptor, try TensorBuffer(byteCount: descriptor.byteCount, limit: limit))
    }

    package var name: String { descriptor.name }
    package var dtype: DType { descriptor.dtype }
    package var shape: [Int] { descriptor.shape }

    /// The root that addresses these bytes on the wire (PROTOCOL section 1).
    package var root: Digest { unsafe buffer.withUnsafeBytes { raw in unsafe TensorRoot.root(of: raw) } }

    /// The elements in row-major order, for reading. `Element` has the size of the tensor's dtype.
    package func withElements<Element: BitwiseCopyable, R, E: Error>(
        as type: Element.Type, _ body: (Span<Element>) throws(E) -> R
    ) throws(E) -> R {
        precondition(MemoryLayout<Element>.size == dtype.byteCount, "elements are read in their own size")
        return try unsafe buffer.withUnsafeBytes { raw throws(E) in try unsafe body(raw.bindMemory(to: type).span) }
    }

    /// The elements in row-major order, for the one writer.
    package func withMutableElements<Element: BitwiseCopyable, R, E: Error>(
        as type: Element.Type, _ body: (inout MutableSpan<Element>) throws(E) -> R
    ) throws(E) -> R {
        precondition(MemoryLayout<Element>.size == dtype.byteCount, "elements are written in their own size")
        return try unsafe buffer.withUnsafeMutableBytes { raw throws(E) in
            var span = unsafe raw.bindMemory(to: type).mutableSpan
            return try body(&span)
        }
    }
}

/// op(M) of a stored matrix M, or of each of several that lie one after the other: a transpose is an index map, nothing is copied.
package struct MatrixView: Sendable {
    package let tensor: Tensor
    /// Rows and columns of op(M), as the mathematics sees it.
    package let rows: Int
    package let columns: Int
    /// Whether op(M) is Mᵀ: M is then stored as `columns` × `rows`, row-major and packed.
    package let isTransposed: Bool
    /// Where M starts in the tensor, in elements: 0 unless it is one of a batch.
    package let offset: Int
    /// How many matrices there are: 1 unless it is a batch as a whole. `rows` and `columns` are one's.
    package let count: Int

    /// - Throws: `shape_mismatch` unless the tensor has rank 2.
    package init(_ tensor: Tensor, transposed: Bool = false) throws(Problem) {
        guard tensor.shape.count == 2 else { throw Problem(.shapeMismatch, "tensor \(tensor.name) is not a matrix") }
        self.init(tensor: tensor, rows: tensor.shape[transposed ? 1 : 0], columns: tensor.shape[transposed ? 0 : 1], isTransposed: transposed, offset: 0)
    }

    /// Matrix `index` of a batch.
    ///
    /// - Throws: `shape_mismatch` unless the tensor has rank 3; `out_of_range` unless there are more than `index` matrices in it.
    package init(_ tensor: Tensor, transposed: Bool = false, batch index: Int) throws(Problem) {
        guard tensor.shape.count == 3 else { throw Problem(.shapeMismatch, "tensor \(tensor.name) is not a batch of matrices") }
        guard (0..<tensor.shape[0]).contains(index) else { throw Problem(.outOfRange, "tensor \(tensor.name) has no matrix \(index)") }
        let (rows, columns) = (tensor.shape[transposed ? 2 : 1], tensor.shape[transposed ? 1 : 2])
        // No overflow: the whole tensor's size fits.
        self.init(tensor: tensor, rows: rows, columns: columns, isTransposed: transposed, offset: index * rows * columns)
    }

    /// All matrices of a batch; a tensor of rank 2 is a batch of one.
    ///
    /// - Throws: `shape_mismatch` unless the tensor has rank 2 or 3.
    package init(batch tensor: Tensor, transposed: Bool = false) throws(Problem) {
        let rank = tensor.shape.count
        guard rank == 2 || rank == 3 else { throw Problem(.shapeMismatch, "tensor \(tensor.name) is no matrix and no batch of matrices") }
        let (stored, across) = (tensor.shape[rank - 2], tensor.shape[rank - 1])
        self.init(
            tensor: tensor, rows: transposed ? across : stored, columns: transposed ? stored : across, isTransposed: transposed, offset: 0,
            count: rank == 3 ? tensor.shape[0] : 1)
    }

    private init(tensor: Tensor, rows: Int, columns: Int, isTransposed: Bool, offset: Int, count: Int = 1) {
        (self.tensor, self.rows, self.columns, self.isTransposed, self.offset) = (tensor, rows, columns, isTransposed, offset)
        self.count = count
    }

    /// Matrix `index` of the batch alone. The index is the caller's to check.
    package func matrix(_ index: Int) -> MatrixView {
        MatrixView(tensor: tensor, rows: rows, columns: columns, isTransposed: isTransposed, offset: offset &+ index &* rows &* columns)
    }

    package var dtype: DType { tensor.dtype }

    /// Elements between two stored rows of M.
    package var leadingDimension: Int { isTransposed ? rows : columns }

    /// Where op(M)[row, column] is stored in the tensor, in elements.
    package func index(_ row: Int, _ column: Int) -> Int { offset &+ (isTransposed ? column &* rows &+ row : row &* columns &+ column) }

    /// The same memory read as op(M)ᵀ.
    package var transposed: MatrixView { MatrixView(tensor: tensor, rows: columns, columns: rows, isTransposed: !isTransposed, offset: offset, count: count) }
}
