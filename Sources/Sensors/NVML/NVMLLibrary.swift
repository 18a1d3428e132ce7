import Glibc

/// NVIDIA's management library, opened if it is there: temperature, power, utilisation of its GPUs.
///
/// Source: NVIDIA, NVML API reference (nvml.h): names with `_v2`, `_v3` are the ABI that programs link to; every function returns 0 for success.
/// Opened once and never closed. `@unchecked Sendable`: a table of functions that never changes; the library is thread-safe ("NVML is
/// thread-safe so it is safe to make simultaneous NVML calls from multiple threads").
@safe package final class NVMLLibrary: @unchecked Sendable {
    package static let fileName = "libnvidia-ml.so.1"

    typealias Device = OpaquePointer
    private typealias Plain = @convention(c) () -> CInt
    private typealias Count = @convention(c) (UnsafeMutablePointer<CUnsignedInt>) -> CInt
    private typealias ByIndex = @convention(c) (CUnsignedInt, UnsafeMutablePointer<Device?>) -> CInt
    private typealias Bytes = @convention(c) (Device, UnsafeMutableRawPointer) -> CInt
    private typealias Text = @convention(c) (Device, UnsafeMutablePointer<CChar>, CUnsignedInt) -> CInt
    private typealias OfKind = @convention(c) (Device, CInt, UnsafeMutablePointer<CUnsignedInt>) -> CInt
    private typealias Number = @convention(c) (Device, UnsafeMutablePointer<CUnsignedInt>) -> CInt
    private typealias LongNumber = @convention(c) (Device, UnsafeMutablePointer<CUnsignedLongLong>) -> CInt
    private typealias ErrorText = @convention(c) (CInt) -> UnsafePointer<CChar>?

    private let handle: UnsafeMutableRawPointer
    /// Why a call failed, by the library's own words.
    private let errorText: ErrorText?

    /// What went wrong, in words, and the library's number (−1: it isn't there, or isn't what it should be).
    package struct Failure: Error, Sendable, Equatable {
        package let number: Int32
        package let text: String
    }

    /// - Throws: if there is no such library, or it can't talk to the driver.
    package init(path: String = NVMLLibrary.fileName) throws(Failure) {
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw Failure(number: -1, text: unsafe dlerror().map { unsafe String(cString: $0) } ?? "\(path) can't be opened")
        }
        unsafe self.handle = unsafe handle
        unsafe errorText = unsafe dlsym(handle, "nvmlErrorString").map { unsafe unsafeBitCast($0, to: ErrorText.self) }
        guard let start = unsafe dlsym(handle, "nvmlInit_v2").map({ unsafe unsafeBitCast($0, to: Plain.self) }) else {
            throw Failure(number: -1, text: "\(path) has no nvmlInit_v2")
        }
        let status = start()
        guard status == 0 else { throw failure(status) }
    }

    private func failure(_ status: CInt) -> Failure {
        let text = unsafe errorText.flatMap { unsafe $0(status) }.map { unsafe String(cString: $0) }
        return Failure(number: status, text: text ?? "NVML error \(status)")
    }

    private func function<T>(_ name: String, as type: T.Type) -> T? {
        unsafe dlsym(handle, name).map { unsafe unsafeBitCast($0, to: T.self) }
    }

    /// Every GPU that answers, in the driver's order. More than 64 would be a driver out of its mind.
    package func devices() -> [NVMLDevice] {
        guard let count = unsafe function("nvmlDeviceGetCount_v2", as: Count.self),
            let byIndex = unsafe function("nvmlDeviceGetHandleByIndex_v2", as: ByIndex.self)
        else { return [] }
        var number: CUnsignedInt = 0
        guard unsafe count(&number) == 0 else { return [] }
        return (0..<min(number, 64)).compactMap { index in
            var device: Device?
            guard unsafe byIndex(index, &device) == 0, let device = unsafe device else { return nil }
            return unsafe NVMLDevice(library: self, handle: device)
        }
    }

    func text(_ name: String, of device: Device) -> String? {
        guard let call = unsafe function(name, as: Text.self) else { return nil }
        var bytes = [CChar](repeating: 0, count: 96)
        guard unsafe call(device, &bytes, CUnsignedInt(bytes.count)) == 0 else { return nil }
        return Self.string(bytes)
    }

    func number(_ name: String, of device: Device) -> UInt32? {
        guard let call = unsafe function(name, as: Number.self) else { return nil }
        var value: CUnsignedInt = 0
        return unsafe call(device, &value) == 0 ? value : nil
    }

    func number(_ name: String, _ kind: CInt, of device: Device) -> UInt32? {
        guard let call = unsafe function(name, as: OfKind.self) else { return nil }
        var value: CUnsignedInt = 0
        return unsafe call(device, kind, &value) == 0 ? value : nil
    }

    func longNumber(_ name: String, of device: Device) -> UInt64? {
        guard let call = unsafe function(name, as: LongNumber.self) else { return nil }
        var value: CUnsignedLongLong = 0
        return unsafe call(device, &value) == 0 ? value : nil
    }

    /// What a function writes into a structure of `count` bytes. The memory handed over is twice that: a newer library that writes more harms nobody.
    func structure(_ name: String, of device: Device, count: Int) -> [UInt8]? {
        guard let call = unsafe function(name, as: Bytes.self) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 2 * count)
        let status = unsafe bytes.withUnsafeMutableBytes { raw -> CInt in
            guard let base = raw.baseAddress else { return -1 }
            return unsafe call(device, base)
        }
        return status == 0 ? Array(bytes.prefix(count)) : nil
    }

    private static func string(_ bytes: [CChar]) -> String? {
        let text = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).trimmed
        return text.isEmpty ? nil : text
    }
}
