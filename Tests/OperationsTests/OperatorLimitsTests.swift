import Operations
import Testing
import Wire

@Suite struct OperatorLimitsTests {
    /// Name, a text, and how it is written afterwards.
    private static let texts: [(String, String, String)] = [
        ("threads", "12", "12"), ("cores", "8, 0-3,2", "0-3,8"), ("memory_mb", "4096", "4096"), ("opencl_memory_mb", "1", "1"),
        ("disk_mb", "1073741824", "1073741824"), ("bandwidth_kb", "500", "500"), ("jobs", "2", "2"), ("kernels", "gemm, Attention", "attention,gemm"),
        ("dtypes", "F32,i8", "f32,i8"), ("price_floor", "50", "50"), ("idle_only", "on", "on"), ("battery", "yes", "on"),
        ("schedule", "sat,sun 0:00-24:00", "sat,sun 00:00-24:00"), ("temperature", "72.5", "72.5"), ("temperature_max", "90", "90"),
        ("power", "120", "120"), ("utilisation", "33", "33"),
    ]

    @Test func everyLimitIsReadAndWritten() throws {
        #expect(Self.texts.map(\.0) == LimitName.allCases.map(\.rawValue))
        var limits = OperatorLimits()
        for (name, text, _) in Self.texts { try limits.set(name: name, value: text) }
        #expect(limits.describe().map(\.value) == Self.texts.map(\.2))
        #expect(limits.memoryBytes == 4 << 30 && limits.bytesPerSecond == 512_000 && limits.targets.utilisation == 0.33 && limits.cores == [0, 1, 2, 3, 8])
        var again = OperatorLimits()
        for (name, value) in limits.describe() { try again.set(name, value) }
        #expect(again == limits)
        for name in LimitName.allCases { try again.set(name, "off") }
        #expect(again == OperatorLimits() && again.describe().allSatisfy { $0.value == "off" })
        for percent in 1...100 {
            try again.set(.utilisation, "\(percent)")
            #expect(again.text(.utilisation) == "\(percent)")
        }
    }

    @Test func aSlipIsAnsweredWithTheNearestName() {
        for (slip, meant) in [
            ("thraeds", "threads"), ("memorymb", "memory_mb"), ("temprature", "temperature"), ("kernel", "kernels"), ("idleonly", "idle_only"),
        ] {
            var limits = OperatorLimits()
            #expect(throws: Problem(.unknownField, "there is no limit \"\(slip)\"; did you mean \(meant)?")) { try limits.set(name: slip, value: "1") }
        }
        var limits = OperatorLimits()
        #expect(throws: Problem(.unknownField, "there is no limit \"colour\"")) { try limits.set(name: "colour", value: "1") }
        #expect(throws: Problem(.outOfRange, "dtypes: there is no \"f23\"; did you mean f32?; there are bf16, f32, f64, i32, i64, i8")) {
            try limits.set(name: "dtypes", value: "f23")
        }
    }

    @Test(arguments: [
        ("threads", "-1"), ("threads", "4097"), ("threads", "many"), ("threads", "1e3"), ("memory_mb", "99999999999999999999"), ("cores", "3-1"),
        ("cores", "1,,2"),
        ("cores", "0-9999"), ("cores", "a"), ("kernels", ","), ("kernels", "mining"), ("idle_only", "maybe"), ("temperature", "nan"), ("temperature", "20"),
        ("temperature", "0x40"), ("utilisation", "0"), ("utilisation", "101"), ("power", "inf"), ("schedule", "always"),
    ])
    func aBadValueIsNotTakenAndTheRangeIsSaid(name: String, value: String) {
        var limits = OperatorLimits()
        let problem = #expect(throws: Problem.self) { try limits.set(name: name, value: value) }
        #expect(problem?.code == .outOfRange && problem?.detail.contains(name == "kernels" && value != "," ? "there are" : name) == true)
        #expect(limits == OperatorLimits())
    }

    @Test func contradictionsNameBothSettings() throws {
        func found(_ settings: [String: String], on machine: MachineBounds = MachineBounds()) throws -> [String] {
            var limits = OperatorLimits()
            for (name, value) in settings { try limits.set(name: name, value: value) }
            return limits.contradictions(on: machine).map(\.detail)
        }
        let cases: [([String: String], MachineBounds, [String])] = [
            (["temperature": "80", "temperature_max": "80"], MachineBounds(), ["temperature_max (80)", "temperature (80)"]),
            (["temperature": "80", "temperature_max": "82.9"], MachineBounds(), ["temperature_max (82.9)", "temperature (80)"]),
            (["threads": "3", "cores": "0,1"], MachineBounds(), ["threads (3)", "cores (0-1)"]),
            (["disk_mb": "100"], MachineBounds(largestOutput: 101 << 20), ["disk_mb (100)", "101 MiB"]),
            (["cores": "1-3"], MachineBounds(processors: [0, 1]), ["cores (1-3)", "2-3", "0-1"]),
            (["threads": "3"], MachineBounds(processors: [0, 1]), ["threads (3)", "2 processors"]),
            (["memory_mb": "2048"], MachineBounds(memoryBytes: 1 << 30), ["memory_mb (2048)", "1024"]),
        ]
        for (settings, machine, words) in cases {
            let details = try found(settings, on: machine)
            #expect(details.count == 1 && words.allSatisfy { details[0].contains($0) }, "\(settings): \(details)")
        }
        #expect(
            try found(
                ["temperature": "80", "temperature_max": "83", "threads": "2", "cores": "0,1", "disk_mb": "101"], on: MachineBounds(largestOutput: 101 << 20))
                == [])
        var empty = OperatorLimits()
        (empty.kernels, empty.dtypes, empty.cores, empty.schedule) = ([], [], [], WeeklySchedule(open: []))
        #expect(empty.contradictions().count == 4)
    }
}
