/// A refusal or failure with a stable code: what every port, rule and route throws.
///
/// On HTTP it travels as `application/problem+json` (RFC 9457). The code is part of the protocol and never
/// changes meaning; the detail is for people and may.
package struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
    package let code: Code
    package let detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { "\(code.rawValue): \(detail)" }

    /// Code and detail alone: of one among many in an answer, or in a record.
    package var brief: JSON { ["code": .string(code.rawValue), "detail": .string(detail)] }

    /// The RFC 9457 document: `type`, `title`, `status`, `detail` and our `code`.
    package var json: JSON {
        [
            "type": .string("urn:adit:problem:" + code.rawValue),
            "title": .string(code.title),
            "status": .integer(Int64(code.status)),
            "detail": .string(detail),
            "code": .string(code.rawValue),
        ]
    }
}
