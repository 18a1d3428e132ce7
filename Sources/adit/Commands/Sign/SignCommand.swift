import ArgumentParser
import ChainClient
import Foundation
import Signing
import Wire

/// The headers that make a request to a coordinator a signed one, so that curl and scripts can use the whole API.
struct SignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Print the headers that sign one HTTP request, for curl.",
        discussion: """
            The signature holds for a minute and for one request. curl reads the headers from standard input:
              adit sign GET URL --devnet data/devnet | curl -H @- URL
              adit sign POST URL --body task.json --devnet data/devnet | curl -H @- --data-binary @task.json URL
            The body of PUT /blobs/{root} is bound by its path: sign it without --body.
            """)

    @Argument(help: "The method: GET, POST, PUT, DELETE or HEAD.") var method: String
    @Argument(help: "The whole URL, as curl will be given it.") var url: String
    @Option(help: "The file that will be the request's body.") var body: String?
    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard ["GET", "POST", "PUT", "DELETE", "HEAD"].contains(method) else {
            throw ValidationError("\"\(method)\" is not GET, POST, PUT, DELETE or HEAD, in capitals.")
        }
    }

    func run() async throws {
        let target = try SignedTarget(url)
        let bytes = try body.map { (path) throws(Problem) in try Files.read(path, limit: InspectCommand.limit) }
        let request = SignedRequest(method: method, authority: target.base.authority, path: target.path, query: target.query)
        let headers = HTTPSignature.headers(
            for: request, body: bytes.map { .bytes($0) } ?? .none, key: try client.payer(), now: Int64(Date().timeIntervalSince1970),
            nonce: SecureRandom.hex(bytes: 16))
        for header in headers { Terminal.say("\(header.name): \(header.value)") }
        if bytes != nil { Terminal.say("Content-Type: application/json") }
    }
}

/// A request's URL, taken apart as its signature covers it.
struct SignedTarget {
    let base: BaseURL
    let path: String
    /// Without its "?".
    let query: String

    /// Throws `bad_request` for what a server would not read as the same path: a fragment, a space, a control character.
    init(_ text: String) throws(Problem) {
        guard text.utf8.count <= 8192, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.contains("#"), let scheme = text.range(of: "://") else {
            throw Problem(.badRequest, "not a URL to sign: it needs http:// or https:// and visible ASCII without \"#\"; encode the rest with %")
        }
        let end = text[scheme.upperBound...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
        base = try BaseURL(String(text[..<end]))
        let rest = text[end...]
        let mark = rest.firstIndex(of: "?") ?? rest.endIndex
        path = mark == rest.startIndex ? "/" : String(rest[..<mark])
        query = String(rest[mark...].dropFirst())
    }
}
