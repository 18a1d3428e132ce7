import Kernels
package import Wire

// The limits as text: one name, one value. `off` and the empty text stand for "no limit" everywhere.
extension OperatorLimits {
    /// Sets one limit from its text.
    ///
    /// - Throws: `unknown_field` for a name that is none, with the nearest one; `out_of_range` for a value, with what may be written.
    package mutating func set(name: String, value: String) throws(Problem) {
        guard let known = LimitName(rawValue: name) else {
            throw Problem(.unknownField, "there is no limit \"\(name.prefix(64))\"\(NearestName.hint(name, among: LimitName.allCases.map(\.rawValue)))")
        }
        try set(known, value)
    }

    /// Sets one limit from its text; `out_of_range` says what may be written.
    package mutating func set(_ name: LimitName, _ value: String) throws(Problem) {
        let text = value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let isOff = text.isEmpty || text.lowercased() == "off" || (name.zeroIsOff && text == "0")
        switch name {
        case .threads: threads = isOff ? nil : Int(try Self.integer(name, text))
        case .jobs: jobsAtOnce = isOff ? nil : Int(try Self.integer(name, text))
        case .memoryMB: memoryBytes = isOff ? nil : try Self.integer(name, text) << 20
        case .openclMemoryMB: deviceMemoryBytes = isOff ? nil : try Self.integer(name, text) << 20
        case .diskMB: diskBytes = isOff ? nil : try Self.integer(name, text) << 20
        case .bandwidthKB: bytesPerSecond = isOff ? nil : try Self.integer(name, text) << 10
        case .priceFloor: priceFloor = isOff ? nil : try Self.integer(name, text)
        case .cores: cores = isOff ? nil : try Self.processors(name, text)
        case .kernels: kernels = isOff ? nil : try Self.names(name, text, known: KernelRegistry.names)
        case .dtypes: dtypes = isOff ? nil : try Self.names(name, text, known: DType.allCases.map { $0.rawValue.lowercased() })
        case .idleOnly: idleOnly = try Self.isOn(name, text)
        case .battery: onBattery = try Self.isOn(name, text)
        case .schedule: schedule = isOff ? nil : try WeeklySchedule(text: text)
        case .temperature: targets.temperature = isOff ? nil : try Self.number(name, text)
        case .temperatureMax: targets.hardTemperature = isOff ? nil : try Self.number(name, text)
        case .power: targets.power = isOff ? nil : try Self.number(name, text)
        case .utilisation: targets.utilisation = isOff ? nil : try Self.number(name, text) / 100
        }
    }

    /// The value that `set` reads back to the same limit.
    package func text(_ name: LimitName) -> String {
        switch name {
        case .threads: Self.text(threads.map(Int64.init))
        case .jobs: Self.text(jobsAtOnce.map(Int64.init))
        case .memoryMB: Self.text(memoryBytes.map { $0 >> 20 })
        case .openclMemoryMB: Self.text(deviceMemoryBytes.map { $0 >> 20 })
        case .diskMB: Self.text(diskBytes.map { $0 >> 20 })
        case .bandwidthKB: Self.text(bytesPerSecond.map { $0 >> 10 })
        case .priceFloor: Self.text(priceFloor)
        case .cores: cores.map { ProcessorList($0).text } ?? "off"
        case .kernels: kernels.map { $0.sorted().joined(separator: ",") } ?? "off"
        case .dtypes: dtypes.map { $0.sorted().joined(separator: ",") } ?? "off"
        case .idleOnly: idleOnly ? "on" : "off"
        case .battery: onBattery ? "on" : "off"
        case .schedule: schedule?.text ?? "off"
        case .temperature: Self.text(targets.temperature)
        case .temperatureMax: Self.text(targets.hardTemperature)
        case .power: Self.text(targets.power)
        case .utilisation: Self.text(targets.utilisation.map { ($0 * 1e8).rounded() / 1e6 })
        }
    }

    /// Every limit with its text, in the order of the list of names.
    package func describe() -> [(name: LimitName, value: String)] { LimitName.allCases.map { ($0, text($0)) } }

    private static func problem(_ name: LimitName, _ text: String) -> Problem {
        Problem(.outOfRange, "\(name.rawValue) is \"\(text.prefix(64))\"; it must be \(name.range)")
    }

    private static func integer(_ name: LimitName, _ text: String) throws(Problem) -> Int64 {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(text), let range = name.integers, range.contains(number)
        else { throw problem(name, text) }
        return number
    }

    /// A number with or without a fraction, such as 72.5.
    private static func number(_ name: LimitName, _ text: String) throws(Problem) -> Double {
        let isPlain = text.utf8.count <= 16 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        guard isPlain, let number = Double(text), let range = name.integers, (Double(range.lowerBound)...Double(range.upperBound)).contains(number)
        else { throw problem(name, text) }
        return number
    }

    private static func isOn(_ name: LimitName, _ text: String) throws(Problem) -> Bool {
        switch text.lowercased() {
        case "on", "true", "yes", "1": true
        case "off", "false", "no", "0", "": false
        default: throw problem(name, text)
        }
    }

    private static func names(_ name: LimitName, _ text: String, known: [String]) throws(Problem) -> Set<String> {
        var names: Set<String> = []
        for part in text.split(separator: ",") {
            let word = part.split(separator: " ").joined().lowercased()
            guard known.contains(word) else {
                let hint = NearestName.hint(word, among: known)
                throw Problem(.outOfRange, "\(name.rawValue): there is no \"\(word.prefix(64))\"\(hint); there are \(known.sorted().joined(separator: ", "))")
            }
            names.insert(word)
        }
        guard !names.isEmpty else { throw problem(name, text) }
        return names
    }

    private static func processors(_ name: LimitName, _ text: String) throws(Problem) -> Set<Int> {
        guard let list = ProcessorList(text.split(separator: " ").joined()) else { throw problem(name, text) }
        return list.numbers
    }

    private static func text(_ value: Int64?) -> String { value.map(String.init) ?? "off" }

    /// Without a point where there is no fraction.
    private static func text(_ value: Double?) -> String {
        guard let value else { return "off" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }
}
