package import Kernels
package import Wire

extension MeasuredBackend {
    package func capability(for data: RegressionData) -> Capability? { capability(Self.work("moments", data.m, data.k)) { $0.capability(for: data) } }

    package func slope(
        at point: RegressionPoint, x: Tensor, y: Tensor, squares: Bool, weighs: Bool, control: RunControl
    ) throws(Problem) -> RegressionSlope {
        try point.check(x: x, y: y)
        let data = RegressionData(m: x.shape[0], k: x.shape[1])
        var slope: RegressionSlope?
        try run(Self.work("slope \(point.kind)", data.m, data.k), operations: Int64(data.m) * Int64(data.k), control) {
            $0.capability(for: data)
        } _: { member, control throws(Problem) in
            slope = try member.slope(at: point, x: x, y: y, squares: squares, weighs: weighs, control: control)
        }
        guard let slope else { throw Problem(.internalError, "a regression's pass gave nothing") }
        return slope
    }

    package func gram(x: Tensor, last: Tensor?, centre: [Double], weights: [Double]?, control: RunControl) throws(Problem) -> [Double] {
        try PlainRegression.check(x, last, centre, weights)
        let data = RegressionData(m: x.shape[0], k: x.shape[1])
        var gram: [Double]?
        try run(Self.work("moments", data.m, data.k), operations: Int64(data.m) * Int64(data.k), control) {
            $0.capability(for: data)
        } _: { member, control throws(Problem) in
            gram = try member.gram(x: x, last: last, centre: centre, weights: weights, control: control)
        }
        guard let gram else { throw Problem(.internalError, "a regression's moments are nothing") }
        return gram
    }

    private static func work(_ kind: String, _ m: Int, _ k: Int) -> WorkClass { WorkClass(kind, .f64, sizes: [m, k]) }
}
