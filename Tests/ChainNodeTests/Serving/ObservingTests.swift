@testable import HTTPServing
import Logging
import Synchronization
import Testing
import Wire

/// Log lines and metrics as machines read them.
struct ObservingTests {
    /// Collects log lines.
    private final class Lines: Sendable {
        let all = Mutex<[[UInt8]]>([])
        func add(_ line: [UInt8]) { all.withLock { $0.append(line) } }
        var last: [UInt8] { all.withLock { $0.last ?? [] } }
    }

    @Test func aLogLineIsOneJSONObject() throws {
        let lines = Lines()
        var logger = Logger(label: "node") { JSONLogHandler(component: $0, level: .info) { lines.add($0) } }
        logger[metadataKey: "job_id"] = "job_1"
        logger.debug("not this")
        logger.info(
            "block_made",
            metadata: [
                "height": .stringConvertible(7), "latency_ms": .stringConvertible(1.5), "ok": .stringConvertible(true), "level": "not me",
                "list": ["a", .stringConvertible(2)], "nested": ["b": "\u{1}é"], "nan": .stringConvertible(Double.nan),
            ])
        #expect(lines.all.withLock { $0.count } == 1)
        let line = lines.last
        #expect(line.last == UInt8(ascii: "\n") && line.count { $0 == UInt8(ascii: "\n") } == 1)
        let json = try JSON.parse(line.dropLast(), reals: true)
        #expect(json["component"] == "node" && json["level"] == "info" && json["event"] == "block_made")
        #expect(json["height"] == 7 && json["latency_ms"] == .real(1.5) && json["ok"] == true && json["job_id"] == "job_1")
        #expect(json["list"] == ["a", 2] && json["nested"] == ["b": "\u{1}é"] && json["nan"] == "nan")
        #expect(json["time"]?.stringValue?.hasSuffix("Z") == true)
    }

    @Test func aSentenceIsALibrarysEvent() throws {
        let lines = Lines()
        Logger(label: "node") { JSONLogHandler(component: $0) { lines.add($0) } }.info("Server \"started\"\nand listening", metadata: ["message": "no"])
        let json = try JSON.parse(lines.last.dropLast())
        #expect(json["event"] == "library" && json["message"] == "Server \"started\"\nand listening")
    }

    @Test func anEventHasItsPlaceAndItsTime() throws {
        let lines = Lines()
        let logger = Logger(label: "node") { JSONLogHandler(component: $0) { lines.add($0) } }
        logger.event("task_paid", height: 7, job: "job_1", latency: .microseconds(1500), ["price": .stringConvertible(3)])
        let json = try JSON.parse(lines.last.dropLast(), reals: true)
        #expect(json["event"] == "task_paid" && json["height"] == 7 && json["job_id"] == "job_1" && json["latency_ms"] == .real(1.5) && json["price"] == 3)
        logger.event("task_paid", level: .debug)
        #expect(lines.all.withLock { $0.count } == 1)
    }

    @Test func aDiskIsSpokenOfWhenItGetsLowAndWhenItIsAmpleAgain() throws {
        let registry = PrometheusRegistry()
        let left = Mutex<Int?>(nil)
        let said = Mutex<[String]>([])
        let least = DiskWatch.reserveBytes + 100
        let watch = DiskWatch(largest: 100, registry: registry, free: { left.withLock { $0 } }) { isLow, facts in
            said.withLock { $0.append("\(isLow) " + facts.map { "\($0.name)=\($0.bytes - least)" }.joined(separator: " ")) }
        }
        func look(_ free: Int?) -> [String] {
            left.withLock { $0 = free }
            watch.look()
            return said.withLock { said in
                defer { said = [] }
                return said
            }
        }
        #expect(look(nil).isEmpty && !registry.exposition().contains("\nadit_disk_free_bytes"), "a file system that doesn't say")
        #expect(look(least).isEmpty)
        #expect(registry.exposition().contains("\nadit_disk_free_bytes \(least)\n"))
        #expect(look(least - 1) == ["true free_bytes=-1 least_bytes=0"])
        #expect(look(0).isEmpty && look(least).isEmpty && look(least + least / 4 - 1).isEmpty, "told once")
        #expect(registry.exposition().contains("\nadit_disk_free_bytes \(least + least / 4 - 1)\n"))
        #expect(look(least + least / 4) == ["false free_bytes=\(least / 4) least_bytes=0"])
        #expect(look(5) == ["true free_bytes=\(5 - least) least_bytes=0"])
    }

    @Test func aDiskSaysWhatItHas() async throws {
        let folder = try TemporaryFolder()
        let free = try #require(DiskWatch.freeBytes(at: folder.path))
        #expect(free > 0 && DiskWatch.freeBytes(at: folder.database + "/nowhere") == nil)
        let lines = Lines()
        let logger = Logger(label: "node") { JSONLogHandler(component: $0) { lines.add($0) } }
        // No disk has so much room.
        DiskWatch(path: "/", largest: 1 << 52, registry: PrometheusRegistry(), logger: logger).look()
        let json = try JSON.parse(lines.last.dropLast())
        #expect(json["event"] == "disk_low" && json["level"] == "warning" && json["free_bytes"]?.integerValue ?? 0 > 0)
        #expect(json["least_bytes"] == .integer(Int64(1 << 52 + 1 << 30)))
    }

    @Test func longTextsAreCut() throws {
        let lines = Lines()
        Logger(label: "node") { JSONLogHandler(component: $0) { lines.add($0) } }.error("\(String(repeating: "x", count: 100_000))")
        #expect(lines.last.count < 5000)
    }

    @Test func timestampsAreCivilDates() {
        #expect(Timestamp.text(seconds: 0, milliseconds: 0) == "1970-01-01T00:00:00.000Z")
        #expect(Timestamp.text(seconds: 951_827_696, milliseconds: 7) == "2000-02-29T12:34:56.007Z")
        #expect(Timestamp.text(seconds: 1_772_323_199, milliseconds: 999) == "2026-02-28T23:59:59.999Z")
        #expect(Timestamp.text(seconds: 4_107_542_400, milliseconds: 0) == "2100-03-01T00:00:00.000Z")
    }

    @Test func theExpositionEscapesAndSorts() {
        let registry = PrometheusRegistry()
        registry.describe("z.total", "a\\b\nc")
        (registry.makeCounter(label: "z.total", dimensions: [("b", "2"), ("a", "x\"y\\\n")]) as? PrometheusSeries)?.increment(by: Int64(3))
        (registry.makeMeter(label: "a", dimensions: []) as? PrometheusSeries)?.set(0.5)
        (registry.makeTimer(label: "t", dimensions: []) as? PrometheusSeries)?.recordNanoseconds(3_000_000)
        let text = registry.exposition()
        #expect(text.hasPrefix("# TYPE a gauge\na 0.5\n# TYPE t_seconds histogram\n"))
        #expect(text.contains("t_seconds_bucket{le=\"0.0025\"} 0\nt_seconds_bucket{le=\"0.005\"} 1\n"))
        #expect(text.contains("t_seconds_bucket{le=\"+Inf\"} 1\nt_seconds_sum 0.003\nt_seconds_count 1\n"))
        #expect(text.contains("# HELP z_total a\\\\b\\nc\n# TYPE z_total counter\nz_total{a=\"x\\\"y\\\\\\n\",b=\"2\"} 3\n"))
    }

    @Test func labelsCannotGrowWithoutBound() {
        let registry = PrometheusRegistry()
        for index in 0..<1000 { _ = registry.makeCounter(label: "flood", dimensions: [("address", "\(index)")]) }
        _ = registry.makeMeter(label: "flood", dimensions: [("address", "1")])
        let text = registry.exposition()
        #expect(text.split(separator: "\n").count { $0.hasPrefix("flood") } == PrometheusRegistry.maximumSeries)
        #expect(text.contains("adit_metrics_refused_total \(1000 - PrometheusRegistry.maximumSeries + 1)\n"))
    }
}
