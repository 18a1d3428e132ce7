/// What an operator may decide about OpenCL's devices.
package struct OpenCLOptions: Sendable {
    /// Where compiled programs and measurements are kept; nil: nowhere.
    package var cacheFolder: String?
    /// The most bytes that jobs take on one device, to begin with (`useMemory` changes it); nil: four fifths of its memory, of a CPU's a quarter.
    package var memoryCap: Int?
    /// Whether CPUs behind OpenCL are offered too: the processor is there already, by faster ways.
    package var includesCPUs = false
    /// Whether engines are compared and speeds found out; without, the first engine that gives the known answers is used.
    package var isMeasured = true
    /// How long CLBlast's parameters are looked for on a device, once; zero: never. CPUs aren't tuned.
    package var tuningBudget: Duration = .seconds(90)
    /// Whether memory that a device shares with the host is used in place.
    package var sharesMemory = true
    /// The program, with arguments, that loads a driver before this process does, as `OpenCLBackend.probe` says; nil: drivers are trusted.
    package var probe: [String]?

    package init() {}
}
