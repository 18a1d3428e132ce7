import ChainClient
import Testing
import Wire

@Suite("Service URLs") struct BaseURLTests {
    @Test(
        "Good ones",
        arguments: [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://Example.com/", "example.com", "http://example.com"),
            ("https://a.b:443", "a.b", "https://a.b"), ("https://a.b:8443", "a.b:8443", "https://a.b:8443"),
            ("http://[::1]:8090", "[::1]:8090", "http://[::1]:8090"),
            ("http://[::1]", "[::1]", "http://[::1]"),
        ]) func good(text: String, authority: String, description: String) throws
    {
        let url = try BaseURL(text)
        #expect(url.authority == authority)
        #expect(url.description == description)
    }

    @Test(
        "Bad ones",
        arguments: [
            "", "ftp://a", "http://", "http://a:0", "http://a:65536", "http://a:x", "http://a/b", "http://user@a", "http://a?b", "http://a#b", "http://a b",
            "http://a:",
            "http://[::1", "file:///etc/passwd", "http://a\r\nb",
        ]) func bad(text: String)
    {
        let problem = #expect(throws: Problem.self) { try BaseURL(text) }
        #expect(problem?.code == .badRequest)
    }

    @Test("Loopback") func loopback() throws {
        #expect(try BaseURL("http://127.0.0.1:1").isLoopback)
        #expect(try BaseURL("http://localhost").isLoopback)
        #expect(try !BaseURL("http://127.evil.example").isLoopback)
        #expect(try !BaseURL("http://10.0.0.1").isLoopback)
    }
}
