// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours is held to the same rules; see CONTRIBUTING.md.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let structuredFields: Target.Dependency = .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers")

/// A room of the house: its name, and the only things it may import.
func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "adit",
    dependencies: [
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-http-structured-headers", from: "1.7.0"),
    ],
    targets: [
        // C: module maps and our own kernels; each has one importer.
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),

        // Values.
        room("Wire", ["CCrypto"]),
        room("Signing", ["Wire", "CSodium", structuredFields]), plain-Swift references.
        room("Kernels", ["Wire"]),
        room("Ledger", ["Wire", "Signing"]),
        room("Jobs", ["Wire", "Signing", "Kernels", "Ledger"]),
        room("ChainClient", ["Wire", "Signing", "Ledger", "Jobs", "CCurl"]),

        tests("Wire", ["Wire"]),
        tests("Signing", ["Wire", "Signing"]),
        tests("Kernels", ["Wire", "Kernels"]),
        tests("Ledger", ["Wire", "Signing", "Ledger"]),
        tests("Jobs", ["Wire", "Signing", "Kernels", "Ledger", "Jobs"]),
        tests("ChainClient", ["Wire", "Signing", "Ledger", "Jobs", "ChainClient"]),
    ],
    swiftLanguageModes: [.v6]
)
