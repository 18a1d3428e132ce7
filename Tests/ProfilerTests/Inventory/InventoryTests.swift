import Foundation
import Profiler
import Sensors
import TestSupport
import Testing
import Wire

@Suite("What a machine has, from real files") struct InventoryTests {
    @Test("Sockets, cores, threads, caches that are shared, nodes") func topology() throws {
        let machine = try KernelFolder()
        try machine.twoSockets()
        let processor = Inventory.take(machine.files, folder: "/tmp").processor
        #expect(processor.model == "Test 9000")
        #expect(
            [processor.processors, processor.cores, processor.sockets, processor.threadsPerCore, processor.numaNodes, processor.largestMHz] == [
                8, 4, 2, 2, 2, 3_700,
            ])
        #expect(processor.caches.map { [$0.level, $0.bytes, $0.count] } == [[1, 48 << 10, 4], [3, 32 << 20, 2]])
        #expect(processor.isa.suffix(4) == ["avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8"])
        #expect(processor.allowed == Set(0..<8))
    }

    @Test("What isn't shown is unknown, in every place and in words") func unknown() throws {
        let inventory = try Inventory.take(KernelFolder().files, folder: "/tmp")
        let processor = inventory.processor
        #expect(
            [processor.processors, processor.cores, processor.sockets, processor.threadsPerCore, processor.numaNodes, processor.largestMHz] == [
                nil, nil, nil, nil, nil, nil,
            ])
        #expect(inventory.disk.kind == .unknown)
        #expect(inventory.network.cards.isEmpty)
        var text = TextBlock()
        inventory.write(to: &text)
        #expect(text.lines.contains("processor  unknown model, sockets unknown, cores unknown, threads of a core"))
        #expect(text.lines.contains { $0.contains("caches: unknown") })
        #expect(inventory.json["processor"]?["cores"] == .null)
        #expect(inventory.json["system"]?["virtual"] == .null)
    }

    @Test("One processor whose place isn't shown makes the whole count unknown") func half() throws {
        let machine = try KernelFolder()
        try machine.twoSockets()
        try FileManager.default.removeItem(atPath: machine.path + "/sys/devices/system/cpu/cpu5/topology/core_id")
        let processor = Inventory.take(machine.files, folder: "/tmp").processor
        #expect(processor.processors == 8)
        #expect(processor.cores == nil && processor.sockets == nil)
    }

    @Test("A folder's disk: a partition's queue is its disk's; hypervisors' words are not believed") func disks() throws {
        let machine = try KernelFolder()
        let line = "29 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw"
        try machine.write("/proc/self/mountinfo", "\(line)\n30 29 0:5 / /elsewhere rw - tmpfs tmpfs rw")
        try machine.write("/sys/devices/pci/block/nvme0n1/queue/rotational", "0")
        try machine.write("/sys/devices/pci/block/nvme0n1/nvme0n1p2/size", "5")
        try machine.link("/sys/class/block/nvme0n1p2", to: "../../devices/pci/block/nvme0n1/nvme0n1p2")
        let disk = Inventory.take(machine.files, folder: "/tmp/no/such/folder").disk
        #expect(disk.kind == .ssd)
        #expect(disk.device == "nvme0n1p2" && disk.fileSystem == "ext4")
        #expect(disk.folder == "/tmp")
        #expect(try #require(disk.freeBytes) > 0 && disk.isReadOnly == false)
        try machine.write("/sys/devices/pci/block/nvme0n1/queue/rotational", "1")
        #expect(Inventory.take(machine.files, folder: "/tmp").disk.kind == .rotational)
        try machine.write("/proc/self/mountinfo", line.replacingOccurrences(of: "nvme0n1p2", with: "vda"))
        try machine.write("/sys/class/block/vda/queue/rotational", "1")
        #expect(Inventory.take(machine.files, folder: "/tmp").disk.kind == .virtual)
    }

    @Test("The deepest mount counts, and of two on one point the later one") func mounts() {
        let text = """
            1 0 8:1 / / rw - ext4 /dev/sda1 rw
            2 1 8:2 / /data\\040two rw,nosuid shared:7 master:1 - xfs /dev/mapper/big rw
            3 1 0:9 / /data rw - tmpfs tmpfs rw
            4 1 8:9 / /data rw - btrfs /dev/sdb rw
            torn line
            """
        #expect(Mount(of: "/data two/x", mountinfo: text)?.device == "big")
        #expect(Mount(of: "/data/x", mountinfo: text)?.fileSystem == "btrfs")
        #expect(Mount(of: "/database", mountinfo: text)?.device == "sda1")
        #expect(Mount(of: "/x", mountinfo: "") == nil)
    }

    @Test("Cards of hardware with their speed; an unknown speed stays unknown") func cards() throws {
        let machine = try KernelFolder()
        for (name, speed) in [("eth0", "10000"), ("eth1", "-1")] {
            try machine.write(in: "/sys/class/net/\(name)", ["speed": speed, "operstate": "up", "device/vendor": "0x8086"])
        }
        try machine.write(in: "/sys/class/net/docker0", ["speed": "10000", "operstate": "up"])
        let network = Inventory.take(machine.files, folder: "/tmp").network
        #expect(network.cards.map(\.name) == ["eth0", "eth1"])
        #expect(network.cards.map(\.megabitsPerSecond) == [10_000, nil])
        #expect(network.measured == nil)
    }

    @Test("A GPU's link by its PCI address") func links() throws {
        let machine = try KernelFolder()
        try machine.write(
            in: "/sys/bus/pci/devices/0000:1b:00.0",
            [
                "current_link_speed": "2.5 GT/s PCIe", "current_link_width": "16", "max_link_speed": "32.0 GT/s PCIe", "max_link_width": "16", "numa_node": "1",
            ])
        try machine.write(in: "/sys/bus/pci/devices/0000:1c:00.0", ["current_link_speed": "Unknown", "current_link_width": "0", "numa_node": "-1"])
        func described(_ address: String?) -> AcceleratorInventory.Described {
            AcceleratorInventory.Described(
                name: "opencl:0", kind: "gpu", title: "Test GPU", vendor: "Test", driver: "1.2", platform: "Test CL", version: "OpenCL 3.0",
                memoryBytes: 80 << 30,
                computeUnits: 132, clockMHz: 1_980, pciAddress: address, isUsed: true)
        }
        let found = Inventory.take(machine.files, folder: "/tmp", accelerators: [described("0000:1b:00.0"), described("0000:1c:00.0"), described(nil)])
            .accelerators
        let link = try #require(found[0].link)
        #expect(link.gigatransfers == 2.5 && link.lanes == 16 && link.largestGigatransfers == 32)
        // 32 GT/s · 16 lanes / 8 bits · 128/130.
        #expect((link.bytesPerSecond / 1e9 * 10).rounded() == 630)
        #expect(found[0].numaNode == 1 && found[1].numaNode == nil && found[1].link == nil && found[2].link == nil)
    }

    @Test("Lists of processors", arguments: [("0-3,8", "0-3,8"), ("5", "5"), ("0,1,2,7", "0-2,7"), ("3-3", "3")]) func lists(text: String, short: String) throws
    {
        #expect(try #require(ProcessorList(text)).text == short)
    }

    @Test("Nonsense is no list", arguments: ["", "a", "3-1", "-1", "1-", "0-99999999999", "1-2-3", "99999999999999999999"]) func nonsense(text: String) {
        #expect(ProcessorList(text) == nil)
    }

    @Test("This machine's own inventory fits 80 columns") func here() throws {
        let inventory = Inventory.take(folder: "/tmp", sensors: SystemSensors(nvml: nil).report())
        #expect(try #require(inventory.processor.processors) >= 1)
        var text = TextBlock()
        inventory.write(to: &text)
        // A word longer than a line (a path, a URL) is never cut.
        for line in text.lines where line.count > 80 { #expect(line.trimmingCharacters(in: .whitespaces).split(separator: " ").count == 1, "\(line)") }
        #expect(try JSON.parse(inventory.json.canonicalBytes, reals: true)["processor"]?["model"] == inventory.json["processor"]?["model"])
    }
}
