import Operations
import Testing
import Wire

@Suite struct ConfigTextTests {
    private static func values(_ text: String) -> [String] { ConfigText(text).entries.map { "\($0.line) \($0.setting.key)=\($0.value)" } }

    @Test func linesAreNamesAndValuesAndTheRestIsComment() {
        let text = """
            # a comment = of no account

            miner_threads = 4
              miner_data=/var/lib/a b\t# behind a value
            MINER_SCHEDULE = mon-fri 18:00-08:00; sat,sun 00:00-24:00
            miner_key = "/keys/my #1 key"# and this
            genesis = #nothing
            coordinator_url = http://127.0.0.1:8090/#x
            db_path = ""
            """
        #expect(
            Self.values(text) == [
                "3 miner_threads=4", "4 miner_data=/var/lib/a b", "5 miner_schedule=mon-fri 18:00-08:00; sat,sun 00:00-24:00",
                "6 miner_key=/keys/my #1 key", "7 genesis=", "8 coordinator_url=http://127.0.0.1:8090/#x", "9 db_path=",
            ])
        #expect(ConfigText(text).faults.isEmpty)
        #expect(ConfigText(text).text == text)
    }

    @Test func windowsLineEndsAndAByteOrderMarkAreNoMatter() {
        #expect(Self.values("\u{FEFF}miner_threads = 4\r\nminer_jobs = 2\r\n") == ["1 miner_threads=4", "2 miner_jobs=2"])
    }

    /// A change that got lost: the mark was taken for a part of the name, a space or quote with an accent behind it for another character.
    @Test(arguments: ["3", "\u{301}x", "x \u{301}# y", "\"\u{301}", " \u{308}"])
    func aChangeReachesTheLineBehindAByteOrderMarkAndKeepsItsValue(value: String) throws {
        let setting = try #require(Setting.named("MINER_DATA"))
        for mark in ["", "\u{FEFF}"] {
            var config = ConfigText("\(mark)miner_data = ./a # where\nminer_jobs = 2\n")
            do throws(Problem) { try config.set(setting, to: value) } catch {
                #expect(error.code == .outOfRange && value.unicodeScalars.first == "\"", "a quote beside what wants quotes")
                continue
            }
            #expect(config.faults.isEmpty && config.entries.count == 2)
            #expect(config.entries.first?.value.unicodeScalars.elementsEqual(value.unicodeScalars) == true, "\(config.text)")
            #expect(config.text.unicodeScalars.starts(with: "\(mark)miner_data = ".unicodeScalars) && config.text.contains("# where"))
        }
    }

    @Test(arguments: [
        ("miner_thread = 4", Problem.Code.unknownField, "did you mean \"miner_threads\"?"),
        ("temperature = 75", .unknownField, "did you mean \"miner_temperature\"?"),
        ("tempreature = 75", .unknownField, "did you mean \"miner_temperature\"?"), ("xyzzy = 1", .unknownField, "unknown key \"xyzzy\""),
        ("miner_threads 4", .badRequest, "not name = value"), ("miner threads = 4", .badRequest, "is no name"), ("= 4", .badRequest, "is no name"),
        ("miner_key = \"a", .badRequest, "not closed"), ("miner_key = \"a\" b", .badRequest, "after the closing quote"),
        ("miner_key = a\u{7}b", .badRequest, "control character"), ("miner_key = a\u{2028}b", .badRequest, "control character"),
        ("adit_config = x", .unknownField, "belongs into the environment"), ("{\"miner_threads\":4}", .badRequest, "not name = value"),
        ("[miner]", .badRequest, "not name = value"),
    ])
    func whatCantBeReadIsNamedAndTheRestGoesOn(line: String, code: Problem.Code, words: String) throws {
        let read = ConfigText("miner_jobs = 2\n\(line)\nminer_cores = 0-3\n")
        #expect(read.entries.map(\.setting.key) == ["miner_jobs", "miner_cores"])
        let fault = try #require(read.faults.first)
        #expect(read.faults.count == 1)
        #expect(fault.line == 2 && fault.problem.code == code)
        #expect(fault.problem.detail.contains(words), "\(fault.problem.detail)")
    }

    /// A wrong line may hold a secret that was meant for another place.
    @Test(arguments: ["passphrase = correct horse", "pass phrase = correct horse", "miner_key = \"correct horse", "miner_key = \"x\" correct horse"])
    func aFaultNeverQuotesAValue(line: String) throws {
        let fault = try #require(ConfigText(line).faults.first)
        #expect(!fault.problem.detail.contains("horse"))
    }

    @Test func twoLinesOfOneNameAreAFault() throws {
        let read = ConfigText("miner_jobs = 2\n\nMINER_JOBS = 3")
        let fault = try #require(read.faults.first)
        #expect(fault.line == 3 && fault.problem.code == .duplicateKey)
        #expect(fault.problem.detail == "miner_jobs stands on line 1 already; keep one of the two")
    }

    @Test func aFileOfRubbishIsToldOfByItsFirstLines() {
        let rubbish = Array(repeating: "x", count: 100_000).joined(separator: "\n")
        #expect(ConfigText(rubbish).faults.count == 20)
    }

    private static func edited(_ text: String, _ setting: Setting, _ value: String?) throws -> String {
        var config = ConfigText(text)
        try config.set(setting, to: value)
        return config.text
    }

    @Test func aChangeTouchesItsLineAlone() throws {
        let text = "# mine\n\n\tMiner_Threads  =4   # all but two\n# end\nminer_jobs = 2"
        #expect(try Self.edited(text, .minerThreads, "6") == text.replacing("=4", with: "=6"))
        #expect(try Self.edited(text, .minerThreads, nil) == "# mine\n\n# end\nminer_jobs = 2")
        #expect(try Self.edited(text, .minerJobs, "3") == "# mine\n\n\tMiner_Threads  =4   # all but two\n# end\nminer_jobs = 3")
        #expect(try Self.edited(text, .minerPower, nil) == text)
        // Quotes come and go as the value needs them.
        #expect(try Self.edited("miner_data = \"a b \" # x", .minerData, "c") == "miner_data = c # x")
        #expect(try Self.edited("miner_data = c # x", .minerData, "a #b") == "miner_data = \"a #b\" # x")
        #expect(try Self.edited("miner_data =# x", .minerData, "c") == "miner_data = c # x")
        #expect(try Self.edited("miner_data = 1\r\nminer_jobs = 2\r\n", .minerData, "c") == "miner_data = c\r\nminer_jobs = 2\r\n")
    }

    @Test func aNewLineGoesBelowItsCommentedDefaultOrToTheEnd() throws {
        #expect(try Self.edited("# Watts.\n#miner_power = \n\n# More.\n", .minerPower, "90") == "# Watts.\n#miner_power = \nminer_power = 90\n\n# More.\n")
        #expect(try Self.edited("# x\n", .minerPower, "90") == "# x\nminer_power = 90\n")
        #expect(try Self.edited("# x", .minerPower, "90") == "# x\nminer_power = 90\n")
        #expect(try Self.edited("", .minerPower, "90") == "miner_power = 90\n")
        #expect(try Self.edited("miner_jobs = 2\r\n", .minerPower, "90") == "miner_jobs = 2\r\nminer_power = 90\r\n")
    }

    @Test(arguments: ["a\nminer_payout = me", "a\u{0}", "a\rb", "say \"x\" #", String(repeating: "x", count: 4097)])
    func noValueMakesASecondLineOrCantBeReadAgain(value: String) {
        #expect(throws: Problem.self) { try Self.edited("", .minerData, value) }
    }

    @Test func whatIsWrittenReadsAsItWas() throws {
        for value in ["a", "a b", " a ", "#a", "a#b", "a #b", "a\"b", "ä ✓", "mon-fri 18:00-08:00; sat 00:00-24:00"] {
            let text = try Self.edited("# head\n", .minerData, value)
            #expect(ConfigText(text).entries.map(\.value) == [value], "\(text)")
        }
    }

    @Test func twoLinesOfANameAreNotGuessedAt() {
        #expect(throws: Problem(.duplicateKey, "miner_jobs stands on lines 1, 2; keep one of them")) {
            try Self.edited("miner_jobs = 2\nminer_jobs = 3", .minerJobs, "4")
        }
    }
}
