import Foundation
import Testing
import Wire

@testable import MinerNode

@Suite("The miner's web page, as text") struct WebPageTests {
    private static let script = WebCharts.script + WebScript.script

    @Test("Nothing comes from elsewhere, and no code or style stands in the document") func assets() {
        let html = WebDocument.html
        for text in [html, WebStyle.css, Self.script] {
            for word in ["http://", "https://", "//cdn", "@import", "url("] {
                let uses = text.components(separatedBy: word).dropFirst().filter { !$0.hasPrefix("www.w3.org/2000/svg") }
                #expect(uses.isEmpty, "\(word)")
            }
        }
        #expect(!html.contains("style=") && !html.contains("onclick") && html.components(separatedBy: "<script").count == 2)
    }

    @Test("Text from outside can become no markup: the script has none of the ways to do so") func escaping() {
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser", "localStorage"] {
            #expect(!Self.script.contains(way), "\(way)")
        }
    }

    @Test("Every element that the script asks for is in the document") func elements() {
        for match in Self.script.matches(of: /\$\("([a-z-]+)"\)/) { #expect(WebDocument.html.contains("id=\"\(match.1)\""), "\(match.1)") }
    }

    @Test("What both pages show is read from the status in one place") func mapping() throws {
        let status = try JSON.parse(
            """
            {"state":"ready","work":{"state":"idle","reason":{"code":"no_jobs","kind":"no_work","meaning":"m","remedy":"r"}},"tier":"trainer","chain_id":"ait-x",
            "backends":[{"name":"cpu","device":"cpu avx2","usable":true},{"name":"opencl:0","device":"X","usable":false,"reason":"it computed 3 wrong"}],
            "leases":[{"job_id":"job_1","kernel":"gemm","stage":"computing","progress":0.25,"times_ms":{"leased":5},"backend":"cpu"}],
            "placement":{"tier":"inference","claimed":"trainer","f32FlopsPerSecond":9,"reason":"tier_too_low","detail":"1 of 100 GFLOP/s shown"},
            "download":{"bytes_per_second":12300000.0,"bytes":40000000},
            "outbox":{"computed":1,"attested":2,"claiming":3,"paid":4,"rejected":5}}
            """, reals: true)
        let view = MinerView(status: status, past: nil, now: 1, version: "9")
        #expect(view.state == "idle" && view.reason?.code == "no_jobs" && view.reason?.remedy?.hasPrefix("nothing: work comes") == true)
        #expect(view.devices.map(\.isUsable) == [true, false] && view.devices[1].reason?.meaning == "it computed 3 wrong" && view.isTroubled)
        #expect(view.jobs == [MinerView.Job(id: "job_1", kernel: "gemm", stage: "computing", device: "cpu", progress: 0.25, leased: 5)])
        #expect(view.placement?.tier == "inference" && view.placement?.reason?.meaning == "1 of 100 GFLOP/s shown")
        #expect(view.json["placement"]?["reason"]?["code"] == "tier_too_low" && view.json["download"]?["bytes"]?.doubleValue == 40e6)
        #expect(view.receipts["rejected"] == 5 && view.json["receipts"]?["paid"] == 4)
        guard case .object(let members) = status else { return }
        let placed = members.setting("coordinator", to: "http://127.0.0.1:8090").setting("node", to: "http://127.0.0.1:7070")
        let remedy = MinerView(status: .object(placed), past: nil, now: 1, version: "9").reason?.remedy
        #expect(remedy?.hasSuffix("curl http://127.0.0.1:8090/network/state") == true, "a command that can be pasted")
        // Nonsense is not known, and ends nothing.
        for nonsense in ["{}", "[]", #"{"work":5,"backends":[1,{}],"placement":[],"download":{"bytes":"x"},"leases":[{}],"outbox":[]}"#] {
            let view = MinerView(status: try JSON.parse(nonsense), past: nil, now: .min, version: "")
            #expect(view.json["state"] == "")
        }
    }
}
