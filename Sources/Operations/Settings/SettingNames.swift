import Wire

/// Names that were probably meant.
package enum SettingNames {
    /// The setting whose name is nearest to one that nobody knows; nil where none is near. A name without its service (`temperature` for
    /// `miner_temperature`) is near, too.
    package static func nearest(to name: String) -> Setting? {
        let name = name.uppercased().replacing("-", with: "_")
        if let whole = Setting.all.first(where: { $0.name == name || $0.name.hasSuffix("_\(name)") }) { return whole }
        if let near = NearestName.of(name, among: Setting.all.map(\.name)) { return Setting.all.first { $0.name == near } }
        let short = NearestName.of(name, among: Setting.limits.map(\.shortKey))
        return Setting.limits.first { $0.shortKey == short }
    }

    /// Variables of an environment that look like settings and aren't, each with the one that was probably meant.
    ///
    /// - Parameter places: names with the place where each stands, such as `the environment` or `.env:3`.
    package static func warnings(_ places: [(name: String, place: String)]) -> [String] {
        places.sorted { ($0.place, $0.name) < ($1.place, $1.name) }.compactMap { name, place in
            guard Setting.named(name) == nil, isSuspicious(name) else { return nil }
            let meant = nearest(to: name).map { "; did you mean \($0.name)?" } ?? "; adit config init lists those that are"
            return "\(place) has \(name), which is no setting\(meant)"
        }
    }

    /// Other programs' variables must not be blamed: only what begins as ours do, or differs from one of ours by a letter in five.
    ///
    /// Container platforms announce a service called `miner` by MINER_PORT, MINER_SERVICE_HOST and the like.
    private static func isSuspicious(_ name: String) -> Bool {
        guard name.utf8.count <= 64, !name.contains("_PORT"), !name.contains("_SERVICE_") else { return false }
        if ["MINER_", "COORDINATOR_", "SPONSOR_", "ADIT_CONF"].contains(where: name.hasPrefix) { return true }
        let letters = max(1, name.utf8.count / 5)
        return Setting.all.contains { abs($0.name.utf8.count - name.utf8.count) <= letters && EditDistance.between(name.utf8, $0.name.utf8) <= letters }
    }
}
