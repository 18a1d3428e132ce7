import Foundation
package import Kernels
import Synchronization
package import Wire

/// One OpenCL device: products by CLBlast and by kernels of our own, as far as the device gave the known answers at start.
///
/// I8 is exact. F32 and F64 are panel-256 to the bit where the device keeps subnormals and fuses; free F32, F64 and BF16 by whatever
/// measured fastest. Elements that a device can't promise it doesn't offer.
package final class OpenCLBackend: ComputeBackend {
    package let name: String
    package let description: DeviceDescription
    /// What an operator may want to know, in sentences: what isn't offered, and why.
    package let notes: [String]
    /// The most bytes that jobs take on the device, from the next one on.
    package var memoryCap: Int { cap.withLock { $0 } }
    private let cap: Mutex<Int>
    private let engines: [Arithmetic: ChosenEngine]
    /// The formats in which chains of `compute` give the definition's bits.
    let chainDTypes: Set<DType>
    /// Those in which rows and reductions do.
    let rowDTypes: Set<DType>
    /// What convolutions are done with, by the format of X.
    let convolutions: [DType: ChosenEngine]
    /// How fast the device is for attention, by the format of Q.
    let attentions: [DType: ChosenEngine]
    private let workplace: Mutex<Workplace>

    package var device: String { "opencl \(description.summary)" }

    package var accelerator: Accelerator? {
        description.kind == .cpu ? nil : Accelerator(kind: description.kind.rawValue, name: description.name, memoryBytes: memoryCap)
    }

    /// Tests a device with known answers and chooses its engines, by measurement or as it was measured last time.
    ///
    /// Takes seconds, at the first start on a device longer (compiling, tuning). Call it at start-up, on a thread that may block.
    ///
    /// - Throws: `backend_unavailable` if the device errs in every kind of work.
    init(_ found: FoundDevice, index: Int, options: OpenCLOptions) throws(Problem) {
        name = "opencl:\(index)"
        description = found.description
        let memoryCap = Self.cap(options.memoryCap, of: found.description)
        cap = Mutex(memoryCap)
        var workplace = Workplace(
            device: found, cache: ProgramCache(folder: options.cacheFolder), memoryCap: memoryCap,
            isShared: options.sharesMemory && description.sharesHostMemory)
        let chooser = EngineChooser(device: found, options: options)
        let outcome = try chooser.choose(on: &workplace)
        guard !outcome.engines.isEmpty else {
            throw Problem(.backendUnavailable, outcome.notes.isEmpty ? "the device can do none of our work" : outcome.notes.joined(separator: "; "))
        }
        engines = outcome.engines
        chainDTypes = outcome.chains
        rowDTypes = outcome.rows
        convolutions = outcome.convolutions
        attentions = outcome.attentions
        notes = outcome.notes.map { "opencl:\(index) (\(found.description.name)): \($0)" }
        self.workplace = Mutex(workplace)
    }

    /// Every device of this machine that works, what all that were found are, and why some are left out, in sentences. The devices' numbers are
    /// the drivers' order; those of drivers that aren't loaded, since they have nothing but CPUs, come last.
    ///
    /// Takes a while (see `init`); never throws: without OpenCL there is a note.
    package static func open(
        _ options: OpenCLOptions = OpenCLOptions()
    ) -> (backends: [OpenCLBackend], devices: [(name: String, identity: DeviceIdentity)], notes: [String]) {
        var gate = DriverGate.Judgment(outcome: .all)
        if let command = options.probe {
            let probe = DriverProbe(command: command, includesCPUs: options.includesCPUs)
            gate = DriverGate.judge(probe, vendors: ProcessInfo.processInfo.environment[DriverFile.variable], cacheFolder: options.cacheFolder)
        }
        var notes = gate.notes
        var devices: [FoundDevice] = []
        if gate.outcome != .none {
            do throws(Problem) {
                let found = try DriverGate.seeing(gate.outcome) { () throws(Problem) in try DeviceDiscovery.find() }
                (devices, notes) = (found.devices, notes + found.notes)
            } catch {
                notes.append("without OpenCL: \(error.detail)")
            }
        }
        let identities = (devices.map(\.description.identity) + gate.unwanted).enumerated().map { (name: "opencl:\($0)", identity: $1) }
        var backends: [OpenCLBackend] = []
        for (index, (name, identity)) in identities.enumerated() {
            if identity.kind == .cpu, !options.includesCPUs {
                notes.append("\(name) (\(identity.name)) is a CPU and is not used: the processor is already there")
                continue
            }
            do throws(Problem) {
                let backend = try OpenCLBackend(devices[index], index: index, options: options)
                notes += backend.notes
                backends.append(backend)
            } catch {
                notes.append("\(name) (\(identity.name)) is left out: \(error.detail)")
            }
        }
        return (backends, identities, notes)
    }

    package func capability(for gemm: GEMM) -> Capability? {
        guard let engine = engines[gemm.arithmetic], gemm.k <= Self.longest else { return nil }
        return Capability(arithmetic: gemm.arithmetic, operationsPerSecond: engine.speed(of: gemm.operations))
    }

    /// What kernels count with 32 bits, with room for padding.
    private static let longest = 1 << 30

    package func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        try gemm.check(a: a, b: b, c: c)
        guard let engine = engines[gemm.arithmetic], gemm.k <= Self.longest else {
            throw Problem(.unsupportedDtype, "\(name) does not run \(gemm.arithmetic.rawValue)")
        }
        try work { workplace throws(Problem) in try workplace.multiply(gemm, a, b, into: c, engine, control) }
    }

    /// What a limit comes to on a device.
    private static func cap(_ byteCount: Int?, of description: DeviceDescription) -> Int {
        let share = description.kind == .cpu ? description.memoryBytes / 4 : description.memoryBytes / 5 * 4
        return max(1, min(byteCount ?? share, description.memoryBytes))
    }

    package func useMemory(atMost byteCount: Int?) {
        cap.withLock { $0 = Self.cap(byteCount, of: description) }
        keepToCap()
    }

    /// Gives back what is kept above the cap. Where a job runs, its end does it: a cap is set first and the lock tried then, a job ends first and looks at
    /// the cap then, so that one of both sees the other.
    private func keepToCap() { _ = workplace.withLockIfAvailable { $0.limit(memoryCap) } }

    package func rest() { _ = workplace.withLockIfAvailable { $0.rest() } }

    /// Takes the device for one job.
    ///
    /// - Throws: what `body` throws, with the device's name where the device failed.
    func work<R>(_ body: (inout Workplace) throws(Problem) -> R) throws(Problem) -> R {
        let result: Result<R, Problem> = workplace.withLock { workplace in
            workplace.limit(memoryCap)
            do throws(Problem) {
                return .success(try body(&workplace))
            } catch {
                // A context in which something failed may be good for nothing any more: the next job gets a new one.
                if error.code == .backendUnavailable { workplace.close() }
                return .failure(error)
            }
        }
        keepToCap()
        do throws(Problem) { return try result.get() } catch {
            guard error.code == .backendUnavailable else { throw error }
            throw Problem(.backendUnavailable, "\(name) (\(description.name)): \(error.detail)")
        }
    }
}
