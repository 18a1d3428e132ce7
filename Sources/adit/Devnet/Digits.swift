import Foundation
import Kernels
import Wire

/// The handwritten digits of examples/ (UCI, CC BY 4.0), and what the demonstration makes of them.
struct Digits {
    /// Pixels of one image.
    static let pixels = 64
    /// Random features of one image.
    static let features = 4096

    /// 0…1 in sixteenths, row-major, one image of 64 pixels a row.
    let train: [Float]
    let test: [Float]

    /// The file with `train`.
    let trainPath: String

    var trainCount: Int { train.count / Self.pixels }
    var count: Int { (train.count + test.count) / Self.pixels }

    /// - Parameter folder: where the digits' files are; looked for near the program where not given.
    init(folder: String?) throws(Problem) {
        let folder = if let folder { folder } else { try ExampleFiles.folder() }
        trainPath = folder + "/digits-train.safetensors"
        train = try Self.read(trainPath)
        test = try Self.read(folder + "/digits-test.safetensors")
    }

    /// All images in I8, pixels 0…16.
    var pixelsI8: [Int8] { (train + test).map { Int8(($0 * 16).rounded()) } }

    /// Random Fourier features √(2/D)·cos(w·x + b) of the training images, which approximate a Gaussian kernel of width σ
    /// (Rahimi and Recht, Random Features for Large-Scale Kernel Machines, 2007). w ~ N(0, 1/σ²), b uniform in [0, 2π), both seeded.
    ///
    /// Unlike the pixels they have full significands, so that their products really round.
    func cosineFeatures() -> [Float] {
        let random = ChaCha20(key: SHA256.hash(utf8: "adit.example.cosine-features"))
        // The typical distance between two images, as usual for this kernel.
        let sigma = 2.0
        let weights = (0..<Self.pixels * Self.features).map { _ in Float(Self.gaussian(random) / sigma) }
        let phases = (0..<Self.features).map { _ in Float(2 * Double.pi * Self.uniform(random)) }
        let scale = Float((2.0 / Double(Self.features)).squareRoot())
        var result = [Float](repeating: 0, count: trainCount * Self.features)
        for image in 0..<trainCount {
            var sums = phases
            for pixel in 0..<Self.pixels {
                let value = train[image * Self.pixels + pixel]
                guard value != 0 else { continue }
                for feature in 0..<Self.features { sums[feature] += value * weights[pixel * Self.features + feature] }
            }
            for feature in 0..<Self.features { result[image * Self.features + feature] = scale * cos(sums[feature]) }
        }
        return result
    }

    private static func uniform(_ random: ChaCha20) -> Double { Double(random.nextUInt64() >> 11) * 0x1p-53 }

    /// Box and Muller's method.
    private static func gaussian(_ random: ChaCha20) -> Double {
        let radius = (-2 * log(1 - uniform(random))).squareRoot()
        return radius * cos(2 * Double.pi * uniform(random))
    }

    private static func read(_ path: String) throws(Problem) -> [Float] {
        let tensor = try TensorFile(TensorArgument(path + "#x"), as: "x").tensor
        guard tensor.dtype == .f32, tensor.shape.count == 2, tensor.shape[1] == pixels else {
            throw Problem(.badTensorFile, "\(path) does not hold F32 [n, 64]")
        }
        return tensor.withElements(as: Float.self) { elements in
            var copy: [Float] = []
            copy.reserveCapacity(elements.count)
            for index in elements.indices { copy.append(elements[index]) }
            return copy
        }
    }
}
