import Kernels
import Wire

/// Finds out what a device can promise, and by which engine: known answers first, then a short measurement whose outcome is kept.
struct EngineChooser {
    static let clblastName = "clblast"
    /// Counts up when kernels or candidates change, so that old choices don't stand.
    private static let version = "1"

    let device: FoundDevice
    let options: OpenCLOptions

    struct Outcome {
        var engines: [Arithmetic: ChosenEngine] = [:]
        var chains: Set<DType> = []
        var rows: Set<DType> = []
        var convolutions: [DType: ChosenEngine] = [:]
        var attentions: [DType: ChosenEngine] = [:]
        var notes: [String] = []
    }

    private var description: DeviceDescription { device.description }

    private var fingerprint: Digest {
        let parts = [Self.version, description.platform, description.vendor, description.name, description.driver, description.version]
        return SHA256.hash(utf8: (["adit.opencl.choice"] + parts).joined(separator: "\n"))
    }

    func choose(on workplace: inout Workplace) throws(Problem) -> Outcome {
        var outcome = Outcome()
        let kept = options.isMeasured ? ChoiceFile.load(options.cacheFolder, fingerprint) : nil
        var file = kept ?? ChoiceFile()
        for dtype in [DType.i8, .f32, .f64] {
            if dtype == .f64, !description.hasF64 {
                outcome.notes.append("no F64: the device doesn't have it")
                continue
            }
            do throws(Problem) {
                try choose(dtype, on: &workplace, &file, &outcome)
                if dtype != .i8 { try chooseElementwise(dtype, on: &workplace, &outcome) }
            } catch {
                outcome.notes.append("no \(dtype.rawValue): \(error.detail)")
                workplace.close()
            }
        }
        if options.isMeasured, file != kept { file.save(options.cacheFolder, fingerprint) }
        return outcome
    }

    private func choose(_ dtype: DType, on workplace: inout Workplace, _ file: inout ChoiceFile, _ outcome: inout Outcome) throws(Problem) {
        let promise: Arithmetic = dtype == .i8 ? .i32Exact : dtype == .f32 ? .f32Panel256 : .f64Panel256
        let keeps = dtype == .i8 || (dtype == .f32 ? description.keepsF32 : description.keepsF64)
        let (kernel, verdict) = try ownKernel(dtype, promise, on: &workplace, &file, &outcome)
        let own = try measured(.own(kernel), promise, on: &workplace, &file)
        if verdict == .exact, keeps {
            outcome.engines[promise] = own
        } else {
            outcome.notes.append(
                "no reproducible \(dtype.rawValue): the device \(keeps ? "doesn't give the definition's bits" : "flushes subnormals or doesn't fuse")")
        }
        if dtype != .f64 {
            if try convolves(dtype, own, on: &workplace) {
                outcome.convolutions[dtype] = own
            } else {
                outcome.notes.append("no conv2d in \(dtype.rawValue): wrong answers")
            }
        }
        if dtype == .f32 { try chooseAttention(own, on: &workplace, &outcome) }
        guard dtype != .i8 else { return }
        let free: Arithmetic = dtype == .f32 ? .f32 : .f64
        outcome.engines[free] = own
        if dtype == .f32 { outcome.engines[.bf16F32] = own }
        do throws(Problem) {
            if let library = try clblast(dtype, free, judge: own, on: &workplace, &file) { outcome.engines[free] = library }
        } catch {
            outcome.notes.append("\(dtype.rawValue) without CLBlast: \(error.detail)")
        }
    }

    private func chooseElementwise(_ dtype: DType, on workplace: inout Workplace, _ outcome: inout Outcome) throws(Problem) {
        if try keepsChains(dtype, on: &workplace) {
            outcome.chains.insert(dtype)
            if try keepsRows(dtype, on: &workplace) { outcome.rows.insert(dtype) }
        }
        if !outcome.rows.contains(dtype) {
            outcome.notes.append(
                "no \(outcome.chains.contains(dtype) ? "" : "compute, ")softmax, layernorm and reduce in \(dtype.rawValue): not the definition's bits")
        }
    }

    private func chooseAttention(_ engine: ChosenEngine, on workplace: inout Workplace, _ outcome: inout Outcome) throws(Problem) {
        guard hasRoomForAttention else { return outcome.notes.append("no attention: the device has too little local memory, or too small groups") }
        for dtype in [DType.f32, .bf16] {
            if try attends(dtype, engine, on: &workplace) {
                outcome.attentions[dtype] = engine
            } else {
                outcome.notes.append("no attention in \(dtype.rawValue): wrong answers")
            }
        }
    }

    /// The fastest of our kernels among those that give the known answers; the kept one if there is one.
    private func ownKernel(
        _ dtype: DType, _ promise: Arithmetic, on workplace: inout Workplace, _ file: inout ChoiceFile, _ outcome: inout Outcome
    ) throws(Problem) -> (Microkernel, KnownAnswers.Verdict) {
        var candidates = Microkernel.candidates(dtype, on: description)
        let known = file.choices[promise.rawValue]?.engine
        if let known, let kernel = candidates.first(where: { $0.name == known }) { candidates = [kernel] + candidates.filter { $0 != kernel } }
        var best: (kernel: Microkernel, verdict: KnownAnswers.Verdict, seconds: Double)?
        var reason = Problem(.backendUnavailable, "no kernel fits the device")
        for kernel in candidates {
            do throws(Problem) {
                let verdict = try judge(kernel, on: &workplace)
                guard verdict != .wrong else {
                    // The plain kernel is there for that: only a device without any right one is worth a note.
                    reason = Problem(.backendUnavailable, "wrong answers of \(kernel.name)")
                    continue
                }
                if !options.isMeasured || kernel.name == known { return (kernel, verdict) }
                let seconds = try time(.own(kernel), promise, on: &workplace).seconds
                // Bits count more than speed.
                let isBetter = best.map { ($0.verdict != .exact && verdict == .exact) || ($0.verdict == verdict && seconds < $0.seconds) } ?? true
                if isBetter { best = (kernel, verdict, seconds) }
            } catch {
                reason = error
                workplace.close()
            }
        }
        guard let best else { throw reason }
        return (best.kernel, best.verdict)
    }

    func judge(_ kernel: Microkernel, on workplace: inout Workplace) throws(Problem) -> KnownAnswers.Verdict {
        let engine = ChosenEngine(engine: .own(kernel), operationsPerSecond: nil, overhead: 0)
        return try KnownAnswers.judge(kernel.dtype) { gemm, a, b, c throws(Problem) in try workplace.multiply(gemm, a, b, into: c, engine, .none) }
    }

    /// CLBlast for free products, if it is there, right, and faster than our own; tuned once.
    private func clblast(
        _ dtype: DType, _ free: Arithmetic, judge: ChosenEngine, on workplace: inout Workplace, _ file: inout ChoiceFile
    ) throws(Problem) -> ChosenEngine? {
        let isDouble = dtype == .f64
        let library = try CLBlastLibrary.shared.get()
        if let name = file.choices[free.rawValue]?.engine, name != Self.clblastName { return nil }
        if let values = file.tuned[free.rawValue] {
            if let parameters = XgemmParameters(values: values) { try library.set(parameters.named, of: "Xgemm", isDouble: isDouble, on: device) }
        } else if options.isMeasured, description.kind != .cpu, options.tuningBudget > .zero {
            let tuner = CLBlastTuner(device: description, isDouble: isDouble, budget: options.tuningBudget)
            let found = try tuner.search(
                use: { parameters throws(Problem) in try library.set(parameters.named, of: "Xgemm", isDouble: isDouble, on: device) },
                time: { () throws(Problem) in try time(.clblast(library), free, on: &workplace).seconds })
            file.tuned[free.rawValue] = found?.values ?? []
        }
        guard try isClose(library, free, judge, on: &workplace) else { throw Problem(.backendUnavailable, "its products are wrong") }
        guard options.isMeasured else { return ChosenEngine(engine: .clblast(library), operationsPerSecond: nil, overhead: 0) }
        let engine = try measured(.clblast(library), free, on: &workplace, &file)
        if (engine.operationsPerSecond ?? 0) >= (judge.operationsPerSecond ?? 0) { return engine }
        file.choices[free.rawValue] = file.choices[free == .f64 ? Arithmetic.f64Panel256.rawValue : Arithmetic.f32Panel256.rawValue]
        return nil
    }

    /// Small (CLBlast's direct kernel) and large (the tuned one), straight and transposed.
    private func isClose(_ library: CLBlastLibrary, _ free: Arithmetic, _ judge: ChosenEngine, on workplace: inout Workplace) throws(Problem) -> Bool {
        let engine = ChosenEngine(engine: .clblast(library), operationsPerSecond: nil, overhead: 0)
        // CLBlast's switch is at 192³ to 1024³ cells by device; a CPU's products are kept small.
        let large = description.kind == .cpu ? 260 : 1100
        for (size, isTransposed) in [(67, true), (large, false)] {
            let gemm = try GEMM(m: size, n: size + 3, k: min(size, 521), transposeA: isTransposed, transposeB: isTransposed, arithmetic: free)
            let isRight = try Closeness.holds(
                gemm, { a, b, c throws(Problem) in try workplace.multiply(gemm, a, b, into: c, engine, .none) },
                judge: { a, b, c throws(Problem) in try workplace.multiply(gemm, a, b, into: c, judge, .none) })
            guard isRight else { return false }
        }
        return true
    }

    private func measured(_ engine: GEMMRun.Engine, _ arithmetic: Arithmetic, on workplace: inout Workplace, _ file: inout ChoiceFile) throws(Problem)
        -> ChosenEngine
    {
        let plain = ChosenEngine(engine: engine, operationsPerSecond: nil, overhead: 0)
        guard options.isMeasured else { return plain }
        if let kept = file.choices[arithmetic.rawValue], kept.engine == plain.name {
            return ChosenEngine(engine: engine, operationsPerSecond: kept.operationsPerSecond, overhead: kept.overhead)
        }
        let (operations, duration) = try time(engine, arithmetic, on: &workplace)
        let tiny = try GEMM(m: 16, n: 16, k: 16, arithmetic: arithmetic)
        let overhead = try seconds(tiny, plain, on: &workplace)
        file.choices[arithmetic.rawValue] = ChoiceFile.Choice(engine: plain.name, operationsPerSecond: operations / duration, overhead: overhead)
        return ChosenEngine(engine: engine, operationsPerSecond: operations / duration, overhead: overhead)
    }

    /// A product large enough for a long run's speed: doubled until it takes 50 ms.
    private func time(_ engine: GEMMRun.Engine, _ arithmetic: Arithmetic, on workplace: inout Workplace) throws(Problem) -> (
        operations: Double, seconds: Double
    ) {
        let chosen = ChosenEngine(engine: engine, operationsPerSecond: 1e15, overhead: 0)
        var size = 256
        while true {
            let gemm = try GEMM(m: size, n: size, k: size, arithmetic: arithmetic)
            let best = try seconds(gemm, chosen, on: &workplace)
            if best >= 0.05 || size >= 4096 { return (Double(gemm.operations), best) }
            size *= 2
        }
    }

    /// The shortest of three rounds after one that compiles; of random numbers, since zeros run faster.
    private func seconds(_ gemm: GEMM, _ engine: ChosenEngine, on workplace: inout Workplace) throws(Problem) -> Double {
        let operand = try RandomTensor(
            seed: SHA256.hash(utf8: "speed"), descriptor: try TensorDescriptor(name: "a", dtype: gemm.inputDType, shape: gemm.shapeA)
        ).generate()
        let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
        let clock = ContinuousClock()
        try workplace.multiply(gemm, operand, operand, into: c, engine, .none)
        var best = Duration.seconds(3600)
        for _ in 0..<3 {
            let start = clock.now
            try workplace.multiply(gemm, operand, operand, into: c, engine, .none)
            best = min(best, start.duration(to: clock.now))
        }
        return max(best / .seconds(1), 1e-9)
    }
}
