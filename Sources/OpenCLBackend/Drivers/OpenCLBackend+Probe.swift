package import Wire

extension OpenCLBackend {
    /// What the process does that tries a driver out: finds the devices, then has them compute the known answers.
    ///
    /// - Parameter emit: gets a document after each of the two; whoever waits counts them.
    package static func probe(_ options: OpenCLOptions, emit: (JSON) -> Void) {
        var devices: [JSON] = []
        var notes: [String] = []
        do throws(Problem) {
            let found = try DeviceDiscovery.find()
            notes = found.notes
            devices = found.devices.map(\.description.identity.json)
        } catch {
            notes = [error.detail]
        }
        emit(["devices": .array(devices), "notes": .array(notes.map { .string($0) })])
        var options = options
        (options.probe, options.isMeasured) = (nil, false)
        let opened = open(options)
        emit(["tested": .array(opened.backends.map { .string($0.device) }), "notes": .array(opened.notes.map { .string($0) })])
    }
}
