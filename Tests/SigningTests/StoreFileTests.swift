import Foundation
import Signing
import Testing

@Suite struct StoreFileTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func mode(_ path: String) throws -> Int? { try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int }

    @Test func aNewFileIsItsOwnersAndEmpty() throws {
        try inFolder { folder throws in
            StoreFile.make("\(folder)/a.db")
            #expect(try mode("\(folder)/a.db") == 0o600)
            #expect(FileManager.default.contents(atPath: "\(folder)/a.db") == Data())
        }
    }

    @Test func oneThatIsThereStaysAsItIs() throws {
        try inFolder { folder throws in
            let path = "\(folder)/a.db"
            try Data("kept".utf8).write(to: URL(filePath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
            StoreFile.make(path)
            #expect(try mode(path) == 0o640)
            #expect(FileManager.default.contents(atPath: path) == Data("kept".utf8))
        }
    }

    @Test func whereNoneCanBeMadeNothingHappens() throws {
        try inFolder { folder throws in
            StoreFile.make("\(folder)/none/a.db")
            StoreFile.make(folder)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }
}
