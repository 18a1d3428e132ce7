import Operations
import Wire

/// Config files, which people and other programs write: kept to the letter, and changed in one value alone.
enum FuzzSettings {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        let text = String(decoding: bytes, as: UTF8.self)
        let config = ConfigText(text)
        try demand(config.text.utf8.elementsEqual(text.utf8), "a file is given back otherwise than it was read")
        for entry in config.entries where !entry.value.isEmpty { try limit(entry) }
        guard config.faults.isEmpty else { return }
        // Each costs a reading of the whole file.
        for entry in config.entries.prefix(3) {
            for value in [entry.value, "a # b", nil] { try change(config, entry.setting, to: value) }
        }
    }

    /// A limit that the check takes can be set, and is written as a text that sets the same.
    private static func limit(_ entry: ConfigText.Entry) throws(FuzzTarget.Broken) {
        guard case .limit(let name) = entry.setting.kind, accepted({ () throws(Problem) in try entry.setting.check(entry.value) }) != nil else { return }
        guard let limits = set(name, entry.value) else { throw FuzzTarget.Broken("\(name.rawValue): what the check takes can't be set") }
        let written = limits.text(name)
        // A schedule may come out longer than one may be.
        guard written.utf8.count <= 4096 else { return }
        try demand(set(name, written).map { $0.text(name) } == written, "\(name.rawValue): what is written sets something else")
    }

    private static func set(_ name: LimitName, _ value: String) -> OperatorLimits? {
        accepted { () throws(Problem) in
            var limits = OperatorLimits()
            try limits.set(name, value)
            return limits
        }
    }

    private static func change(_ config: ConfigText, _ setting: Setting, to value: String?) throws(FuzzTarget.Broken) {
        let changed = accepted { () throws(Problem) in
            var changed = config
            try changed.set(setting, to: value)
            return changed
        }
        guard let changed else { return }
        func others(_ config: ConfigText) -> [String] { config.entries.filter { $0.setting.name != setting.name }.map { "\($0.setting.name)=\($0.value)" } }
        let now = changed.entries.first { $0.setting.name == setting.name }?.value
        try demand(changed.faults.isEmpty && now == value, "\(setting.key) was set to another value than it has now")
        try demand(others(changed) == others(config), "another value changed with \(setting.key)")
    }

    static let seeds: [(name: String, bytes: [UInt8])] = [
        (
            "whole",
            """
            # Settings
            chain_id = ait-devnet
            #miner_threads = 0
            miner_threads = 6 # of eight
            miner_cores=0-3,8
            miner_kernels = gemm, compute
            miner_dtypes = f32,i8
            miner_schedule = "mon-fri 18:00-08:00; sat,sun 00:00-24:00"
            miner_temperature = 72.5
            miner_utilisation = 80
            miner_idle_only = on
            coordinator_url = https://user:secret@coordinator.example

            """
        ),
        ("crlf", "miner_bind = 127.0.0.1:8100\r\n\r\nminer_data = ./my data\r\n"),
        ("mark", "\u{FEFF}miner_jobs = 2\nminer_power ="),
        ("faults", "miner_thread = 1\nminer_jobs 2\nminer_jobs = \"2\nminer_jobs = 2\nminer_jobs = 3\nadit_config = x\n"),
    ].map { ($0.0, Array($0.1.utf8)) }
}
