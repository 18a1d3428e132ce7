// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The readers of the product once more, compiled for libFuzzer: a package of its own, so that the product knows nothing of it.
// Sources/ holds links to the targets themselves. Built and run by scripts/fuzz.

/// What libFuzzer needs to see: edges, and the operands of comparisons.
let instrumented: [SwiftSetting] = [
    .strictMemorySafety(), .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"), .unsafeFlags(["-sanitize=fuzzer"]),
]

/// libFuzzer without its main, from the toolchain; scripts/fuzz says where.
let runtime = ProcessInfo.processInfo.environment["ADIT_FUZZER_RUNTIME"] ?? "clang_rt.fuzzer_no_main"

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: instrumented)
}

let package = Package(
    name: "adit-fuzzing",
    dependencies: [.package(url: "https://github.com/apple/swift-http-structured-headers", from: "1.7.0")],
    targets: [
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto"),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium"),
        room("Wire", ["CCrypto"]),
        room("Signing", ["Wire", "CSodium", .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers")]),
        room("Kernels", ["Wire"]),
        room("Ledger", ["Wire", "Signing"]),
        room("Jobs", ["Wire", "Signing", "Kernels", "Ledger"]),
        room("Operations", ["Wire", "Signing", "Kernels", "Jobs"]),
        room("Sensors", ["Wire", "Operations"]),
        room("Profiler", ["Wire", "Signing", "Kernels", "Jobs", "Sensors"]),
        room("FuzzTargets", ["Wire", "Signing", "Kernels", "Ledger", "Jobs", "Operations", "Profiler"]),
        .target(name: "CFuzzer"),
        .executableTarget(
            name: "adit-fuzz", dependencies: ["FuzzTargets", "Wire", "CFuzzer"],
            swiftSettings: [.strictMemorySafety()],
            linkerSettings: [.unsafeFlags([runtime]), .linkedLibrary("stdc++")]),
    ],
    swiftLanguageModes: [.v6]
)
