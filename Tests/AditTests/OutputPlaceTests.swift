import Foundation
import Kernels
import Testing
import Wire

@testable import adit

@Suite struct OutputPlaceTests {
    @Test func aDiskWithTooLittleRoomIsFoundBeforeThePayment() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "adit-place-\(UUID().uuidString).safetensors").path
        // Petabytes: more than any disk that tests run on has free.
        let piece = try TensorDescriptor(name: "c", dtype: .f64, shape: [1 << 20, 1 << 17])
        #expect(throws: Problem.self) { try OutputPlace.check(path, outputs: Array(repeating: piece, count: 4_096), inputs: []) }
        try OutputPlace.check(path, outputs: [try TensorDescriptor(name: "c", dtype: .f64, shape: [8])], inputs: [])
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
