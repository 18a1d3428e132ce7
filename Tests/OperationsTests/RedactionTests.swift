import Operations
import Testing
import Wire

@Suite struct RedactionTests {
    private let redaction = Redaction(secrets: [Array("correct horse battery staple".utf8), Array("t0ken/+x".utf8), [0, 1, 2, 254, 255, 9], Array("abc".utf8)])

    @Test(arguments: [
        "x correct horse battery staple y", "636f727265637420686f727365206261747465727920737461706c65", "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==",
        "correct%20horse%20battery%20staple",
        "000102FEFF09 and 000102feff09", "AAEC/v8J", "t0ken/+x", "GET /?q=t0ken%2F%2Bx",
        "https://user:hunter2@example.org/x", "http://hunter2@10.0.0.1:8080", "https://example.org/a?token=hunter2", "https://example.org/a?x=1&sig=hunter2",
        "MY_PASSWORD=hunter2", "password: hunter2 with spaces hunter2", "{\"apiToken\":\"hunter2\",\"a\":1}", "{\"a\":{\"secret\" : \"say \\\"hunter2\\\"\"}}",
        "Authorization: Bearer hunter2", "curl -H 'Authorization: Basic hunter2'", "bearer hunter2", "--token hunter2", "--passphrase=hunter2",
        "level=info AWS_SECRET_ACCESS_KEY=hunter2", "a=1 b=2 client_secret=hunter2", "PASSPHRASE_FILE=hunter2", "PASSPHRASE_FILE=/tmp/a hunter2",
        "seed 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "key=9D61B19DEFFD5A60BA844AF492EC2CC4",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        "abandon ability able about above absent absorb abstract absurd abuse access accident",
        "abandon ability able\n                    about above", "1. abandon 2. ability 3. able 4. about 5. above", "Abandon, ability, able, about, above, zzz",
        "word list: legal winner thank year wave sausage worth useful legal winner thank yellow",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----\nhunter2",
    ])
    func secretsGo(text: String) {
        let cleaned = redaction.clean(text)
        #expect(cleaned.contains("[removed]"))
        for part in [
            "hunter2", "correct horse", "t0ken", "9d61b19d", "9D61B19D", "636f72", "Y29ycm", "AAEC", "000102", "16C7e4", "eyJhbG", "abandon", "legal winner",
        ] {
            #expect(!cleaned.contains(part), "\(cleaned)")
        }
    }

    @Test(arguments: [
        "ait1mqvhgkvzkaj45qjmfm8c9cnxf7wa0ax3kajaun", "PASSPHRASE_FILE=/etc/adit/passphrase",
        "./data/miner.key can be read by others; run: chmod 600 ./data/miner.key",
        "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0 can't be opened", "http://127.0.0.1:8090",
        "{\"state\":\"broken\",\"found\":\"the disk is full\"}",
        "Linux 6.1.0-18-amd64 #1 SMP PREEMPT_DYNAMIC Debian", "2026-11-27T23:00:00Z level=info event=registered tier=aggregator", "abc", "",
        "MINER_THREADS=4", "every device is quarantined or left out, and the miner waits",
    ])
    func theRestStays(text: String) { #expect(redaction.clean(text) == text) }

    @Test func findingsFitATerminal() {
        let long = String(repeating: "a dozen words of which each says something ", count: 6)
        let finding = Finding.broken(.keys, long, wanted: "mode 600", why: long, remedy: "chmod 600 " + String(repeating: "x", count: 100))
        #expect(finding.lines.dropLast().allSatisfy { $0.count <= 80 } && finding.lines.last?.hasSuffix("xxx") == true)
        #expect(finding.lines[0].hasPrefix("BROKEN  keys        a dozen"))
        #expect(finding.json["state"] == "broken" && finding.json["remedy"]?.stringValue?.hasPrefix("chmod") == true)
        #expect(Finding.well(.disk, "8 GiB free").lines == ["ok      disk        8 GiB free"])
    }
}
