import Foundation
import Kernels
import Synchronization
import Wire

/// How fast the devices do a kind of work: by what backends have measured, else by what jobs took, else by a guess from what is known.
///
/// Backends measure products, and on the CPU what several libraries can do. Of attention, convolutions or element-wise work on a GPU nothing is known
/// before its first job, and a device that nothing is known of would never get one beside another that was measured.
final class WorkSpeeds: Sendable {
    /// Works that take the same time for each operation, more or less.
    private struct Kind: Hashable {
        let device: Int
        let kernel: String
        let arithmetic: Arithmetic
        let dtype: DType?
        /// The operations' power of four: small works are bound by what it takes to start them.
        let size: Int
    }

    /// What is known of a device for one kernel, in operations a second.
    struct Speed: Sendable, Equatable {
        /// Measured, or seen often enough to count on it.
        var known: Double?
        /// What to choose by: `known`, or a guess.
        var estimate: Double
    }

    /// Of so many last jobs the fastest one counts: neighbours and a program that had to be compiled make work slower, nothing makes it faster.
    private static let remembered = 3
    /// One job alone may have had to wait for a compiler.
    private static let enough = 2
    /// For devices of which nothing is known at all: a lease's own limit of a millisecond for each unit.
    private static let fallback = 1e9

    private let seen = Mutex<[Kind: [Double]]>([:])

    private func kind(_ kernel: any Kernel, _ device: Int) -> Kind {
        let size = kernel.operations > 0 ? Int(log2(Double(kernel.operations)) / 2) : 0
        return Kind(device: device, kernel: kernel.name, arithmetic: kernel.arithmetic, dtype: kernel.inputs.first?.dtype, size: size)
    }

    /// A job was done.
    ///
    /// - Parameters:
    ///   - device: its place among the devices.
    ///   - took: the kernel's own time, without rests.
    func note(_ kernel: any Kernel, on device: Int, took: Duration) {
        let speed = Double(kernel.operations) / max(took / .seconds(1), 1e-6)
        guard speed > 0 else { return }
        let kind = kind(kernel, device)
        seen.withLock { $0[kind] = ($0[kind] ?? []).suffix(Self.remembered - 1) + [speed] }
    }

    /// What to expect of devices that can do a job, in their order.
    ///
    /// - Parameters:
    ///   - devices: each with its place and the speed that its backend has measured for this work.
    ///   - general: a device's speed in products, by which guesses are scaled.
    func speeds(_ kernel: any Kernel, _ devices: [(place: Int, speed: Double?)], general: (Int) -> Double?) -> [Speed] {
        let past = devices.map { device in seen.withLock { $0[kind(kernel, device.place)] } ?? [] }
        let known = zip(devices, past).map { device, past -> Double? in
            if let measured = device.speed, measured > 0 { return measured }
            return past.count >= Self.enough ? past.max() : nil
        }
        // One device alone needs no guess to be chosen by.
        guard known.contains(nil), devices.count > 1 else { return known.map { Speed(known: $0, estimate: $0 ?? Self.fallback) } }
        let scales = devices.map { device in general(device.place).flatMap { $0 > 0 ? $0 : nil } ?? Self.fallback }
        // How much slower than products this work is, where somebody knows.
        let share = zip(known, scales).compactMap { known, scale in known.map { $0 / scale } }.max() ?? 1
        return devices.indices.map { index in
            if let known = known[index] { return Speed(known: known, estimate: known) }
            // A first job that was slower than the guess is not the last one.
            return Speed(known: nil, estimate: max(scales[index] * share, past[index].max() ?? 0))
        }
    }
}
