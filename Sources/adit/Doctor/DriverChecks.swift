import Foundation
import OpenCLBackend
import Operations
import Profiler
import Wire

/// OpenCL's drivers, each tried out in another process, since one that crashes takes its process with it; and GPUs that have none.
enum DriverChecks {
    static func findings(_ context: DoctorContext) async -> [Finding] {
        let wanted: OpenCLOptions?
        do throws(Problem) { wanted = try OpenCLSettings.options(context.settings, folder: context.settings.text(.minerData)) } catch { return [] }
        guard let options = wanted else { return [.well(.drivers, "OpenCL is off (MINER_OPENCL)")] }
        let gpus = PCIDisplay.found()
        let installed: [DriverReport]?
        do throws(Problem) { installed = try await OwnThread.run("adit-doctor-drivers") { () throws(Problem) in DriverReport.all(options) } } catch {
            return []
        }
        guard let reports = installed else {
            return [
                .broken(
                    .drivers, "OCL_ICD_VENDORS is \"\(DriverReport.folder)\", which is neither a folder nor an ICD file", wanted: "a folder with ICD files",
                    why: "OpenCL's loader finds no driver, and no GPU works", remedy: "unset OCL_ICD_VENDORS")
            ]
        }
        var findings = reports.map(finding)
        if reports.isEmpty { findings.append(none(gpus)) }
        findings += gpus.filter { gpu in !reports.isEmpty && !gpu.hasKernelDriver }.map { gpu in
            .broken(
                .drivers, "\(gpu.vendor) at PCI \(gpu.address) has no kernel driver", wanted: "the kernel driver of its maker", why: "the GPU can't work",
                remedy: gpu.remedy)
        }
        return findings
    }

    private static func none(_ gpus: [PCIDisplay]) -> Finding {
        if let vendors = DriverReport.vendors {
            return .broken(
                .drivers, "there is no ICD file in \(vendors) (OCL_ICD_VENDORS)", wanted: "a folder with a file NAME.icd for each driver",
                why: "OpenCL's loader finds no driver, and no GPU works", remedy: "unset OCL_ICD_VENDORS")
        }
        guard let gpu = gpus.first else { return .well(.drivers, "no GPU, and no OpenCL driver: the processor does the work") }
        return .broken(
            .drivers, "\(gpu.vendor) at PCI \(gpu.address), and no ICD file in \(DriverReport.folder)", wanted: "the OpenCL driver of its maker",
            why: "without it the GPU earns nothing", remedy: gpu.remedy)
    }

    private static func finding(_ driver: DriverReport) -> Finding {
        let away = "\(geteuid() == 0 ? "" : "sudo ")mv \(Shell.quoted(driver.path)) \(Shell.quoted(driver.path + ".off"))"
        switch driver.fault {
        case nil: return .well(.drivers, "\(driver.path): \(driver.library) loads")
        case .noLibraryNamed:
            return .broken(
                .drivers, "\(driver.path) names no library, or can't be read", wanted: "one line with the driver's library", why: "the driver isn't found",
                remedy: away)
        case .libraryMissing:
            return .broken(
                .drivers, "\(driver.path) names \(driver.library), which is not there", wanted: "the driver's library, or no such ICD file",
                why: "a driver was taken away and its ICD file was left, or it is half installed: install it again, or", remedy: away)
        case .sick(let reason):
            return .broken(
                .drivers, "the driver of \(driver.path) (\(driver.library)) \(reason)", wanted: "a driver that can be loaded",
                why: "the miner leaves it out (driver_crashes) and goes on with the other devices: install another version of it, or", remedy: away)
        }
    }
}

/// A display controller or accelerator on the PCI bus, as the kernel lists it.
struct PCIDisplay: Sendable {
    let address: String
    let vendor: String
    let package: String
    let hasKernelDriver: Bool

    var remedy: String { "\(geteuid() == 0 ? "" : "sudo ")apt-get install -y \(package)" }

    /// Makers whose GPUs compute; others are consoles of servers and virtual machines.
    private static let makers = [
        "0x10de": ("an NVIDIA GPU", "nvidia-driver nvidia-opencl-icd"), "0x1002": ("an AMD GPU", "mesa-opencl-icd"),
        "0x8086": ("an Intel GPU", "intel-opencl-icd"),
    ]

    static func found(_ folder: String = "/sys/bus/pci/devices") -> [PCIDisplay] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().compactMap { address in
            func value(_ name: String) -> String {
                (try? String(contentsOfFile: "\(folder)/\(address)/\(name)", encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
            }
            // Class 0x03: display controllers; 0x12: processing accelerators.
            guard value("class").hasPrefix("0x03") || value("class").hasPrefix("0x12"), let (vendor, package) = makers[value("vendor")] else { return nil }
            return PCIDisplay(
                address: address, vendor: vendor, package: package,
                hasKernelDriver: FileManager.default.fileExists(atPath: "\(folder)/\(address)/driver"))
        }
    }
}
