package import Wire

/// What a fuzzer feeds: each target reads bytes that anybody could have sent, and says what must be true of whatever was accepted.
///
/// The same functions run under libFuzzer (`scripts/fuzz`) and, over the kept corpus, in the test suite.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case json, transaction, block, genesis, proof, safetensors, numpy, bech32, range, request, message, keyfile, settings, schedule, certificate

    /// A property that doesn't hold: as much a find as a trap.
    package struct Broken: Error, CustomStringConvertible {
        package let description: String
        init(_ description: String) { self.description = description }
    }

    /// Reads `bytes` as the target does. A refusal is fine; what is accepted has to keep its promises.
    package func run(_ bytes: [UInt8]) throws(Broken) {
        switch self {
        case .json: try FuzzJSON.run(bytes)
        case .transaction: try FuzzLedger.transaction(bytes)
        case .block: try FuzzLedger.block(bytes)
        case .genesis: try FuzzGenesis.run(bytes)
        case .proof: try FuzzProof.run(bytes)
        case .safetensors: try FuzzSafetensors.run(bytes)
        case .numpy: try FuzzNumpy.run(bytes)
        case .bech32: try FuzzBech32.run(bytes)
        case .range: try FuzzRange.run(bytes)
        case .request: try FuzzRequest.run(bytes)
        case .message: try FuzzMessage.run(bytes)
        case .keyfile: try FuzzKeyFile.run(bytes)
        case .settings: try FuzzSettings.run(bytes)
        case .schedule: try FuzzSchedule.run(bytes)
        case .certificate: try FuzzCertificate.run(bytes)
        }
    }

    /// Well-formed inputs to start from, made by our own encoders: names and bytes, always the same.
    package func seeds() throws(Problem) -> [(name: String, bytes: [UInt8])] {
        switch self {
        case .json: FuzzJSON.seeds
        case .transaction: try FuzzLedger.transactions()
        case .block: try FuzzLedger.blocks()
        case .genesis: try FuzzGenesis.seeds()
        case .proof: try FuzzProof.seeds()
        case .safetensors: try FuzzSafetensors.seeds()
        case .numpy: try FuzzNumpy.seeds()
        case .bech32: FuzzBech32.seeds
        case .range: FuzzRange.seeds
        case .request: FuzzRequest.seeds
        case .message: try FuzzMessage.seeds()
        case .keyfile: FuzzKeyFile.seeds
        case .settings: FuzzSettings.seeds
        case .schedule: FuzzSchedule.seeds
        case .certificate: try FuzzCertificate.seeds()
        }
    }
}

/// The value, or nil where it was refused.
func accepted<Value>(_ body: () throws(Problem) -> Value) -> Value? { try? body() }

/// - Throws: `Broken` with `what` unless `holds`.
func demand(_ holds: Bool, _ what: @autoclosure () -> String) throws(FuzzTarget.Broken) {
    guard holds else { throw FuzzTarget.Broken(what()) }
}
