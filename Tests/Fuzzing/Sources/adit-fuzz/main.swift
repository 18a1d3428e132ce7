import CFuzzer
import FuzzTargets
import Glibc
import Wire

// adit-fuzz TARGET [libFuzzer's arguments], or: adit-fuzz --seeds FOLDER

/// Set once, before libFuzzer runs; a C function can't capture it.
nonisolated(unsafe) private var target = FuzzTarget.json

private func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = unsafe write(2, bytes, bytes.count)
}

private func complain(_ text: String) -> Never {
    say(text)
    exit(2)
}

private func writeSeeds(to folder: String) throws {
    for target in FuzzTarget.allCases {
        unsafe mkdir("\(folder)/\(target.rawValue)", 0o755)
        for seed in try target.seeds() {
            guard let file = unsafe fopen("\(folder)/\(target.rawValue)/seed-\(seed.name)", "wb") else { complain("can't write to \(folder)") }
            unsafe fwrite(seed.bytes, 1, seed.bytes.count, file)
            unsafe fclose(file)
        }
    }
}

let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
guard CommandLine.arguments.count >= 2 else { complain("usage: adit-fuzz TARGET [ARGUMENTS]; targets: \(names)") }
if CommandLine.arguments[1] == "--seeds", CommandLine.arguments.count == 3 {
    try writeSeeds(to: CommandLine.arguments[2])
    exit(0)
}
guard let chosen = FuzzTarget(rawValue: CommandLine.arguments[1]) else { complain("no target \(CommandLine.arguments[1]); there are \(names)") }
unsafe target = chosen

// libFuzzer's own view of the arguments: without the target's name.
var arguments: [UnsafeMutablePointer<CChar>?] = unsafe ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map { unsafe strdup($0) } + [nil]
var count = unsafe Int32(arguments.count - 1)
let status = unsafe arguments.withUnsafeMutableBufferPointer { buffer in
    var base: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = buffer.baseAddress
    return unsafe LLVMFuzzerRunDriver(&count, &base) { data, size in
        do {
            try unsafe target.run(Array(UnsafeBufferPointer(start: data, count: size)))
        } catch {
            say("property broken: \(error)")
            abort()
        }
        return 0
    }
}
exit(status)
