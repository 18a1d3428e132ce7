import Foundation
import OpenBLASBackend
import TestSupport
import Testing
import Wire

@testable import adit

@Suite("The core types' file") struct CoreTypeFileTests {
    @Test("What was compared counts for a week, on the same machine, and a torn file for nothing") func kept() throws {
        let folder = try KernelFolder()
        let choices = "\(folder.path)/cache/backends.json"
        let (here, there) = (SHA256.hash(utf8: "here"), SHA256.hash(utf8: "there"))
        let file = CoreTypeFile(beside: choices, fingerprint: here)
        let trial = CoreTypeTrial(used: .haswell, configuration: "OpenBLAS 0.3", speeds: ["Haswell": 2e11, "Zen": 1e11])
        let (now, week): (Int64, Int64) = (1_800_000_000, 7 * 86_400)
        #expect(file.load(at: now) == nil)
        file.save(trial, at: now)
        #expect(file.load(at: now) == trial)
        #expect(file.load(at: now + week) == trial)
        #expect(file.load(at: now + week + 1) == nil)
        #expect(file.load(at: now - 1) == nil)
        #expect(CoreTypeFile(beside: choices, fingerprint: there).load(at: now) == nil)
        let bytes = try Files.read(file.path, limit: 1 << 16)
        for damaged in [Array(bytes.dropLast()), [], Array("{}".utf8), bytes + bytes] {
            try Files.write(damaged, to: file.path)
            #expect(file.load(at: now) == nil)
        }
    }
}
