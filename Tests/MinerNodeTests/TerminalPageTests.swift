import Foundation
import MinerNode
import Testing
import Wire

@Suite("The miner's page in a terminal") struct TerminalPageTests {
    /// 2026-05-29 12:00:00 UTC.
    private static let now: Int64 = 1_780_056_000_000

    private static var busy: MinerView {
        var view = MinerView(now: now, version: "0.1.0", state: "computing")
        (view.tier, view.chain) = ("trainer", "ait-devnet")
        var cpu = MinerView.Device(name: "cpu", model: "cpu avx512")
        (cpu.rate, cpu.busy, cpu.temperature, cpu.power, cpu.duty) = (169.9e9, 0.93, 61.4, 45, 1)
        cpu.trend = (0..<60).map { Double($0) }
        var gpu = MinerView.Device(name: "opencl:0", model: "NVIDIA")
        (gpu.rate, gpu.busy, gpu.temperature, gpu.power, gpu.duty) = (12.34e12, 0.99, 72, 310, 0.8)
        gpu.reason = MinerView.Reason(code: "temperature", meaning: "slowed down to keep the temperature under its target", remedy: "nothing")
        var bad = MinerView.Device(name: "opencl:1", model: "NVIDIA", isUsable: false)
        bad.reason = MinerView.Reason(code: "wrong_answer", meaning: "the device computed a known answer wrong")
        view.devices = [cpu, gpu, bad]
        view.jobs = [
            MinerView.Job(id: "job_1111", kernel: "conv2d", stage: "fetching", progress: 0),
            MinerView.Job(id: "job_a8958e4b", kernel: "gemm", stage: "computing", device: "opencl:0", progress: 0.635),
        ]
        (view.hour.jobs, view.hour.paid, view.hour.earned) = (120, 118, 130_800)
        (view.day.jobs, view.day.failed, view.day.paid, view.day.earned) = (2_931, 1, 2_900, 3_201_000_000)
        view.receipts = ["computed": 1, "attested": 0, "claiming": 3, "paid": 2_900, "rejected": 1]
        view.lastEvent = MinerView.Event(
            atMilliseconds: now - 95_000, name: "service_unreachable",
            reason: MinerView.Reason(
                code: "coordinator_unreachable", meaning: "the coordinator does not answer", remedy: "is COORDINATOR_URL right, and is it up? adit doctor"))
        return view
    }

    private static func text(_ page: TerminalPage, _ view: MinerView) -> [String] {
        page.lines(view).map { line in
            var text = line.text
            while text.hasSuffix(" ") { text.removeLast() }
            return text
        }
    }

    @Test("80 × 24, at work") func golden() {
        let expected = """
            adit 0.1.0  working                         tier trainer   ait-devnet   12:00:00
            ────────────────────────────────────────────────────────────────────────────────

            device               rate    busy    temp   power    pace
            cpu             170 Gop/s    93 %   61 °C    45 W   100 %
            opencl:0       12.3 Top/s    99 %   72 °C   310 W    80 %  temperature
            opencl:1      not used  wrong_answer: the device computed a known answer wrong

            gemm        job_a8958e4b    computing on opencl:0  ██████████████▌········  63 %
            conv2d      job_1111        fetching               ·······················   0 %

                               jobs     failed   rejected       paid             AIT
            last hour           120          0          0        118        0.130800
            last day          2,931          1          0      2,900    3,201.000000

            receipts    1 computed · 0 attested · 3 claiming · 2,900 paid · 1 rejected

            last event  11:58:25 service_unreachable (coordinator_unreachable)
                        the coordinator does not answer
                        is COORDINATOR_URL right, and is it up? adit doctor



            p pause   r resume   d drain   i details   q quit
            """
        #expect(Self.text(TerminalPage(size: .init(columns: 80, rows: 24)), Self.busy).joined(separator: "\n") == expected)
    }

    @Test("80 × 24, with nothing to do, says why and what comes next") func idle() {
        var view = MinerView(now: Self.now, version: "0.1.0", state: "idle")
        view.reason = MinerView.Reason(
            code: "no_jobs", meaning: "nobody has paid for a job that waits",
            remedy: "nothing: work comes when clients pay for it; see the demand with: curl http://127.0.0.1:8090/network/state")
        let lines = Self.text(TerminalPage(size: .init(columns: 80, rows: 24)), view)
        #expect(
            Array(lines.prefix(10)) == [
                "adit 0.1.0  waiting for work                                            12:00:00", String(repeating: "─", count: 80),
                "nobody has paid for a job that waits", "nothing: work comes when clients pay for it; see the demand with:",
                "curl http://127.0.0.1:8090/network/state", "", "no device is known yet: they are looked for when the miner starts", "", "no job now", "",
            ])
        #expect(!view.isTroubled)
    }

    @Test(
        "Fits every terminal: never a line too many or too wide", arguments: [(1, 1), (20, 5), (40, 12), (79, 23), (80, 24), (100, 30), (132, 50), (400, 200)])
    func fits(_ columns: Int, _ rows: Int) {
        for isDetailed in [false, true] {
            for isUnicode in [false, true] {
                var page = TerminalPage(size: .init(columns: columns, rows: rows))
                (page.showsDetails, page.isUnicode, page.log) = (isDetailed, isUnicode, Array(repeating: String(repeating: "語", count: 90), count: 40))
                var view = Self.busy
                view.devices += (2..<30).map { MinerView.Device(name: "opencl:\($0)", model: "") }
                view.jobs += (0..<40).map { MinerView.Job(id: "job_\($0)", kernel: "gemm", stage: "waiting", progress: 0) }
                let lines = page.lines(view)
                #expect(lines.count == rows)
                #expect(lines.allSatisfy { $0.width <= columns })
                if columns >= 60, rows >= 24 { #expect(lines.last?.text.contains("q quit") == true) }
                if !isUnicode { #expect(lines.allSatisfy { !$0.text.contains("█") && !$0.text.contains("─") }) }
            }
        }
    }

    @Test("Nothing from outside reaches the terminal as a command") func hostile() {
        let evil = "\u{1B}]0;owned\u{7}\u{1B}[2J\u{9B}31m\u{202E}gpj\r\n\u{200B}名前\u{FEFF}"
        var view = Self.busy
        (view.tier, view.chain, view.state, view.address) = (evil, evil, evil, evil)
        view.placement = MinerView.Placement(tier: evil, claimed: "x", reason: MinerView.Reason(code: evil, meaning: evil))
        view.download = MinerView.Download(bytesPerSecond: .nan, bytes: .infinity)
        view.devices[0].name = evil
        view.devices[0].model = evil
        view.devices[2].reason = MinerView.Reason(code: evil, meaning: evil, remedy: evil)
        view.jobs[0] = MinerView.Job(id: evil, kernel: evil, stage: evil, device: evil, progress: .nan)
        (view.devices[1].rate, view.devices[1].temperature, view.devices[1].busy) = (.infinity, -.infinity, .nan)
        view.lastEvent = MinerView.Event(atMilliseconds: .min / 2, name: evil, detail: evil)
        view.reason = MinerView.Reason(code: evil, meaning: evil)
        var page = TerminalPage(size: .init(columns: 100, rows: 50))
        (page.showsDetails, page.log, page.notice) = (true, [evil], evil)
        for line in page.lines(view) {
            #expect(line.width <= 100)
            #expect(
                line.text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) && ![0x202E, 0x200B, 0xFEFF].contains($0.value) })
        }
    }

    @Test("Where the coordinator places the miner, and how fast inputs come, stand in the details") func details() {
        var page = TerminalPage(size: .init(columns: 120, rows: 50))
        page.showsDetails = true
        var lines = Self.text(page, Self.busy)
        #expect(lines[0].contains("tier trainer  ") && lines.contains("placed      the coordinator has not said"))
        #expect(lines.contains("download    speed not known: no input of 1 MiB or more has come yet"))
        var view = Self.busy
        view.placement = MinerView.Placement(
            tier: "inference", claimed: "trainer", reason: MinerView.Reason(code: "tier_too_low", meaning: "12 of 100 GFLOP/s shown"))
        view.download = MinerView.Download(bytesPerSecond: 12_340_000, bytes: 268_435_456)
        lines = Self.text(page, view)
        #expect(lines[0].contains("tier inference, claims trainer"))
        #expect(lines.contains("placed      inference, not trainer: 12 of 100 GFLOP/s shown"))
        #expect(lines.contains("download    12.3 MB/s over the last 268.4 MB"))
        view.placement = MinerView.Placement(tier: "trainer", claimed: "trainer")
        #expect(Self.text(page, view).contains("placed      trainer, as claimed"))
    }

    @Test("80 × 24 has room for all the details and the newest log lines") func smallDetails() {
        var page = TerminalPage(size: .init(columns: 80, rows: 24))
        (page.showsDetails, page.log) = (true, (1...40).map { "line \($0)" })
        var view = Self.busy
        (view.address, view.payout, view.coordinator, view.node) = ("ait1a", "ait1p", "http://c", "http://n")
        view.reason = MinerView.Reason(code: "no_jobs", meaning: String(repeating: "why ", count: 30), remedy: String(repeating: "what ", count: 30))
        let lines = Self.text(page, view)
        for line in [
            "address     ait1a", "payout      ait1p", "coordinator http://c", "node        http://n", "cpu         cpu avx512", "opencl:0    NVIDIA", "line 40",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(lines.count { $0.hasPrefix("line ") } >= 3 && lines.last?.hasPrefix("p pause") == true)
        page.log = []
        #expect(Self.text(page, view).contains { $0.hasPrefix("device ") }, "what room is left is the tables'")
    }

    @Test("Widths of wide, combining and plain characters") func widths() {
        #expect(TerminalText.width("gemm") == 4 && TerminalText.width("名前") == 4 && TerminalText.width("e\u{301}") == 1 && TerminalText.width("🙂") == 2)
        #expect(TerminalText.cut("名前名前", to: 5) == "名前…" && TerminalText.cut("名前", to: 4) == "名前" && TerminalText.cut("abc", to: 0) == "")
        #expect(TerminalText.left("名", 4) == "名  " && TerminalText.right("ab", 4) == "  ab")
        #expect(TerminalText.wrap("one two three four", 9, lines: 2) == ["one two", "three fo…"])
    }

    @Test("Only lines that have changed are written, and no colour where none is wanted") func changes() {
        let size = TerminalPage.Size(columns: 80, rows: 24)
        let page = TerminalPage(size: size)
        var screen = TerminalScreen(colours: true)
        let first = screen.update(to: page.lines(Self.busy), size: size)
        #expect(first.hasPrefix("\u{1B}[2J") && first.contains("\u{1B}[33mworking"))
        #expect(screen.update(to: page.lines(Self.busy), size: size) == "")
        var later = Self.busy
        later.now += 1000
        let second = screen.update(to: page.lines(later), size: size)
        #expect(second.hasPrefix("\u{1B}[1;1H") && second.contains("12:00:01") && second.components(separatedBy: "H").count == 2, "the first line alone")
        let narrow = TerminalPage.Size(columns: 60, rows: 20)
        #expect(screen.update(to: TerminalPage(size: narrow).lines(later), size: narrow).hasPrefix("\u{1B}[2J"))
        screen.forget()
        #expect(screen.update(to: TerminalPage(size: narrow).lines(later), size: narrow).hasPrefix("\u{1B}[2J"))
        var plain = TerminalScreen(colours: false)
        // What begins a colour ends in "m".
        let isColoured = plain.update(to: page.lines(Self.busy), size: size).contains(/\u{1B}\[[0-9;]*m/)
        #expect(!isColoured)
    }
}
