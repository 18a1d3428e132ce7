package import Kernels
package import Wire

extension Tensor {
    /// The most elements that are shown as numbers.
    package static let maxShown = 256

    /// The elements as JSON numbers, nested as the shape is; a scalar as one number. Unsigned answers only: reals are JSON numbers
    /// here, and what is no number is `"NaN"`, `"Infinity"` or `"-Infinity"`. `nil` for more than `maxShown` elements.
    package var shown: JSON? {
        guard descriptor.elementCount <= Self.maxShown else { return nil }
        let flat: [JSON]
        switch dtype {
        case .f64: flat = elements(Double.self) { Self.number($0) }
        case .f32: flat = elements(Float.self) { Self.number(Double($0)) }
        case .bf16: flat = elements(UInt16.self) { Self.number(Double(Float(bitPattern: UInt32($0) << 16))) }
        case .i8: flat = elements(Int8.self) { Self.number(Int64($0)) }
        case .i32: flat = elements(Int32.self) { Self.number(Int64($0)) }
        case .i64: flat = elements(Int64.self) { Self.number($0) }
        }
        var rest = flat[...]
        return Self.nest(&rest, shape[...])
    }

    private func elements<Element: BitwiseCopyable>(_ type: Element.Type, _ number: (Element) -> JSON) -> [JSON] {
        withElements(as: type) { span in span.indices.map { number(span[$0]) } }
    }

    private static func nest(_ flat: inout ArraySlice<JSON>, _ shape: ArraySlice<Int>) -> JSON {
        guard let count = shape.first else { return flat.popFirst() ?? .null }
        var items: [JSON] = []
        for _ in 0..<min(count, maxShown) { items.append(nest(&flat, shape.dropFirst())) }
        return .array(items)
    }

    private static func number(_ value: Double) -> JSON {
        if value.isNaN { return "NaN" }
        guard value.isFinite else { return .string(value < 0 ? "-Infinity" : "Infinity") }
        // Where both can say it, 55 and not 55.0: the document is the same.
        return value >= 0 && value.rounded() == value && value <= Double(JSON.maxInteger) ? .integer(Int64(value)) : .real(value)
    }

    private static func number(_ value: Int64) -> JSON {
        if (0...JSON.maxInteger).contains(value) { return .integer(value) }
        return value < 0 && value >= -JSON.maxInteger ? .real(Double(value)) : .string(String(value))
    }
}
