import Operations
import Testing
import Wire

@Suite struct SettingTests {
    @Test func everySettingIsWhole() throws {
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        for setting in Setting.all {
            #expect(setting.name.wholeMatch(of: /[A-Z][A-Z0-9_]+/) != nil)
            #expect(!setting.services.isEmpty && setting.help.hasSuffix("."), "\(setting.name)")
            #expect(Setting.named(setting.name)?.name == setting.name)
            // What the documents show can be used as it is.
            try setting.check(setting.kind.example)
            if let standard = setting.standard { try setting.check(standard) }
        }
    }

    @Test(arguments: [
        (Setting.minerThreads, "-1"), (.minerThreads, "4097"), (.minerThreads, "four"), (.minerThreads, "4.0"), (.minerTemperature, "1e2"),
        (.minerTemperature, "0x40"), (.minerTemperature, "nan"), (.minerTemperature, "150"), (.minerTemperature, "7.5.1"), (.minerUtilisation, "0"),
        (.minerIdleOnly, "maybe"), (.minerOpenCL, "cuda"), (.minerCores, "3-1"), (.minerCores, "0-9999"), (.minerCores, "1,,2"), (.minerCores, "-1"),
        (.minerKernels, "gem"), (.minerDtypes, "F33"), (.minerSchedule, "mo 1"), (.chainID, "Big"), (.minerBind, "127.0.0.1"), (.minerBind, "x:70000"),
        (.nodeURL, "ftp://x"), (.minerPayout, "ait1"), (.coordinatorRatio, "0.00001"), (.coordinatorRatio, "1.1"), (.minerPower, "on"),
    ])
    func aBadValueIsToldItsRangeAndAnExample(setting: Setting, value: String) {
        #expect {
            try setting.check(value)
        } throws: { error in
            guard let problem = error as? Problem else { return false }
            return problem.code == .outOfRange && problem.detail.contains("\(setting.name) is \"\(value)\"; it must be \(setting.kind.range)")
                && problem.detail.contains("such as ")
        }
    }

    @Test func aPasswordInAURLIsNotQuoted() {
        #expect(Setting.nodeURL.masked("https://me:pass@word@node.example/x") == "https://***@node.example/x")
        #expect(Setting.nodeURL.masked("me:pass@node") == "***@node")
        #expect(Setting.nodeURL.masked("http://node") == "http://node")
        #expect(Setting.minerData.masked("/a@b") == "/a@b")
        #expect {
            try Setting.nodeURL.check("htps://me:pass@node")
        } throws: { error in !"\(error)".contains("pass@") }
    }

    @Test func limitsAreReadFromTheirTexts() throws {
        let values = [
            "MINER_THREADS": "6", "MINER_CORES": "0-2, 8", "MINER_MEMORY_MB": "1073741824", "MINER_OPENCL_MEMORY_MB": "off", "MINER_DISK_MB": "10",
            "MINER_BANDWIDTH_KB": "100", "MINER_JOBS": "2", "MINER_KERNELS": "gemm,conv2d", "MINER_DTYPES": "f32,BF16", "MINER_PRICE_FLOOR": "7",
            "MINER_IDLE_ONLY": "on", "MINER_BATTERY": "on", "MINER_SCHEDULE": "sat 00:00-01:00", "MINER_TEMPERATURE": "72.5", "MINER_TEMPERATURE_MAX": "80",
            "MINER_POWER": "90", "MINER_UTILISATION": "50",
        ]
        #expect(values.count == Setting.limits.count)
        let limits = try OperatorLimits { values[$0.name] }
        var expected = OperatorLimits()
        expected.threads = 6
        expected.cores = [0, 1, 2, 8]
        expected.memoryBytes = 1 << 50
        expected.diskBytes = 10 << 20
        expected.bytesPerSecond = 102_400
        expected.jobsAtOnce = 2
        expected.kernels = ["gemm", "conv2d"]
        expected.dtypes = ["f32", "bf16"]
        expected.priceFloor = 7
        expected.idleOnly = true
        expected.onBattery = true
        expected.schedule = WeeklySchedule(open: [7200..<7260])
        expected.targets.temperature = 72.5
        expected.targets.hardTemperature = 80
        expected.targets.power = 90
        expected.targets.utilisation = 0.5
        #expect(limits == expected)
        #expect(try OperatorLimits { _ in nil } == OperatorLimits())
    }

    @Test func misspeltVariablesAreNoticedAndOtherProgramsLeftAlone() {
        func warnings(_ names: String...) -> [String] { SettingNames.warnings(names.map { ($0, "the environment") }) }
        #expect(warnings("MINER_TREADS") == ["the environment has MINER_TREADS, which is no setting; did you mean MINER_THREADS?"])
        #expect(warnings("CHIAN_ID") == ["the environment has CHIAN_ID, which is no setting; did you mean CHAIN_ID?"])
        #expect(warnings("COORDINATOR_XYZZY") == ["the environment has COORDINATOR_XYZZY, which is no setting; adit config init lists those that are"])
        #expect(warnings("MINER_THREADS", "PATH", "HTTP_PROXY", "NODE_ENV", "LD_PATH", "MINER_PORT", "MINER_PORT_8100_TCP", "MINER_SERVICE_HOST").isEmpty)
    }

    @Test func aFileIsReadOnceItIsAtRest() {
        var change = FileChange(1)
        #expect([1, 2, 3, 3, 3, 1, 3, 3, 4, 4].map { change.look($0) } == [false, false, false, true, false, false, false, false, false, true])
    }
}
