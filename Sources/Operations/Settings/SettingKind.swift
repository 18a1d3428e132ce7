import Signing
import Wire

/// What a setting's value may be: its range in words, an example, and the check.
package enum SettingKind: Sendable, Equatable {
    case integer(ClosedRange<Int>)
    /// A decimal in 0…1 with at most four places.
    case ratio
    /// One of these words, in either case.
    case choice([String])
    case chain
    case address
    /// HOST:PORT to listen on.
    case bind
    /// A service's URL.
    case url
    case path
    /// A file that holds a secret: should somebody write the secret itself instead, it must not be shown.
    case secretFile
    /// An operator's limit, read by `OperatorLimits`.
    case limit(LimitName)
    /// Reserved: any text.
    case reserved

    /// What it must be, to follow "it must be".
    package var range: String {
        switch self {
        case .integer(let range): "an integer in \(range.lowerBound)...\(range.upperBound)"
        case .ratio: "a decimal in 0...1 with at most four places"
        case .choice(let words): words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        case .chain: "1 to 32 characters of a-z, 0-9 and -"
        case .address: "an address, ait1 and 38 characters"
        case .bind: "HOST:PORT with a port in 0...65535"
        case .url: "http:// or https://, a host and perhaps a port"
        case .path: "a path"
        case .secretFile: "the path of a file of mode 0600"
        case .limit(let name): name.range
        case .reserved: "a text"
        }
    }

    package var example: String {
        switch self {
        case .integer(let range): String(range.contains(100) ? 100 : range.lowerBound)
        case .ratio: "0.05"
        case .choice(let words): words.first ?? ""
        case .chain: "ait-devnet"
        case .address: Address.treasury.text
        case .bind: "127.0.0.1:8100"
        case .url: "https://coordinator.example"
        case .path: "./data/miner"
        case .secretFile: "./passphrase"
        case .limit(let name): Self.example(name)
        case .reserved: "nothing yet"
        }
    }

    private static func example(_ name: LimitName) -> String {
        switch name {
        case .threads: "6"
        case .cores: "0-3,8"
        case .memoryMB, .openclMemoryMB: "4096"
        case .diskMB: "20000"
        case .bandwidthKB: "2000"
        case .jobs: "1"
        case .kernels: "gemm,compute"
        case .dtypes: "f32,i8"
        case .priceFloor: "40"
        case .idleOnly, .battery: "on"
        case .schedule: WeeklySchedule.example
        case .temperature: "75"
        case .temperatureMax: "85"
        case .power: "150"
        case .utilisation: "80"
        }
    }

    /// What is wrong with a text, "" where `range` says it all; nil for a good one. The text is never empty: that counts as absent.
    func fault(_ text: String) -> String? {
        switch self {
        case .integer(let range): Int(text).map(range.contains) == true ? nil : ""
        case .ratio: Self.isRatio(text) ? nil : ""
        case .choice(let words): words.contains(text.lowercased()) ? nil : ""
        case .chain: Self.fault { () throws(Problem) in _ = try ChainID(text) }.map { _ in "" }
        case .address: Self.fault { () throws(Problem) in _ = try Address(text) }
        case .bind: Self.isBind(text) ? nil : ""
        case .url: text.hasPrefix("http://") || text.hasPrefix("https://") ? nil : ""
        case .limit(let name):
            Self.fault { () throws(Problem) in
                var limits = OperatorLimits()
                try limits.set(name, text)
            }.map { $0.hasPrefix("\(name.rawValue) is ") ? "" : $0 }
        case .path, .secretFile, .reserved: nil
        }
    }

    private static func fault(_ read: () throws(Problem) -> Void) -> String? {
        do throws(Problem) {
            try read()
            return nil
        } catch {
            return error.detail
        }
    }

    private static func isRatio(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isPlain = parts.count <= 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }
        guard isPlain, parts.count == 1 || parts[1].utf8.count <= 4, let number = Double(text) else { return false }
        return (0...1).contains(number)
    }

    private static func isBind(_ text: String) -> Bool {
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex, let port = Int(text[text.index(after: colon)...]) else { return false }
        return (0...65_535).contains(port)
    }
}
