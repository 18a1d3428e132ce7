import Sensors

extension Inventory {
    /// For people, in 80 columns.
    package func write(to text: inout TextBlock) {
        let container = system.container.map { ", in a container (\($0))" } ?? ""
        let hypervisor = system.isVirtual == true ? ", a virtual machine" : ""
        text.add("system", "\(system.distribution ?? "unknown system"), Linux \(system.kernel ?? "of unknown version")\(hypervisor)\(container)")
        text.add("processor", processor.summary)
        text.add("", processor.cacheText)
        text.add("", "isa: \(processor.isa.isEmpty ? "unknown" : processor.isa.joined(separator: " "))")
        text.add("memory", memory.summary)
        text.add("disk", disk.summary)
        text.add("network", network.summary)
        if accelerators.isEmpty { text.add("opencl", "no device") }
        for accelerator in accelerators { text.add(accelerator.described.name, accelerator.summary) }
        var label = "sensors"
        for line in sensorLines {
            text.add(label, line)
            label = ""
        }
    }

    /// One line for what was found on a device, then one for each sensor that is missing; the same reason once.
    private var sensorLines: [String] {
        var lines: [String] = []
        var devices: [String] = []
        for report in sensors where !devices.contains(report.device) { devices.append(report.device) }
        for device in devices {
            let own = sensors.filter { $0.device == device }
            let found = own.filter { $0.source != nil }.map { "\($0.quantity.rawValue) by \($0.source ?? "")" }
            if !found.isEmpty { lines.append("\(device): \(found.joined(separator: "; "))") }
            var told: [String] = []
            for report in own where report.source == nil && !told.contains(report.reason ?? "") {
                let same = own.filter { $0.source == nil && $0.reason == report.reason }.map(\.quantity.rawValue).joined(separator: ", ")
                told.append(report.reason ?? "")
                lines.append("\(device): \(same) unknown: \(report.reason ?? "no reason given")\(report.remedy.map { "; try: \($0)" } ?? "")")
            }
        }
        return lines
    }
}

private func count(_ number: Int?, _ one: String, _ many: String) -> String { number.map { "\($0) \($0 == 1 ? one : many)" } ?? "\(many) unknown" }

extension ProcessorInventory {
    var summary: String {
        let threads = threadsPerCore.map { $0 == 1 ? "one thread each" : "\($0) threads each" } ?? "threads of a core unknown"
        let clock = largestMHz.map { "up to \($0) MHz" } ?? "clock unknown"
        return [
            model ?? "unknown model", count(sockets, "socket", "sockets"), count(cores, "core", "cores"), threads, count(numaNodes, "NUMA node", "NUMA nodes"),
            clock,
        ].joined(separator: ", ")
    }

    var cacheText: String {
        guard !caches.isEmpty else { return "caches: unknown" }
        let parts = caches.map { cache in
            "L\(cache.level)\(["data": "d", "instruction": "i"][cache.kind] ?? "") \(cache.count == 1 ? "" : "\(cache.count) × ")\(Units.binary(cache.bytes))"
        }
        return "caches: \(parts.joined(separator: ", "))"
    }
}

extension MemoryDescription {
    var summary: String {
        let total = totalBytes.map { Units.binary($0) } ?? "unknown size"
        let free = availableBytes.map { "\(Units.binary($0)) free" } ?? "free part unknown"
        return "\(total), \(free), \(groupLimitBytes.map { "a control group allows \(Units.binary($0))" } ?? "no control group limits it")"
    }
}

extension DiskInventory {
    var summary: String {
        let free = freeBytes.map { "\(Units.binary($0)) free" } ?? "room unknown"
        let total = totalBytes.map { " of \(Units.binary($0))" } ?? ""
        let words: [Kind: String] = [
            .ssd: "solid state", .rotational: "rotating", .virtual: "a virtual disk", .memory: "in memory: lost at the next start", .unknown: "kind unknown",
        ]
        return "\(folder): \(free)\(total), \(fileSystem ?? "file system unknown") on \(device ?? "no disk that is shown"), \(words[kind] ?? "")"
            + (isReadOnly == true ? ", read-only" : "")
    }
}

extension NetworkInventory {
    var summary: String {
        let links = cards.filter(\.isUp).map { "\($0.name) \($0.megabitsPerSecond.map { "\($0) Mbit/s" } ?? "of unknown speed")" }
        let cards = links.isEmpty ? "no card that is up is shown" : links.joined(separator: ", ")
        guard let measured else { return "\(cards); speed to a coordinator not measured" }
        let speed = measured.bytesPerSecond.map { "\(Units.decimal($0 / 1e6)) MB/s" } ?? "speed unknown: it has nothing large enough to tell"
        return "\(cards); \(measured.coordinator): round trip \(Units.decimal(measured.roundTripMilliseconds)) ms, \(speed)"
    }
}

extension AcceleratorInventory {
    var summary: String {
        let clock = described.clockMHz.map { "up to \($0) MHz" } ?? "clock unknown"
        let place = described.pciAddress ?? (described.kind == "cpu" ? nil : "PCI address unknown")
        let link = link.map { link in
            let largest = link.largestGigatransfers.map { " of \(Units.decimal($0)) GT/s × \(link.largestLanes ?? link.lanes)" } ?? ""
            return "PCIe \(Units.decimal(link.gigatransfers)) GT/s × \(link.lanes) now\(largest)"
        }
        return [
            "\(described.title) (\(described.vendor), driver \(described.driver), \(described.platform))", Units.binary(described.memoryBytes),
            "\(described.computeUnits) units", clock, place, link ?? (described.pciAddress == nil ? nil : "PCIe link unknown"),
            described.isUsed ? nil : "not used",
        ].compactMap(\.self).joined(separator: ", ")
    }
}
