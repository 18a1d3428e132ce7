/// The one form of zeros and NaNs in reproducible outputs, for backends whose library leaves them as they come: −0 becomes +0 (their
/// sum is +0), every NaN the one without sign and payload.
package enum CanonicalCells {
    /// Rewrites F32 cells in place, sixteen at a time.
    package static func write(_ cells: UnsafeMutableBufferPointer<Float>) {
        let whole = cells.count & ~15
        for start in stride(from: 0, to: whole, by: 16) {
            guard let place = unsafe cells.baseAddress.map({ unsafe UnsafeMutableRawPointer($0 + start) }) else { return }
            var some = unsafe place.loadUnaligned(as: SIMD16<Float>.self)
            some = (some + 0).replacing(with: Float.nan, where: some .!= some)
            unsafe place.storeBytes(of: some, as: SIMD16<Float>.self)
        }
        for index in whole..<cells.count { unsafe cells[index] = value(cells[index]) }
    }

    /// Rewrites F64 cells in place, eight at a time.
    package static func write(_ cells: UnsafeMutableBufferPointer<Double>) {
        let whole = cells.count & ~7
        for start in stride(from: 0, to: whole, by: 8) {
            guard let place = unsafe cells.baseAddress.map({ unsafe UnsafeMutableRawPointer($0 + start) }) else { return }
            var some = unsafe place.loadUnaligned(as: SIMD8<Double>.self)
            some = (some + 0).replacing(with: Double.nan, where: some .!= some)
            unsafe place.storeBytes(of: some, as: SIMD8<Double>.self)
        }
        for index in whole..<cells.count { unsafe cells[index] = value(cells[index]) }
    }

    package static func value<T: BinaryFloatingPoint>(_ value: T) -> T { value.isNaN ? T.nan : value + 0 }
}
