package import Kernels
package import Wire

/// Measures a whole table within a plan's time.
package struct RateSurvey {
    package struct Devices: Sendable {
        /// What jobs may run on.
        package let backends: [any ComputeBackend]
        /// The libraries that share the CPU as one of them, each by itself.
        package let members: [any ComputeBackend]

        package init(backends: [any ComputeBackend], members: [any ComputeBackend] = []) { (self.backends, self.members) = (backends, members) }
    }

    private let plan: RatePlan
    private let devices: Devices
    private let machine: Machine
    private let threads: Int
    private let limit: Int
    private let now: () -> ContinuousClock.Instant

    /// - Parameters:
    ///   - threads: those that the CPU's backends were opened with; nil for all cores. What is measured beside them runs on as many.
    ///   - limit: the most bytes that a row's tensors may take.
    ///   - now: the clock.
    package init(
        _ plan: RatePlan, _ devices: Devices, machine: Machine, threads: Int? = nil, limit: Int,
        now: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        (self.plan, self.devices, self.machine, self.limit, self.now) = (plan, devices, machine, limit, now)
        self.threads = threads ?? machine.cores
    }

    /// Subjects of one backend and arithmetic, by rising work: the rate of one tells what the next will take.
    private struct Series {
        let subjects: [RateSubject]
        /// Whether a failure of it is the machine's: a library that errs is left out, a device that errs is no device.
        let isDevice: Bool
        /// How fast it is about where nothing of it was measured yet, against the same backend's F32 products.
        let guess: Double
        /// What was measured of each so far.
        var samples: [RateSamples?]
        /// Those that took longer than there was time for.
        var leftOut: Set<Int> = []
        /// Nothing more of it is measured.
        var isBroken = false

        init(subjects: [RateSubject], isDevice: Bool, guess: Double = 1) {
            (self.subjects, self.isDevice, self.guess) = (subjects, isDevice, guess)
            samples = Array(repeating: nil, count: subjects.count)
        }

        var weight: Double { subjects.reduce(0) { $0 + $1.weight } }
        /// Of the largest that was measured.
        var speed: Double? { samples.last { $0 != nil }.flatMap { $0 }.map { max(1, $0.fastest) } }
    }

    /// Synchronous and long.
    ///
    /// - Parameter control: looked at for cancellation, by every run that is measured.
    /// - Throws: what a device's kernels throw; `canceled`. A library's failure becomes a note.
    package func run(control: RunControl = .none, progress: (Profiler.Progress) -> Void = { _ in }) throws(Problem) -> RateTable {
        let start = now()
        var all = series()
        var notes: [String] = []
        let meter = RateMeter(now: now, rounds: plan.rounds, control: control.silent)
        let places = all.indices.flatMap { index in all[index].subjects.indices.map { (index, $0) } }
        for pass in 1...plan.passes {
            let end = plan.budget * pass / plan.passes
            var weightLeft = all.reduce(0) { $0 + $1.weight }
            for (index, place) in places {
                let subject = all[index].subjects[place]
                let passed = now() - start
                progress(Profiler.Progress(step: subject.title, share: min(1, max(0, passed / plan.budget))))
                let slice = max(.zero, end - passed) * (subject.weight / max(weightLeft, subject.weight))
                weightLeft -= subject.weight
                if let note = try measure(place, of: index, in: &all, meter, slice: slice) { notes.append(note) }
            }
        }
        progress(Profiler.Progress(step: "done", share: 1))
        return table(all, notes)
    }

    /// Adds to the samples of one subject what its slice of time gives.
    ///
    /// - Returns: what there is to say about a library that failed.
    private func measure(_ place: Int, of index: Int, in all: inout [Series], _ meter: RateMeter, slice: Duration) throws(Problem) -> String? {
        guard !all[index].isBroken else { return nil }
        let subject = all[index].subjects[place]
        // Warming up and one round are two runs.
        if let speed = expectedSpeed(subject, all, index), 2 * Double(subject.work) / speed > slice.seconds {
            all[index].leftOut.insert(place)
            return nil
        }
        do throws(Problem) {
            guard let samples = try meter.measure(subject, slice: slice) else { return nil }
            all[index].samples[place] = all[index].samples[place]?.merging(samples) ?? samples
            return nil
        } catch {
            if error.code == .canceled || all[index].isDevice && error.code != .memoryLimit { throw error }
            all[index].isBroken = true
            return "\(subject.title) failed: \(error.detail)"
        }
    }

    /// Operations per second that a kernel does about; nil where nothing of its backend was measured.
    private func expectedSpeed(_ subject: RateSubject, _ all: [Series], _ index: Int) -> Double? {
        guard subject.kind.isKernel else { return nil }
        if let speed = all[index].speed { return speed }
        let products = all.lazy.filter { $0.subjects.first.map { $0.kind == .gemm && $0.backend == subject.backend } ?? false }
        return products.compactMap(\.speed).max().map { $0 * all[index].guess }
    }

    private func table(_ all: [Series], _ notes: [String]) -> RateTable {
        let leftOut = all.flatMap { series in series.leftOut.sorted().filter { series.samples[$0] == nil }.map { series.subjects[$0].title } }
        let note = leftOut.isEmpty ? [] : ["left out, since a run takes longer than there was time for: " + leftOut.joined(separator: ", ")]
        let rows = all.flatMap { series in zip(series.subjects, series.samples).compactMap { $1?.row($0) } }
        return RateTable(rows: rows, threads: threads, isQuick: plan.isQuick, notes: notes + note)
    }

    /// What decides about tiers and jobs first, what takes long and matters less last.
    private func series() -> [Series] {
        var all: [Series] = []
        // The CPU's libraries share its roof, whichever of them knows it.
        let host = (devices.backends + devices.members).lazy.filter { $0.accelerator == nil }.compactMap(\.roof).first
        func roof(_ backend: any ComputeBackend) -> (any RoofSource)? { backend.roof ?? (backend.accelerator == nil ? host : nil) }
        for backend in devices.backends {
            let (device, sizes) = backend.accelerator == nil ? ("cpu", plan.sizes) : (backend.name, plan.acceleratorSizes)
            for arithmetic in plan.arithmetics {
                let subjects = KernelSubjects.products(backend, device: device, arithmetic, sizes: sizes, roof: roof(backend), limit: limit)
                all.append(Series(subjects: subjects, isDevice: true))
            }
        }
        if let memory = HostSubjects.memory(threads: threads, cacheBytes: machine.lastLevelCacheBytes, limit: limit) {
            all.append(Series(subjects: [memory], isDevice: true))
        }
        for subject in HostSubjects.cryptography(threads: threads) { all.append(Series(subjects: [subject], isDevice: true)) }
        let count = plan.hasMoreKernels ? 2 : 1
        for backend in devices.backends {
            let device = backend.accelerator == nil ? "cpu" : backend.name
            // A quarter of the products' speed: what isn't known yet is first tried where it most likely fits.
            for subject in KernelSubjects.convolutions(backend, device: device, count: count, roof: roof(backend), limit: limit)
                + KernelSubjects.attentions(backend, device: device, count: count, roof: roof(backend), limit: limit)
            {
                all.append(Series(subjects: [subject], isDevice: true, guess: 0.25))
            }
            for subject in HostSubjects.transfers(backend, device: device) { all.append(Series(subjects: [subject], isDevice: true)) }
        }
        for member in plan.hasMembers ? devices.members : [] {
            for arithmetic in RatePlan.everyArithmetic {
                let subjects = KernelSubjects.products(member, device: "cpu", arithmetic, sizes: plan.memberSizes, roof: roof(member), limit: limit)
                all.append(Series(subjects: subjects, isDevice: false))
            }
        }
        return all.filter { series in series.subjects.first.map { plan.kinds.contains($0.kind) } ?? false }
    }
}
