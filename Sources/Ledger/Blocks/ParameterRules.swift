import Signing
import Wire

// PARAM_UPDATE: the admin changes a rule, from the next block on (PROTOCOL section 3).
extension BlockRun {
    mutating func execute(_ update: ParameterUpdate, from sender: Address) throws(Problem) {
        guard sender == parameters.admin.address else { throw Problem(.forbidden, "only the chain's admin changes parameters") }
        overlay.set(RecordKey(.param, update.key), .parameter(try update.checkedValue()))
    }
}

extension ParameterUpdate {
    /// The value as its record holds it.
    ///
    /// Each parameter has its own range, whatever the others are, so updates in one block can't spoil each other.
    /// - Throws: `bad_params` for a name that isn't a parameter's, `wrong_type` for a list in place of an integer or the other
    ///   way round, `out_of_range` outside the parameter's range or without an authority.
    func checkedValue() throws(Problem) -> JSON {
        switch value {
        case .integer(let number):
            guard let parameter = Parameter(rawValue: key) else { throw misfit() }
            try parameter.check(number)
            return .integer(number)
        case .keys(let keys):
            guard Parameters.listIDs.contains(key) else { throw misfit() }
            guard !keys.isEmpty || key != Parameters.authoritiesID else { throw Problem(.outOfRange, "a chain needs an authority") }
            return PublicKey.json(keys)
        }
    }

    /// Why there is nothing of this name and kind to change.
    private func misfit() -> Problem {
        if Parameters.listIDs.contains(key) { return Problem(.wrongType, "\(key) takes a list of keys") }
        if Parameter(rawValue: key) != nil { return Problem(.wrongType, "\(key) takes an integer") }
        return Problem(.badParams, "there is no parameter \"\(key.prefix(64))\" that a transaction may change")
    }
}
