import Foundation
import Wire

/// The published and golden vectors beside the checkout; tests that need them are skipped where the folder is absent.
enum Vectors {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/vectors").standardized

    static let present: Bool = {
        let found = FileManager.default.fileExists(atPath: folder.path)
        if !found { print("skipped: no vectors at ../shared/vectors") }
        return found
    }()

    static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: path))) }

    static func json(_ path: String) throws -> JSON { try JSON.parse(bytes(path), reals: true) }

    /// One list of protocol-v1.json.
    static func protocolCases(_ name: String) throws -> [JSON] { try json("protocol-v1.json")[name]?.arrayValue ?? [] }
}
