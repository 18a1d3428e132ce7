package import Sensors

/// One device of OpenCL, as its driver and the PCI bus describe it. nil: not said.
package struct AcceleratorInventory: Sendable, Equatable {
    /// What a driver says.
    package struct Described: Sendable, Equatable {
        /// The miner's name for it: `opencl:0`.
        package let name: String
        /// `gpu`, `cpu` or `accelerator`.
        package let kind: String
        /// Its maker's name for it.
        package let title: String
        package let vendor: String
        package let driver: String
        package let platform: String
        package let version: String
        package let memoryBytes: Int
        package let computeUnits: Int
        /// The highest clock, in MHz.
        package let clockMHz: Int?
        package let pciAddress: String?
        /// Whether jobs may run on it.
        package let isUsed: Bool

        package init(
            name: String, kind: String, title: String, vendor: String, driver: String, platform: String, version: String, memoryBytes: Int, computeUnits: Int,
            clockMHz: Int?, pciAddress: String?, isUsed: Bool
        ) {
            (self.name, self.kind, self.title, self.vendor, self.driver) = (name, kind, title, vendor, driver)
            (self.platform, self.version, self.memoryBytes, self.computeUnits) = (platform, version, memoryBytes, computeUnits)
            (self.clockMHz, self.pciAddress, self.isUsed) = (clockMHz, pciAddress, isUsed)
        }
    }

    /// A PCI Express link: what it runs at now (idle GPUs slow it down), and what card and slot could do.
    package struct Link: Sendable, Equatable {
        /// Billions of transfers a second and lane.
        package let gigatransfers: Double
        package let lanes: Int
        package let largestGigatransfers: Double?
        package let largestLanes: Int?

        /// Bytes a second in each direction, after line coding: 8 of 10 bits up to 5 GT/s, 128 of 130 from 8 GT/s on.
        package var bytesPerSecond: Double {
            let (transfers, lanes) = (largestGigatransfers ?? gigatransfers, largestLanes ?? lanes)
            return transfers * 1e9 * Double(lanes) / 8 * (transfers < 8 ? 0.8 : 128.0 / 130)
        }
    }

    package let described: Described
    package let link: Link?
    package let numaNode: Int?

    package init(_ described: Described, _ files: KernelFiles) {
        self.described = described
        let folder = described.pciAddress.map { "/sys/bus/pci/devices/\($0)" }
        link = folder.flatMap { Self.link(files, $0) }
        numaNode = folder.flatMap { files.integer("\($0)/numa_node") }.flatMap { (0..<1_024).contains($0) ? Int($0) : nil }
    }

    /// `16.0 GT/s PCIe` and `16`; a link that is down says `Unknown` and 0.
    private static func link(_ files: KernelFiles, _ folder: String) -> Link? {
        func speed(_ file: String) -> Double? {
            guard let word = files.text("\(folder)/\(file)")?.split(separator: " ").first, let value = Double(word), value > 0, value <= 256 else { return nil }
            return value
        }
        func lanes(_ file: String) -> Int? { files.integer("\(folder)/\(file)").flatMap { (1...32).contains($0) ? Int($0) : nil } }
        guard let now = speed("current_link_speed"), let width = lanes("current_link_width") else { return nil }
        return Link(gigatransfers: now, lanes: width, largestGigatransfers: speed("max_link_speed"), largestLanes: lanes("max_link_width"))
    }
}
