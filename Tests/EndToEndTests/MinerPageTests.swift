import ChainClient
import Foundation
import HTTPServing
import Kernels
import MinerNode
import Testing
import Wire

/// A real miner's page in a real browser.
@Suite("The miner's web page in a browser", .serialized) struct MinerPageTests {
    /// A right device with a name that would be markup, were it not text.
    private struct NamedBackend: ComputeBackend {
        let name = "plain"
        let device = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=2</script>"

        func capability(for gemm: GEMM) -> Capability? { PlainBackend().capability(for: gemm) }
        func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
            try PlainBackend().run(gemm, a: a, b: b, into: c, control: control)
        }
    }

    @Test("Shows a job's way to its payment, and pauses for who has the token", .enabled(if: Browser.program != nil, "there is no chromium here"))
    func page() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration(NamedBackend())
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let port = try #require(try await miner.localPort())
            let browser = try await Browser()
            try await browser.open("http://127.0.0.1:\(port)/")
            try await browser.until("document.querySelectorAll('#devices .device').length === 1")
            #expect(try await browser.evaluate("document.querySelector('#devices .model').textContent") == .string(NamedBackend().device))
            try await browser.until("document.querySelector('#receipts .empty')")

            _ = try await world.order(m: 40, k: 300)
            _ = try await miner.wait(.receiptConfirmed)
            try await browser.until("[...document.querySelectorAll('#receipts td')].some(x => x.textContent === 'paid')")
            #expect(try await browser.evaluate("document.querySelectorAll('#receipts .steps i').length") == 6)
            try await browser.until("document.querySelectorAll('#charts figure').length === 4")
            try await browser.evaluate("document.querySelector('[data-hours=\"1\"]').click()")
            try await browser.until("document.querySelector('[data-hours=\"1\"]').getAttribute('aria-pressed') === 'true'")
            try await browser.until("document.querySelectorAll('#charts svg').length >= 1")
            try await browser.until("document.querySelector('#live').textContent === 'live'")

            // A wrong token is refused and forgotten, the right one kept for this tab.
            #expect(browser.complaints == [])
            let token = try String(contentsOfFile: "\(configuration.dataDirectory)/token", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            try await press("pause", token: String(repeating: "0", count: 64), browser)
            try await browser.until("!document.querySelector('#notice').hidden")
            #expect(try await browser.evaluate("sessionStorage.length + localStorage.length") == 0)
            #expect(browser.complaints.count == 1 && browser.complaints[0].contains("401"), "the browser's own line about the refusal")
            try await press("pause", token: token, browser)
            try await browser.until("document.querySelector('#state').textContent.includes('paused')")
            #expect(try await browser.evaluate("document.querySelector('#meaning').textContent") == "Paused by hand")
            #expect(try await browser.evaluate("[...document.querySelectorAll('#controls button')].map(b => b.disabled)") == [true, false, false])
            try await browser.evaluate("document.querySelector('[data-do=resume]').click()")
            try await browser.until("!document.querySelector('#state').textContent.includes('paused')")
            #expect(try await browser.evaluate("localStorage.length") == 0)

            // As wide as a phone nothing sticks out, and all that can be pressed can be reached by key.
            _ = try await browser.call("Emulation.setDeviceMetricsOverride", ["width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false])
            #expect(try await browser.evaluate("document.documentElement.scrollWidth <= 360") == true)
            #expect(try await browser.evaluate("[...document.querySelectorAll('button, a, svg[role=img]')].every(x => x.tabIndex >= 0)") == true)
            #expect(try await browser.evaluate("window.hacked === undefined && document.images.length === 0") == true)
            #expect(browser.complaints.count == 1)
            await miner.stop()
        }
    }

    private func press(_ button: String, token: String, _ browser: Browser) async throws {
        try await browser.evaluate("document.querySelector('[data-do=\(button)]').click()")
        try await browser.until("document.querySelector('#ask').open")
        try await browser.evaluate("document.querySelector('#token').value = '\(token)'; document.querySelector('#ask-go').click()")
    }

    @Test("Is sent under a strict policy, to local names alone") func headers() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let local = try BaseURL("http://127.0.0.1:\(try #require(try await miner.localPort()))")
            for path in ["/", "/page.css", "/page.js", "/page.svg", "/view"] {
                let answer = try await world.http.send(HTTPRequest(.get, local, path: path)).checked()
                let policy = try #require(answer.head["content-security-policy"])
                #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"))
                #expect(answer.head["x-content-type-options"] == "nosniff" && answer.head["x-frame-options"] == "DENY")
            }
            for path in [
                "/history?hours=0", "/history?hours=x", "/history?hours=99999999999999999999", "/history/events?limit=501", "/history/events?before=-1",
            ] {
                let parts = path.split(separator: "?").map(String.init)
                #expect(try await world.http.send(HTTPRequest(.get, local, path: parts[0], query: "?" + parts[1])).status == 400, "\(path)")
            }
            await miner.stop()
        }
    }
}
