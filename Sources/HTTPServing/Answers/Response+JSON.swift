import HTTPTypes
package import Hummingbird
import NIOCore
package import Wire

extension Response {
    /// A JSON answer in canonical form.
    package static func json(_ json: JSON, status: HTTPResponse.Status = .ok) -> Response {
        bytes(json.canonicalBytes, type: "application/json", status: status)
    }

    /// A text answer; `type` with its charset where it needs one.
    package static func text(_ text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok) -> Response {
        bytes(Array(text.utf8), type: type, status: status)
    }

    /// The RFC 9457 document of a refusal, with the request's id as `request_id`.
    package static func problem(_ problem: Problem, requestID: String) -> Response {
        let members = problem.json.objectValue?.setting("request_id", to: .string(requestID))
        let document = members.map(JSON.object) ?? problem.json
        return bytes(document.canonicalBytes, type: "application/problem+json", status: HTTPResponse.Status(code: problem.code.status))
    }

    private static func bytes(_ bytes: [UInt8], type: String, status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: type, .contentLength: String(bytes.count), .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
