import Foundation
import Testing
import Wire

/// The golden values of `protocol-v1.json`; absent outside the project's own machines.
enum Vectors {
    static let document: JSON? = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appending(path: "../shared/vectors/protocol-v1.json")
        guard let data = try? Data(contentsOf: file) else { return nil }
        return try? JSON.parse(Array(data), reals: true)
    }()

    static let missing: Comment = "shared/vectors/protocol-v1.json is not here"

    static func list(_ name: String) -> [JSON] { document?[name]?.arrayValue ?? [] }
}
