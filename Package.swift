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

let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1: Target.Dependency = .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let structuredFields: Target.Dependency = .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers")

/// For the rooms whose loops go over every byte or element: optimized in debug builds too, as the C kernels are, with the checks of a debug
/// build left in. Otherwise a miner's start, which compares its devices with plain-Swift references, is many times as slow there.
let quick: [SwiftSetting] = [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

/// A room of the house: its name, and the only things it may import.
func room(_ name: String, _ dependencies: [Target.Dependency], _ settings: [SwiftSetting] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict + settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "adit",
    products: [.executable(name: "adit", targets: ["adit"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-http-structured-headers", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    ],
    targets: [
        // C: module maps and our own kernels; each has one importer.
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenBLAS"),
        .systemLibrary(name: "COneDNN"),
        .systemLibrary(name: "COpenCL"),
        .systemLibrary(name: "CXSMM", providers: [.apt(["libxsmm-dev"])]),
        // -O3 also in debug builds: SwiftPM would compile the kernels at -O0. No contraction and no
        // reassociation: the order and the rounding of every operation are part of the protocol.
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"])]),

        // Values.
        room("Wire", ["CCrypto"], quick),
        room("Signing", ["Wire", "CSodium", structuredFields]),

        // Core: rules, ports, plain-Swift references.
        room("Kernels", ["Wire"], quick),
        room("Ledger", ["Wire", "Signing"]),
        room("Jobs", ["Wire", "Signing", "Kernels", "Ledger"]),
        room("Operations", ["Wire", "Signing", "Kernels", "Jobs"]),

        // Adapters.
        room("NativeBackend", ["Wire", "Kernels", "CKernels"]),
        room("OpenBLASBackend", ["Wire", "Kernels", "COpenBLAS"]),
        room("OneDNNBackend", ["Wire", "Kernels", "COneDNN"]),
        room("XSMMBackend", ["Wire", "Kernels", "CXSMM"]),
        room("OpenCLBackend", ["Wire", "Kernels", "COpenCL"]),
        room("BackendChoice", ["Wire", "Kernels"]),
        room("TensorFiles", ["Wire", "Kernels"]),
        room("Sensors", ["Wire", "Operations"]),
        room("Profiler", ["Wire", "Signing", "Kernels", "Jobs", "Sensors"]),
        room("ChainClient", ["Wire", "Signing", "Ledger", "Jobs", "CCurl"]),
        room(
            "HTTPServing",
            [
                "Wire", hummingbird, hummingbirdCore, logging, coreMetrics, lifecycle, httpTypes, nioCore, nioHTTP1, nioHTTPTypes, nioHTTPTypesHTTP1,
            ]),

        // Services.
        room("ChainNode", ["Wire", "Signing", "Ledger", "ChainClient", "HTTPServing", hummingbird, grdb, logging, coreMetrics, lifecycle]),
        room(
            "Coordinator",
            [
                "Wire", "Signing", "Kernels", "Ledger", "Jobs", "ChainClient", "HTTPServing", "TensorFiles", hummingbird, grdb, logging, metrics, lifecycle,
                httpTypes, nioCore,
            ]),
        room(
            "MinerNode",
            [
                "Wire", "Signing", "Kernels", "Ledger", "Jobs", "Operations", "ChainClient", "Profiler", "HTTPServing", "TensorFiles", hummingbird, grdb,
                logging, metrics, lifecycle,
            ]),

        // Program.
        .executableTarget(
            name: "adit",
            dependencies: [
                "Wire", "Signing", "Kernels", "Ledger", "Jobs", "Operations", "NativeBackend", "OpenBLASBackend", "OneDNNBackend", "XSMMBackend",
                "BackendChoice", "OpenCLBackend", "Sensors", "Profiler",
                "TensorFiles", "ChainClient", "HTTPServing", "ChainNode", "Coordinator", "MinerNode", logging, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict + quick),

        .target(name: "TestSupport", dependencies: ["Wire"], path: "Tests/TestSupport", swiftSettings: strict),
        // What the fuzzers ask of every reader; Tests/Fuzzing builds it for libFuzzer, FuzzTests replays the kept corpus.
        .target(
            name: "FuzzTargets", dependencies: ["Wire", "Signing", "Kernels", "Ledger", "Jobs", "Operations", "Profiler"], path: "Tests/FuzzTargets",
            swiftSettings: strict),
        tests("Fuzz", ["Wire", "FuzzTargets", "TestSupport"]),
        tests("Wire", ["Wire", "TestSupport"]),
        tests("Signing", ["Wire", "Signing", "TestSupport"]),
        tests("Kernels", ["Wire", "Kernels", "TestSupport"]),
        tests("Ledger", ["Wire", "Signing", "Ledger", "TestSupport"]),
        tests("Jobs", ["Wire", "Signing", "Kernels", "Ledger", "Jobs", "TestSupport"]),
        tests("Operations", ["Wire", "Signing", "Kernels", "Jobs", "Operations", "TestSupport"]),
        tests("Sensors", ["Wire", "Operations", "Sensors", "TestSupport"]),
        tests(
            "Backend",
            ["Wire", "Kernels", "NativeBackend", "OpenBLASBackend", "OneDNNBackend", "XSMMBackend", "BackendChoice", "OpenCLBackend", "TestSupport"]),
        tests("TensorFiles", ["Wire", "TensorFiles"]),
        tests("Profiler", ["Wire", "Kernels", "Jobs", "Sensors", "Profiler", "TestSupport"]),
        tests("ChainClient", ["Wire", "Signing", "Ledger", "Jobs", "ChainClient"]),
        tests("ChainNode", ["Wire", "Signing", "Ledger", "HTTPServing", "ChainNode", "ChainClient", logging, lifecycle, grdb, hummingbird]),
        tests(
            "MinerNode",
            [
                "Wire", "Signing", "Kernels", "Ledger", "Jobs", "Operations", "NativeBackend", "Profiler", "ChainClient", "HTTPServing", "MinerNode", grdb,
                logging, lifecycle,
            ]),
        tests("Adit", ["Wire", "Signing", "Kernels", "OpenBLASBackend", "Profiler", "adit", "TestSupport"]),
        .testTarget(
            name: "ReliabilityTests", dependencies: ["Wire", "Signing", "Kernels", "Ledger", "Jobs", "ChainClient", "adit", "TestSupport", grdb],
            exclude: ["Faults"], swiftSettings: strict),
        tests(
            "EndToEnd",
            [
                "Wire", "Signing", "Kernels", "Ledger", "Jobs", "Operations", "NativeBackend", "OpenBLASBackend", "Profiler", "ChainClient",
                "HTTPServing", "ChainNode", "Coordinator", "MinerNode", grdb, logging, lifecycle,
            ]),
    ],
    swiftLanguageModes: [.v6]
)
