package import Wire
import Sensors

extension Inventory {
    /// The whole inventory; `null` stands for what isn't known.
    package var json: JSON {
        [
            "processor": processor.json, "memory": memory.json, "disk": disk.json, "network": network.json,
            "accelerators": .array(accelerators.map(\.json)), "sensors": .array(sensors.map(\.json)), "system": system.json,
        ]
    }
}

private func known(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
private func known(_ number: Int?) -> JSON { number.map { .integer(Int64($0)) } ?? .null }
private func known(_ number: Int64?) -> JSON { number.map { .integer($0) } ?? .null }
private func known(_ number: Double?) -> JSON { number.flatMap { $0.isFinite ? .real($0) : nil } ?? .null }
private func known(_ flag: Bool?) -> JSON { flag.map { .bool($0) } ?? .null }

extension ProcessorInventory {
    var json: JSON {
        [
            "model": known(model), "processors": known(processors), "cores": known(cores), "sockets": known(sockets), "threads_per_core": known(threadsPerCore),
            "numa_nodes": known(numaNodes), "largest_mhz": known(largestMHz), "microcode": known(microcode), "isa": .array(isa.map { .string($0) }),
            "allowed": known(allowed.map { ProcessorList($0).text }), "group_cores": known(groupCores),
            "caches": .array(
                caches.map { cache in
                    ["level": known(cache.level), "kind": .string(cache.kind), "bytes": known(cache.bytes), "count": known(cache.count)]
                }),
        ]
    }
}

extension MemoryDescription {
    var json: JSON { ["total_bytes": known(totalBytes), "available_bytes": known(availableBytes), "group_limit_bytes": known(groupLimitBytes)] }
}

extension DiskInventory {
    var json: JSON {
        [
            "folder": .string(folder), "kind": .string(kind.rawValue), "device": known(device), "file_system": known(fileSystem),
            "free_bytes": known(freeBytes),
            "total_bytes": known(totalBytes), "read_only": known(isReadOnly),
        ]
    }
}

extension NetworkInventory {
    var json: JSON {
        let cards = cards.map { card -> JSON in
            ["name": .string(card.name), "up": .bool(card.isUp), "megabits_per_second": known(card.megabitsPerSecond)]
        }
        let measured = measured.map { measured -> JSON in
            [
                "coordinator": .string(measured.coordinator), "round_trip_ms": known(measured.roundTripMilliseconds), "requests": known(measured.requests),
                "bytes_per_second": known(measured.bytesPerSecond),
            ]
        }
        return ["cards": .array(cards), "measured": measured ?? .null]
    }
}

extension AcceleratorInventory {
    var json: JSON {
        let link = link.map { link -> JSON in
            [
                "gigatransfers": known(link.gigatransfers), "lanes": known(link.lanes), "largest_gigatransfers": known(link.largestGigatransfers),
                "largest_lanes": known(link.largestLanes),
            ]
        }
        return [
            "name": .string(described.name), "kind": .string(described.kind), "title": .string(described.title), "vendor": .string(described.vendor),
            "driver": .string(described.driver), "platform": .string(described.platform), "version": .string(described.version),
            "memory_bytes": known(described.memoryBytes), "compute_units": known(described.computeUnits), "clock_mhz": known(described.clockMHz),
            "pci_address": known(described.pciAddress), "pcie": link ?? .null, "numa_node": known(numaNode), "used": .bool(described.isUsed),
        ]
    }
}

extension SensorReport {
    var json: JSON {
        ["device": .string(device), "quantity": .string(quantity.rawValue), "source": known(source), "reason": known(reason), "remedy": known(remedy)]
    }
}

extension SystemInventory {
    var json: JSON {
        ["distribution": known(distribution), "kernel": known(kernel), "container": known(container), "virtual": known(isVirtual)]
    }
}
