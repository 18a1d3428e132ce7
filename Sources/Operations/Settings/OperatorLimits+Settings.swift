package import Wire

extension OperatorLimits {
    /// The limits that settings name.
    ///
    /// - Parameter value: a setting's value as it is written, from wherever it comes; nil where nothing is said.
    /// - Throws: `out_of_range` for a value that can't be read, with what it may be and an example.
    package init(settings value: (Setting) -> String?) throws(Problem) {
        self.init()
        for setting in Setting.limits {
            guard case .limit(let name) = setting.kind, let text = value(setting) else { continue }
            try setting.check(text)
            try set(name, text)
        }
    }
}
