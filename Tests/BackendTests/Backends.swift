import Foundation
import Kernels
import NativeBackend
import OneDNNBackend
import OpenBLASBackend
import Testing
import XSMMBackend

/// Every backend of this machine in every form: what the contract suite runs against.
enum Backends {
    /// Our own kernels: each instruction set the processor has, with 1, 2 and 3 threads.
    static let native: [NativeGEMM] = InstructionSet.allCases.filter(\.isAvailable).flatMap { instructionSet in
        [1, 2, 3].compactMap { threads in try? NativeGEMM(threads: threads, instructionSet: instructionSet, isMeasured: false) }
    }

    /// OpenBLAS with each core type it has and the processor runs, with 1, 2 and 3 threads; empty where it isn't installed.
    static let openBLAS: [OpenBLASGEMM] = CoreType.allCases.filter(\.isRunnable).flatMap { coreType in
        [1, 2, 3].compactMap { threads in try? OpenBLASGEMM(threads: threads, coreType: coreType, judge: native.last, isMeasured: false) }
    }

    /// oneDNN with 1, 2 and 3 threads; empty where it isn't installed.
    static let oneDNN: [OneDNN] = [1, 2, 3].compactMap { threads in
        guard let judge = native.last else { return nil }
        return try? OneDNN(threads: threads, judge: judge)
    }

    /// libxsmm with 1, 2 and 3 threads; empty where its code doesn't run.
    static let xsmm: [XSMM] = [1, 2, 3].compactMap { threads in
        guard let judge = native.last else { return nil }
        return try? XSMM(threads: threads, judge: judge)
    }

    static var all: [any ComputeBackend] { native + openBLAS + oneDNN + xsmm + OpenCLDevices.backends }

    /// What runs softmax, layernorm and reduce.
    static var elementwise: [any ComputeBackend] { native + OpenCLDevices.backends }

    /// Why OpenBLAS's tests have nothing to do here, if so.
    static var missing: Comment { "no OpenBLAS on this machine" }
    static var withoutOneDNN: Comment { "no oneDNN on this machine" }
    static var withoutXSMM: Comment { "libxsmm makes no code that runs here" }
}
