import Foundation
import Testing
import Wire

extension DevnetSuites {
    /// What a running devnet shows to the outside: log lines and metrics, as machines read them.
    @Suite struct ObservedDevnetTests {
        /// The members that each event of PROTOCOL section 11 has in every line.
        private static let members: [String: Set<String>] = [
            "coordinator task_received": ["job_id", "height", "latency_ms"], "coordinator task_paid": ["job_id", "height", "latency_ms"],
            "coordinator task_distributed": ["job_id", "latency_ms"], "coordinator task_completed": ["job_id", "latency_ms"],
            "coordinator receipt_confirmed": ["job_id", "height", "latency_ms"],
            "miner task_assigned": ["job_id", "latency_ms"], "miner task_completed": ["job_id", "latency_ms"],
            "miner result_attested": ["job_id", "latency_ms"], "miner claim_sent": ["job_id", "latency_ms"],
            "miner receipt_confirmed": ["job_id", "height", "latency_ms"], "node block": ["height", "latency_ms"],
        ]

        @Test(.timeLimit(.minutes(5))) func everyLineIsJSONAndEverySeriesIsKnown() async throws {
            let devnet = try #require(RunningDevnet.current)
            try checkLog(devnet.log)
            // The same folder again, scraped while it runs.
            let services = try await scrape(file: URL(filePath: devnet.folder).appending(path: "devnet.json"), devnet.process)
            for (name, text) in services { try checkExposition(text, name) }
        }

        private func checkLog(_ log: Data) throws {
            var seen: Set<String> = []
            for line in log.split(separator: UInt8(ascii: "\n")) {
                let json = try JSON.parse(Array(line), reals: true)
                let text = String(decoding: line, as: UTF8.self)
                // A devnet numbers its miners.
                let component = try #require(json["component"]?.stringValue, "\(text)").filter { !$0.isNumber }
                let event = try #require(json["event"]?.stringValue, "\(text)")
                #expect(json["time"]?.stringValue?.hasSuffix("Z") == true && json["level"]?.stringValue != nil, "\(text)")
                #expect(event.utf8.allSatisfy { $0 == UInt8(ascii: "_") || (97...122).contains($0) || (48...57).contains($0) }, "\(text)")
                seen.insert("\(component) \(event)")
                for member in Self.members["\(component) \(event)"] ?? [] {
                    let value = try #require(json[member], "\(member) is missing in \(text)")
                    switch (member, value) {
                    case ("job_id", .string(let id)): #expect(id.hasPrefix("job_"))
                    case ("height", .integer(let height)): #expect(height >= 0)
                    case ("latency_ms", .integer(let time)): #expect(time >= 0)
                    case ("latency_ms", .real(let time)): #expect(time >= 0)
                    default: Issue.record("\(member) has a wrong type in \(text)")
                    }
                }
            }
            for expected in Self.members.keys { #expect(seen.contains(expected), "no line of \(expected)") }
        }

        /// The expositions of node, coordinator and miner, once all of them answer.
        private func scrape(file: URL, _ running: Background) async throws -> [(String, String)] {
            var found: [(String, String)] = []
            for (name, path) in [("node", "/rpc/metrics"), ("coordinator", "/metrics"), ("miner", "/metrics")] {
                var text: String?
                for _ in 0..<600 where text == nil {
                    try await Task.sleep(for: .milliseconds(100))
                    guard let bytes = try? Data(contentsOf: file), let json = try? JSON.parse(Array(bytes).filter({ $0 != 0x0A })),
                        let base = name == "miner" ? json["miners"]?.arrayValue?.first?.stringValue : json[name == "node" ? "rpc" : name]?.stringValue
                    else { continue }
                    // Twice, with unknown paths between: whatever is asked for, no series comes of it.
                    let script = """
                        curl -sf '\(base)\(path)' >/dev/null || exit 1
                        for i in $(seq 20); do curl -s '\(base)/nothing/'$i >/dev/null; done
                        curl -sf '\(base)\(path)'
                        """
                    let answer = try await Program.shell(script, in: file.deletingLastPathComponent())
                    if answer.status == 0 { text = answer.output }
                }
                found.append((name, try #require(text, "\(name) has no metrics; \(running.said)")))
            }
            return found
        }

        /// The text format, version 0.0.4: each series under its TYPE, each family with HELP, labels few and from closed lists.
        private func checkExposition(_ text: String, _ service: String) throws {
            var kinds: [String: String] = [:]
            var helped: Set<String> = []
            var series: [String: Int] = [:]
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                if line.hasPrefix("# HELP ") {
                    #expect(helped.insert(String(words[2])).inserted, "\(service): \(line)")
                    continue
                }
                if line.hasPrefix("# TYPE ") {
                    #expect(["counter", "gauge", "histogram"].contains(words[3]) && kinds[String(words[2])] == nil, "\(service): \(line)")
                    kinds[String(words[2])] = String(words[3])
                    continue
                }
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                let family =
                    ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) && kinds[String(name.dropLast($0.count))] == "histogram" }
                    .map { String(name.dropLast($0.count)) } ?? name
                #expect(kinds[family] != nil, "\(service): \(line) has no TYPE")
                #expect(helped.contains(family), "\(service): \(family) has no HELP")
                #expect(family.hasPrefix("adit_"), "\(service): \(line)")
                if kinds[family] == "counter" { #expect(family.hasSuffix("_total"), "\(service): \(line)") }
                let value = try #require(line.split(separator: " ").last.map(String.init))
                #expect(Double(value) != nil || value == "+Inf", "\(service): \(line)")
                series[family, default: 0] += 1
                for forbidden in ["ait1", "job_", "rcpt_", "lease_0", "127.0.0.1", "nothing"] where !line.contains("/{") {
                    #expect(!line.contains(forbidden), "\(service): \(line)")
                }
            }
            for (family, count) in series { #expect(count <= 1024, "\(service): \(family) has \(count) series") }
            #expect(series["adit_http_connections"] != nil && series["adit_http_requests_total"] != nil && series["adit_disk_free_bytes"] == 1)
        }
    }
}
