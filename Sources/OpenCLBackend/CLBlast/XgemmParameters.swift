/// The parameters of CLBlast's kernel `Xgemm`, and which of them go together.
///
/// Source: CLBlast 1.5, src/tuning/kernels/xgemm.hpp: names, ranges and constraints for GEMMK = 0.
struct XgemmParameters: Hashable, Sendable {
    static let names = [
        "GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB", "NDIMC", "NWG", "SA", "SB", "STRM", "STRN", "VWM", "VWN",
    ]

    /// In the order of `names`.
    var values: [Int]

    /// - Parameters: cells of a group, its items, the stretch of k, widths of vectors, whether A and B go through local memory.
    init(mwg: Int, nwg: Int, kwg: Int, mdimc: Int, ndimc: Int, vwm: Int, vwn: Int, local: Bool) {
        let isLocal = local ? 1 : 0
        values = [0, 1, kwg, 2, mdimc, mdimc, mwg, ndimc, ndimc, nwg, isLocal, isLocal, 0, 0, vwm, vwn]
    }

    init?(values: [Int]) {
        guard values.count == Self.names.count else { return nil }
        self.values = values
    }

    private subscript(_ name: String) -> Int { Self.names.firstIndex(of: name).map { values[$0] } ?? 0 }

    var named: [(name: String, value: Int)] { zip(Self.names, values).map { (name: $0, value: $1) } }

    /// Whether CLBlast's kernel is right with them and the device can run it.
    func isValid(localBytes: Int, largestGroup: Int, elementBytes: Int) -> Bool {
        let (kwg, kwi, mdima, mdimc, mwg) = (self["KWG"], self["KWI"], self["MDIMA"], self["MDIMC"], self["MWG"])
        let (ndimb, ndimc, nwg, vwm, vwn) = (self["NDIMB"], self["NDIMC"], self["NWG"], self["VWM"], self["VWN"])
        guard ([kwg, kwi, mdima, mdimc, mwg, ndimb, ndimc, nwg, vwm, vwn].allSatisfy { (1...256).contains($0) }), self["GEMMK"] == 0, self["KREG"] == 1 else {
            return false
        }
        let items = mdimc * ndimc
        guard items <= largestGroup, items % mdima == 0, items % ndimb == 0 else { return false }
        let local = (self["SA"] * kwg * mwg + self["SB"] * kwg * nwg) * elementBytes
        return kwg % kwi == 0 && mwg % (mdimc * vwm) == 0 && nwg % (ndimc * vwn) == 0 && mwg % (mdima * vwm) == 0 && nwg % (ndimb * vwn) == 0
            && kwg % (items / mdima) == 0 && kwg % (items / ndimb) == 0 && local <= localBytes
    }

    /// Where a search begins: what CLBlast's database and published tunings have for recent NVIDIA, AMD and Intel devices.
    static let starts = [
        XgemmParameters(mwg: 64, nwg: 64, kwg: 32, mdimc: 16, ndimc: 16, vwm: 4, vwn: 4, local: true),
        XgemmParameters(mwg: 128, nwg: 64, kwg: 32, mdimc: 16, ndimc: 16, vwm: 4, vwn: 4, local: true),
        XgemmParameters(mwg: 128, nwg: 128, kwg: 16, mdimc: 16, ndimc: 16, vwm: 4, vwn: 4, local: true),
        XgemmParameters(mwg: 64, nwg: 128, kwg: 16, mdimc: 8, ndimc: 16, vwm: 2, vwn: 4, local: true),
        XgemmParameters(mwg: 64, nwg: 64, kwg: 16, mdimc: 8, ndimc: 8, vwm: 2, vwn: 2, local: true),
        XgemmParameters(mwg: 64, nwg: 64, kwg: 32, mdimc: 8, ndimc: 8, vwm: 4, vwn: 4, local: false),
        XgemmParameters(mwg: 32, nwg: 32, kwg: 32, mdimc: 8, ndimc: 8, vwm: 2, vwn: 2, local: false),
    ]

    /// Parameters one step away, in one of the sizes or switches.
    var neighbours: [XgemmParameters] {
        let choices: [(names: [String], values: [Int])] = [
            (["MWG"], [16, 32, 64, 128]), (["NWG"], [16, 32, 64, 128]), (["KWG"], [16, 32]), (["MDIMC", "MDIMA"], [8, 16, 32]),
            (["NDIMC", "NDIMB"], [8, 16, 32]), (["MDIMA"], [8, 16, 32]), (["NDIMB"], [8, 16, 32]), (["VWM"], [1, 2, 4, 8]), (["VWN"], [1, 2, 4, 8]),
            (["SA"], [0, 1]), (["SB"], [0, 1]), (["STRM"], [0, 1]), (["STRN"], [0, 1]),
        ]
        return choices.flatMap { choice in
            choice.values.map { value in
                var copy = self
                for name in choice.names { if let index = Self.names.firstIndex(of: name) { copy.values[index] = value } }
                return copy
            }
        }.filter { $0 != self }
    }
}
