import COpenCL
import Wire

/// Programs of one device: compiled once, kept in memory for the process and on disk for the next.
///
/// Not for two threads at once: it belongs to its device's session, behind that lock.
@safe final class ProgramBuilder {
    private let device: FoundDevice
    private let context: Context
    private let cache: ProgramCache
    private var programs: [String: Program] = [:]
    private var functions: [String: Function] = [:]
    /// How many programs came from the disk, and how many were compiled.
    private(set) var found = 0
    private(set) var compiled = 0

    init(_ device: FoundDevice, _ context: Context, _ cache: ProgramCache) { (self.device, self.context, self.cache) = (device, context, cache) }

    /// - Throws: `backend_unavailable` with the compiler's words if the program can't be built.
    func function(_ name: String, of source: ProgramSource) throws(Problem) -> Function {
        let key = ProgramCache.key(device.description, source: source.text, options: source.options)
        if let function = functions["\(name) \(key)"] { return function }
        let program = try program(source, key)
        var status: cl_int = 0
        let kernel = unsafe device.library.functions.clCreateKernel(program.raw, name, &status)
        try CLStatus.check(status, "clCreateKernel \(name)")
        guard let kernel = unsafe kernel else { throw CLStatus.problem(-48, "clCreateKernel \(name)") }
        let library = device.library
        let function = unsafe Function(kernel) { raw in _ = unsafe library.functions.clReleaseKernel(raw) }
        functions["\(name) \(key)"] = function
        return function
    }

    private func program(_ source: ProgramSource, _ key: String) throws(Problem) -> Program {
        if let program = programs[key] { return program }
        let program: Program
        if let binary = cache.read(key), let kept = try? load(binary, source.options) {
            program = kept
            found += 1
        } else {
            program = try compile(source)
            compiled += 1
            if let binary = binary(of: program) { cache.write(binary, key) }
        }
        programs[key] = program
        return program
    }

    private func load(_ binary: [UInt8], _ options: String) throws(Problem) -> Program {
        var status: cl_int = 0
        var loaded: cl_int = 0
        var id: cl_device_id? = unsafe device.id
        var length = binary.count
        let raw = unsafe binary.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe device.library.functions.clCreateProgramWithBinary(context.raw, 1, &id, &length, &start, &loaded, &status)
        }
        try CLStatus.check(status, "clCreateProgramWithBinary")
        let program = try unsafe own(raw)
        try CLStatus.check(loaded, "clCreateProgramWithBinary")
        try build(program, options)
        return program
    }

    private func compile(_ source: ProgramSource) throws(Problem) -> Program {
        var status: cl_int = 0
        let raw = unsafe source.text.withCString { text in
            var text: UnsafePointer<CChar>? = unsafe text
            return unsafe device.library.functions.clCreateProgramWithSource(context.raw, 1, &text, nil, &status)
        }
        try CLStatus.check(status, "clCreateProgramWithSource")
        let program = try unsafe own(raw)
        try build(program, source.options)
        return program
    }

    private func own(_ raw: cl_program?) throws(Problem) -> Program {
        guard let raw = unsafe raw else { throw CLStatus.problem(-44, "clCreateProgram") }
        let library = device.library
        return unsafe Program(raw) { raw in _ = unsafe library.functions.clReleaseProgram(raw) }
    }

    private func build(_ program: Program, _ options: String) throws(Problem) {
        var id: cl_device_id? = unsafe device.id
        let status = unsafe device.library.functions.clBuildProgram(program.raw, 1, &id, options, nil, nil)
        guard status == CL_SUCCESS else {
            let log = try? unsafe CLText.read("clGetProgramBuildInfo") { size, bytes, needed in
                unsafe device.library.functions.clGetProgramBuildInfo(program.raw, device.id, cl_program_build_info(CL_PROGRAM_BUILD_LOG), size, bytes, needed)
            }
            throw Problem(.backendUnavailable, "clBuildProgram: \(CLStatus.name(status)): \((log ?? "").prefix(400))")
        }
    }

    /// The device's binary; nil if the driver gives none.
    private func binary(of program: Program) -> [UInt8]? {
        var size = 0
        let word = MemoryLayout<Int>.size
        let status = unsafe device.library.functions.clGetProgramInfo(program.raw, cl_program_info(CL_PROGRAM_BINARY_SIZES), word, &size, nil)
        guard status == CL_SUCCESS, size > 0, size <= 1 << 28 else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        let read = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var start = buffer.baseAddress
            return unsafe device.library.functions.clGetProgramInfo(
                program.raw, cl_program_info(CL_PROGRAM_BINARIES), MemoryLayout<UnsafeMutablePointer<UInt8>?>.size, &start, nil)
        }
        return read == CL_SUCCESS ? bytes : nil
    }
}

/// OpenCL C and what it is compiled with.
struct ProgramSource: Hashable, Sendable {
    let text: String
    let options: String

    /// - Parameter defines: sorted, so that the same program has one name on disk.
    init(_ text: String, defines: [String: String], standard: String = "CL1.2", flags: [String] = []) {
        self.text = text
        options = (["-cl-std=\(standard)"] + flags + defines.sorted { $0.key < $1.key }.map { "-D\($0.key)=\($0.value)" }).joined(separator: " ")
    }
}
