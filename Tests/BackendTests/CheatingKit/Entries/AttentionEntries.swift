import Kernels
import TestSupport
import Wire

@testable import Kernels

extension CheatingKit {
    static let attentions: [KitEntry] = [
        attention("F32, every row checked", .f32, heads: 5, queries: 80...90, d: 16),
        attention("F32, causal, every row checked", .f32, heads: 5, queries: 80...90, d: 16, causal: true),
        attention("BF16, every row checked", .bf16, heads: 5, queries: 80...90, d: 16),
        attention("BF16, causal, every row checked", .bf16, heads: 5, queries: 80...90, d: 16, causal: true),
        attention("F32, 512 of 900 to 1080 rows checked", .f32, heads: 3, queries: 300...360, keys: 40, d: 8),
    ]

    private static func attention(
        _ title: String, _ dtype: DType, heads: Int, queries: ClosedRange<Int>, keys: Int? = nil, d: Int, causal: Bool = false
    ) -> KitEntry {
        let sizes = "\(heads) heads of \(queries.lowerBound) to \(queries.upperBound) queries and \(keys.map { "\($0)" } ?? "as many") keys, d = \(d)"
        return KitEntry("attention", title, sizes) { workshop, random in
            let queries = random.draw(queries)
            let work = try AttentionJob(dtype, heads: heads, queries: queries, keys: keys ?? queries, d: d, causal: causal, seed: random.next())
            let others = try workshop.run(work.kernel, try workshop.normal(work.kernel.inputs, &random))
            // Weights in BF16 are right to 2^−9 each.
            let limit = dtype == .bf16 ? 0.02 : 1e-5
            var job = try CheatedJob(work.kernel, work.inputs, others: others, workshop) { _ in .rows(drawn: AttentionVerifier.rowCount, limit: limit) }
            job.special = AttentionCheat.allCases.filter { $0.applies(to: work) }.map { cheat in
                // Beyond its column's values: every output is looked at for that.
                Cheat(cheat.rawValue, promise: cheat == .outside ? .surely : nil) { job, random in
                    [try cheat.output(work, right: job.right[0], on: workshop.backend, seed: random.next() >> 8)]
                }
            }
            return job
        }
    }
}
