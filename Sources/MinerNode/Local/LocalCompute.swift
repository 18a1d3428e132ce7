import ChainClient
import HTTPServing
import Hummingbird
import Jobs
import Kernels
import Wire

/// Work that the operator's own programs ask this machine for: small tasks, here or through the coordinator, and aggregates of tensors.
///
/// What is computed here is neither checked nor paid, and says so. It takes its turn among the jobs.
struct LocalCompute: Sendable {
    let turns: DeviceTurns
    let permit: WorkPermit
    let warden: DeviceWarden
    let limits: LiveLimits
    let http: HTTPClient
    let coordinator: BaseURL

    /// The longest local work: seconds of a slow core, so that a page can't hold up a job for long.
    static let maxOperations: Int64 = 1_000_000_000
    /// A body of that many numbers as text.
    static let bodyBytes = 8 << 20

    /// Runs a kernel on the device that a job would get.
    ///
    /// - Throws: `unavailable` while nothing may be computed here, saying why; the kernel's and the device's problems.
    func run(_ kernel: any Kernel, _ inputs: [Tensor]) async throws(Problem) -> (outputs: [Tensor], device: String) {
        guard kernel.operations <= Self.maxOperations else {
            throw Problem(.tooManyUnits, "that is \(kernel.operations) operations, and here \(Self.maxOperations) are done at most: ask the coordinator")
        }
        if let halt = permit.halt, halt.holds { throw Problem(.unavailable, "paused: \(halt.reason.meaning); \(halt.reason.remedy)") }
        let control = WorkControl()
        let turn = try await turns.take(kernel, control)
        defer { turns.leave(turn) }
        let device = turn.device
        let (permit, limit) = (permit, limits.memoryCap)
        let outputs = try await device.run("adit-local", isQuick: false, patience: warden.patience(operations: kernel.operations, speed: nil), control) {
            (signs) throws(Problem) in
            try kernel.run(
                inputs, on: device.backend, control: control.run(brake: signs.brake(permit) { control.isStopped }, sign: { signs.sign() }), limit: limit)
        }
        return (outputs, control.device ?? device.backend.device)
    }

    // MARK: tasks

    /// A task with its input in the request, as the coordinator's unsigned ones: computed here at once.
    func task(_ bytes: [UInt8]) async throws(Problem) -> JSON {
        let task = try InlineTask(json: JSON.parse(bytes, reals: true))
        let spec = try task.spec(root: TensorRoot.root(of: task.bytes))
        let kernel = try spec.kernel()
        guard let x = kernel.inputs.first, kernel.inputs.count == 1 else { throw Problem(.badParams, "a task has one input here") }
        let (outputs, device) = try await run(kernel, [try Tensor(x, try TensorBuffer(task.bytes))])
        return [
            "status": "completed", "type": .string(task.type), "result": outputs.first.map { Self.numbers($0) } ?? .null, "device": .string(device),
            "paid": false, "verified": false,
        ]
    }

    /// Hands a request on to the coordinator, which has it paid by its sponsor, computed by whoever is free, and checked.
    func forward(_ method: HTTPMethod, _ path: String, _ body: [UInt8]? = nil) async throws(Problem) -> JSON {
        let headers: [(name: String, value: String)] = body == nil ? [] : [("Content-Type", "application/json")]
        let request = ChainClient.HTTPRequest(method, coordinator, path: path, headers: headers, body: body.map { BytesSource($0) })
        return try JSON.parse(try await http.send(request).checked().body, reals: true)
    }

    // MARK: aggregates

    /// The mean, or the weighted sum, of tensors of one shape: `{"tensors": [{"shape", "values"}…], "weights"?, "mode"?}`.
    ///
    /// Σ wᵢ·Tᵢ in F64, each product and each sum rounded once, in the order of the list; the mean is the sum divided by the count.
    func aggregate(_ json: JSON) async throws(Problem) -> JSON {
        let request = try AggregateRequest(json: json)
        var device = ""
        var terms: [Tensor] = []
        for (index, values) in request.tensors.enumerated() {
            let x = try Self.tensor(index == 0 ? "x" : "t\(index)", values)
            guard let weight = request.weights?[index] else {
                terms.append(x)
                continue
            }
            let scale = try ComputeKernel(
                params: ["operations": [["op": "mul", "value": .string("\(weight)")]]], inputs: [try TensorDescriptor(name: "x", dtype: .f64, shape: x.shape)])
            let (scaled, name) = try await run(scale, [try Tensor(scale.inputs[0], x.buffer)])
            device = name
            terms.append(try Tensor(x.descriptor, scaled[0].buffer))
        }
        // A chain has at most 32 operations; the last one may be the mean's division.
        var sum = terms[0]
        var rest = terms.dropFirst()
        repeat {
            let part = rest.prefix(31)
            rest = rest.dropFirst(part.count)
            var operations = part.map { JSON.object(JSONObject(distinct: [("op", "add"), ("with", .string($0.descriptor.name))])) }
            if rest.isEmpty, request.isMean { operations.append(["op": "div", "value": .string("\(Double(terms.count))")]) }
            guard !operations.isEmpty else { break }
            let kernel = try ComputeKernel(params: ["operations": .array(operations)], inputs: [sum.descriptor] + part.map(\.descriptor))
            let (outputs, name) = try await run(kernel, [sum] + part)
            device = name
            sum = try Tensor(sum.descriptor, outputs[0].buffer)
        } while !rest.isEmpty
        return [
            "shape": .array(request.shape.map { .integer(Int64($0)) }), "values": Self.numbers(sum), "count": .integer(Int64(terms.count)),
            "device": .string(device), "paid": false, "verified": false,
        ]
    }

    private static func tensor(_ name: String, _ values: [Double]) throws(Problem) -> Tensor {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 8)
        for value in values { for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) } }
        return try Tensor(TensorDescriptor(name: name, dtype: .f64, shape: [values.count]), try TensorBuffer(bytes))
    }

    /// A flat list; a scalar is one number. What is no number is a text.
    private static func numbers(_ tensor: Tensor) -> JSON {
        let values = tensor.withElements(as: Double.self) { span in span.indices.map { span[$0] } }
        let items = values.map { (value: Double) -> JSON in
            if value.isNaN { return "NaN" }
            guard value.isFinite else { return .string(value < 0 ? "-Infinity" : "Infinity") }
            return value >= 0 && value.rounded() == value && value <= Double(JSON.maxInteger) ? .integer(Int64(value)) : .real(value)
        }
        return tensor.shape.isEmpty ? items.first ?? .null : .array(items)
    }
}

/// Tensors to be aggregated, as they stand in a request.
struct AggregateRequest: Sendable {
    /// Row-major, all of one shape.
    let tensors: [[Double]]
    let shape: [Int]
    /// One for each tensor; nil: each counts once.
    let weights: [Double]?
    let isMean: Bool

    static let maxTensors = 256
    /// Of all tensors together: 2 MiB of F64, some 5 MB of text.
    static let maxElements = 262_144

    /// Throws `missing_field`, `wrong_type`, `shape_mismatch`, `out_of_range`, `unknown_field`.
    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "aggregate")
        let items = try fields.array("tensors", maxCount: Self.maxTensors)
        let mode = try fields.optionalString("mode", maxBytes: 16)
        let weights = fields.optional("weights")
        try fields.finish()
        guard let first = items.first else { throw Problem(.outOfRange, "an aggregate has at least one tensor") }
        shape = try Self.shape(of: first)
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= Self.maxElements else { throw Problem(.outOfRange, "all tensors have at most \(Self.maxElements) elements together") }
            count = product
        }
        guard count >= 1, count <= Self.maxElements / items.count else {
            throw Problem(.outOfRange, "all tensors have 1 … \(Self.maxElements) elements together")
        }
        var tensors: [[Double]] = []
        for item in items {
            guard try Self.shape(of: item) == shape else { throw Problem(.shapeMismatch, "all tensors have the shape of the first, \(shape)") }
            var inner = try JSONFields(item, "tensor")
            _ = try inner.array("shape", maxCount: 8)
            let values = try Self.numbers(try inner.array("values", maxCount: count), "values")
            try inner.finish()
            guard values.count == count else { throw Problem(.shapeMismatch, "a tensor of \(shape) has \(count) values") }
            tensors.append(values)
        }
        self.tensors = tensors
        self.weights = try weights.map { (value) throws(Problem) in
            guard let list = value.arrayValue, list.count == items.count else { throw Problem(.shapeMismatch, "there is one weight for each tensor") }
            return try Self.numbers(list, "weights")
        }
        switch mode {
        case nil: isMean = weights == nil
        case "mean": isMean = true
        case "sum": isMean = false
        default: throw Problem(.outOfRange, "mode is mean or sum")
        }
    }

    private static func shape(of item: JSON) throws(Problem) -> [Int] {
        var fields = try JSONFields(item, "tensor")
        var shape: [Int] = []
        for extent in try fields.array("shape", maxCount: 8) {
            guard let number = extent.integerValue, (1...Int64(maxElements)).contains(number) else {
                throw Problem(.outOfRange, "a shape holds whole numbers, 1 … \(maxElements)")
            }
            shape.append(Int(number))
        }
        return shape
    }

    private static func numbers(_ items: [JSON], _ what: String) throws(Problem) -> [Double] {
        var numbers: [Double] = []
        numbers.reserveCapacity(items.count)
        for item in items {
            guard let number = item.doubleValue, number.isFinite else { throw Problem(.wrongType, "\"\(what)\" is a list of numbers") }
            numbers.append(number)
        }
        return numbers
    }
}
