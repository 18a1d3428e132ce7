import Kernels

/// The float check's results in Markdown, without date or host name, so that the same run gives the same text.
struct FloatTable {
    let check: FloatCheck
    let jobs: Int
    let shares: [(share: Double, caught: Double, expected: Double)]
    let sharesRuns: Int
    let machine: String

    var text: String {
        let (tried, offered) = check.coreTypes
        var lines = [
            "Seed \(FloatCheck.seed), \(jobs) jobs, \(check.notAdmitted) of them not for sale (`non_finite_input`), on \(machine).",
            "OpenBLAS's core types here: \(tried.joined(separator: ", ")); of these keep the rule and do honest jobs: \(offered.isEmpty ? "none" : offered.joined(separator: ", ")).",
            "",
        ]
        lines += honest("shape (each side; log-uniform)", FloatCase.Size.allCases.map { ("\($0.rawValue): \($0.words)", check.bySize[$0]) })
        lines += honest("data of A (B is of the same kind two times in three)", FloatKind.allCases.map { ($0.rawValue, check.byKind[$0]) })
        lines += honest("format", [DType.f32, .f64].map { ($0.rawValue, check.byDType[$0]) })
        lines += honest("device", check.byBackend.keys.sorted().map { ($0, check.byBackend[$0]) })
        lines += cheats("cheat, on ordinary data", check.ordinary)
        lines += cheats("cheat, on other data", check.others)
        lines += ["| share of cells off by one bit | caught | 1 − (1−f)^512 |", "| --- | --- | --- |"]
        for row in shares { lines.append("| \(row.share * 100) % | \(percent(row.caught)) of \(sharesRuns) | \(percent(row.expected)) |") }
        return lines.joined(separator: "\n") + "\n"
    }

    private func honest(_ title: String, _ rows: [(String, FloatCheck.Honest?)]) -> [String] {
        var lines = ["| \(title) | jobs | cells | bits differ | refused | looked at twice | largest R/T |", "| --- | --- | --- | --- | --- | --- | --- |"]
        var total = FloatCheck.Honest()
        for (name, row) in rows {
            guard let row else { continue }
            lines.append(line(name, row))
            total.jobs += row.jobs
            total.cells += row.cells
            total.different += row.different
            total.refused += row.refused
            total.suspicious += row.suspicious
            total.worstRatio = max(total.worstRatio, row.worstRatio)
        }
        return lines + [line("**all**", total), ""]
    }

    private func line(_ name: String, _ row: FloatCheck.Honest) -> String {
        "| \(name) | \(row.jobs) | \(row.cells) | \(row.different) | \(row.refused) | \(row.suspicious) | \(short(row.worstRatio)) |"
    }

    private func cheats(_ title: String, _ rows: [FloatCheat: FloatCheck.Cheated]) -> [String] {
        var lines = [
            "| \(title) | runs | right bits all the same | refused | passed | expected of the 512 cells alone |", "| --- | --- | --- | --- | --- | --- |",
        ]
        for cheat in FloatCheat.allCases {
            guard let row = rows[cheat] else { continue }
            lines.append("| \(cheat.rawValue) | \(row.runs) | \(row.harmless) | \(row.refused) | \(row.passed.count) | \(short(row.expected)) |")
        }
        return lines + [""]
    }

    private func percent(_ share: Double) -> String { "\((share * 10_000).rounded() / 100) %" }

    private func short(_ value: Double) -> String { value == 0 || value >= 0.01 ? "\((value * 100).rounded() / 100)" : "< 0.01" }
}
