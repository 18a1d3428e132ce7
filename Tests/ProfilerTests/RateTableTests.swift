import Kernels
import Profiler
import Testing
import Wire

@Suite("A table of rates on paper") struct RateTableTests {
    static let row = RateRow(
        device: "cpu", backend: "openblas", member: "cpu openblas Zen", kind: .gemm, arithmetic: .f32Panel256, size: [8, 8, 8], perSecond: 5, peakPerSecond: 10,
        peakName: "fma", shareMillionths: 500_000, rounds: 3, spreadMillionths: 10, work: 1_024, trafficBytes: 768)
    static let hash = RateRow(device: "cpu", backend: "cpu", kind: .sha256, size: [4], perSecond: 7, rounds: 1, spreadMillionths: 0, work: 4, trafficBytes: 0)
    static let table = RateTable(rows: [row, hash], threads: 2, isQuick: true, notes: ["a note"])

    @Test("Reads what it writes, to the byte") func roundTrip() throws {
        let bytes = Self.table.json.canonicalBytes
        let read = try RateTable(json: try JSON.parse(bytes))
        #expect(read == Self.table)
        #expect(read.json.canonicalBytes == bytes)
        #expect(read.fastestProduct(.f32)?.share == 0.5)
        #expect(read.fastestProduct(.f64) == nil)
        #expect(read.fastest(.sha256)?.perSecond == 7)
        #expect(read.rows[0].intensity == 1_024.0 / 768)
        #expect(read.devices == ["cpu"])
    }

    @Test(
        "Refuses what no table says",
        arguments: [
            ("perSecond", JSON.integer(-1)), ("what", "fortune"), ("arithmetic", "f16"), ("size", .array([.integer(1 << 41)])), ("rounds", 0),
            ("shareMillionths", .string("x")), ("extra", 1), ("device", .string(String(repeating: "x", count: 65))), ("work", .real(1.5)),
            ("size", .array(Array(repeating: .integer(1), count: 9))),
        ] as [(String, JSON)])
    func refuses(key: String, value: JSON) throws {
        let object = try #require(Self.row.json.objectValue)
        #expect(throws: Problem.self) { try RateRow(json: .object(object.setting(key, to: value))) }
    }

    @Test("A kernel's rate has an arithmetic, a share its peak") func together() throws {
        let object = try #require(Self.row.json.objectValue)
        for missing in ["arithmetic", "peakPerSecond", "shareMillionths", "perSecond", "device"] {
            let rest = JSON.object(JSONObject(distinct: object.members.filter { $0.key != missing }.map { ($0.key, $0.value) }))
            #expect(throws: Problem.self, "\(missing)") { try RateRow(json: rest) }
        }
    }

    @Test("More rows than a machine has are refused") func tooMany() throws {
        let rows = JSON.array(Array(repeating: Self.hash.json, count: RateTable.mostRows + 1))
        let object = try #require(Self.table.json.objectValue)
        #expect(throws: Problem.self) { try RateTable(json: .object(object.setting("rows", to: rows))) }
    }
}
