import Wire

/// Training by its definition, in plain Swift: slow, and what everything else is compared with.
///
/// All in binary32. Every sum is panel-256 (`Panel256`): products over inputs, gradients over the batch's rows in order, losses over rows.
/// Every other operation is rounded once, in the order written here, which PROTOCOL section 9 repeats.
enum PlainTraining {
    static func train(
        _ plan: TrainingPlan, _ data: TrainingData, steps: Range<Int>, state: inout [Float], control: RunControl
    ) throws(Problem) -> TrainingStretch {
        var order = TrainingOrder(plan, from: steps.lowerBound * plan.batch)
        let (rates, epsilons) = plan.rates(steps)
        var stretch = TrainingStretch(losses: [])
        for (index, step) in steps.enumerated() {
            try control.step(Double(index) / Double(steps.count))
            let rows = order.rows(plan.batch).map { Int($0) }
            let pass = PlainStep(plan, data, rows, state)
            let loss = pass.loss + 0
            stretch.losses.append(loss.isNaN ? .nan : loss)
            guard loss.isFinite else {
                stretch.divergedAt = step
                return stretch
            }
            Self.move(plan, pass.gradient(state), rates[index], epsilons.isEmpty ? 0 : epsilons[index], &state)
        }
        return stretch
    }

    /// Every parameter by its gradient.
    private static func move(_ plan: TrainingPlan, _ gradient: [Float], _ rate: Float, _ epsilon: Float, _ state: inout [Float]) {
        let count = plan.layers.parameterCount
        let decays = plan.decays
        for place in 0..<count {
            let g = gradient[place]
            switch plan.optimiser {
            case .sgd(_, let momentum) where momentum == 0:
                state[place] = written(state[place].addingProduct(-rate, g))
            case .sgd:
                let velocity = g.addingProduct(decays.first, state[count + place])
                state[count + place] = written(velocity)
                state[place] = written(state[place].addingProduct(-rate, velocity))
            case .adam:
                let first = (decays.firstShare * g).addingProduct(decays.first, state[count + place])
                let second = (decays.secondShare * (g * g)).addingProduct(decays.second, state[2 * count + place])
                state[count + place] = written(first)
                state[2 * count + place] = written(second)
                state[place] = written(state[place].addingProduct(-rate, first / (second.squareRoot() + epsilon)))
            }
        }
    }

    private static func written(_ x: Float) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: Panel256.canonicalBits(x))) }
}

/// One step's way there, and back.
struct PlainStep {
    private let plan: TrainingPlan
    /// What each layer takes: batch × sizes[i]; one more for the outputs.
    private var values: [[Float]]
    /// Each layer's sums before its activation.
    private var sums: [[Float]] = []
    /// The loss's gradient by the last layer's sums.
    private var outputGradient: [Float] = []
    private(set) var loss: Float = 0

    init(_ plan: TrainingPlan, _ data: TrainingData, _ rows: [Int], _ state: [Float]) {
        self.plan = plan
        let inputs = plan.layers.sizes[0]
        values = [data.x.withElements(as: Float.self) { x in rows.flatMap { row in (0..<inputs).map { x[row * inputs + $0] } } }]
        for layer in 0..<plan.layers.count {
            let (width, next, start) = (plan.layers.sizes[layer], plan.layers.sizes[layer + 1], plan.layers.offset(layer))
            let taken = values[layer]
            let z = (0..<plan.batch * next).map { cell in
                let (row, column) = cell.quotientAndRemainder(dividingBy: next)
                let product = panel(width) { ($0).addProduct(taken[row * width + $1], state[start + $1 * next + column]) }
                return product + state[start + width * next + column]
            }
            sums.append(z)
            values.append(z.map { plan.layers.activations[layer].apply($0) })
        }
        compare(data, rows)
    }

    /// A product's cell by the rule, −0 as +0.
    private func panel(_ count: Int, _ accumulate: (inout Float, Int) -> Void) -> Float { (Panel256.sum(count: count, accumulate) as Float) + 0 }

    private mutating func compare(_ data: TrainingData, _ rows: [Int]) {
        let (outputs, last) = (plan.layers.sizes[plan.layers.count], plan.layers.count - 1)
        let (y, scale) = (values[plan.layers.count], plan.gradientScale)
        var losses: [Float] = []
        for (place, row) in rows.enumerated() {
            let line = Array(y[place * outputs..<(place + 1) * outputs])
            if let targets = data.targets {
                let error = targets.withElements(as: Float.self) { targets in (0..<outputs).map { line[$0] - targets[row * outputs + $0] } }
                losses.append(Panel256.sum(count: outputs) { $0.addProduct(error[$1], error[$1]) })
                for (column, e) in error.enumerated() {
                    let z = sums[last][place * outputs + column]
                    outputGradient.append(plan.layers.activations[last].chain(e * scale, x: z, y: line[column]))
                }
            } else {
                let label = Int(data.labels[row])
                let largest = line.reduce(-Float.infinity) { $1 > $0 ? $1 : $0 }
                let powers = line.map { Float.exp($0 - largest) }
                let sum: Float = Panel256.sum(count: outputs) { $0 = $0 + powers[$1] }
                losses.append(Float.log(sum) - (line[label] - largest))
                for (column, power) in powers.enumerated() { outputGradient.append((power / sum - (column == label ? 1 : 0)) * scale) }
            }
        }
        loss = (Panel256.sum(count: losses.count) { $0 = $0 + losses[$1] } as Float) / plan.lossDivisor
    }

    /// The loss's gradient by every parameter, in the state's order.
    func gradient(_ state: [Float]) -> [Float] {
        var gradient = [Float](repeating: 0, count: plan.layers.parameterCount)
        var behind = outputGradient
        for layer in (0..<plan.layers.count).reversed() {
            let (width, next, start) = (plan.layers.sizes[layer], plan.layers.sizes[layer + 1], plan.layers.offset(layer))
            let (taken, d) = (values[layer], behind)
            for input in 0..<width {
                for column in 0..<next {
                    gradient[start + input * next + column] = panel(plan.batch) { $0.addProduct(taken[$1 * width + input], d[$1 * next + column]) }
                }
            }
            for column in 0..<next { gradient[start + width * next + column] = panel(plan.batch) { $0 = $0 + d[$1 * next + column] } }
            guard layer > 0 else { break }
            behind = (0..<plan.batch * width).map { cell in
                let (row, input) = cell.quotientAndRemainder(dividingBy: width)
                let product = panel(next) { $0.addProduct(d[row * next + $1], state[start + input * next + $1]) }
                return plan.layers.activations[layer - 1].chain(product, x: sums[layer - 1][cell], y: taken[cell])
            }
        }
        return gradient
    }
}
