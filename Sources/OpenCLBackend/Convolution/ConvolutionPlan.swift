import Kernels
import Wire

/// How a convolution is cut into blocks that fit a device: so many images at a time, or so many positions of one image.
struct ConvolutionPlan: Equatable {
    let images: Int
    /// Of one image; fewer than all only with one image.
    let positions: Int

    private static let fewest = 64

    /// What lies on the device beside one another, in bytes, for a plan.
    struct Sizes {
        let convolution: Convolution
        /// nil: cells are computed without packing.
        let kernel: Microkernel?

        private var size: Int { convolution.inputDType.byteCount }
        var weights: Int { convolution.outputs * convolution.depth * size }
        var image: Int { convolution.channels * convolution.height * convolution.width * size }

        /// Packed weights of all groups.
        var packedWeights: Int {
            guard let kernel else { return 0 }
            return convolution.groups * Self.padded(convolution.groupOutputs, kernel.bm) * kernel.depth(convolution.depth) * kernel.packedBytes
        }

        /// Packed windows.
        func packed(_ plan: ConvolutionPlan) -> Int {
            guard let kernel else { return 0 }
            return plan.images * convolution.groups * Self.padded(plan.positions, kernel.bn) * kernel.depth(convolution.depth) * kernel.packedBytes
        }

        func output(_ plan: ConvolutionPlan) -> Int { plan.images * convolution.outputs * plan.positions * convolution.outputDType.byteCount }

        /// Images and outputs twice: one block travels while another is computed.
        func pieces(_ plan: ConvolutionPlan) -> [Int] {
            [weights, packedWeights, plan.images * image, plan.images * image, packed(plan), output(plan), output(plan)].filter { $0 > 0 }
        }

        static func padded(_ count: Int, _ multiple: Int) -> Int { (count + multiple - 1) / multiple * multiple }
    }

    /// As many images as fit and as `operations` take, at least one; of one that doesn't fit, some positions.
    ///
    /// - Throws: `memory_limit` if not even a small block fits.
    static func make(_ sizes: Sizes, cap: Int, largest: Int, operations: Double) throws(Problem) -> ConvolutionPlan {
        let convolution = sizes.convolution
        let perImage = Double(convolution.operations) / Double(convolution.batch)
        var images = max(1, Int(min(operations / perImage, Double(convolution.batch))))
        var positions = convolution.positions
        // A long image goes in parts, so that a run can be stopped between two.
        if perImage > 2 * operations { positions = max(min(fewest, positions), Int(Double(positions) * operations / perImage)) }
        while true {
            let plan = ConvolutionPlan(images: images, positions: positions)
            let pieces = sizes.pieces(plan)
            if pieces.allSatisfy({ $0 <= largest }), pieces.reduce(0, { $0 + BufferPool.rounded($1) }) <= cap { return plan }
            if images > 1 {
                images = (images + 1) / 2
            } else if positions > fewest {
                positions = max(fewest, positions / 2)
            } else {
                throw Problem(.memoryLimit, "a block of the convolution is over the device's \(cap) bytes")
            }
        }
    }
}
