import OpenCLBackend
import Profiler
import Wire

extension Hardware {
    /// The same with OpenCL's devices, each tested; those left out are among the notes. The first start on a device takes a minute or two.
    ///
    /// - Parameter options: nil: none.
    func adding(_ options: OpenCLOptions?) async throws(Problem) -> Hardware {
        guard let options else { return self }
        let opened = try await OwnThread.run("adit-opencl") { () throws(Problem) in OpenCLBackend.open(options) }
        var hardware = self
        hardware.backends += opened.backends
        hardware.notes += opened.notes
        return hardware
    }
}
