import ArgumentParser
import Kernels
import Wire

/// A two-dimensional convolution as given on the command line.
struct ConvOptions: WorkOptions {
    static var kernel: String { Conv2DKernel.name }
    static var abstract: String { "a two-dimensional convolution of images n×c×h×w with weights o×(c/groups)×kh×kw, of F32 or I8." }
    static var example: String { "--x X.safetensors --w W.safetensors --padding 1,1 --out Y.safetensors --wait --devnet data/devnet" }

    @Option(help: ArgumentHelp("The images: FILE.safetensors, FILE.safetensors#NAME or FILE.npy.", valueName: "file")) var x: String
    @Option(help: ArgumentHelp("The weights, likewise.", valueName: "file")) var w: String
    @Option(help: ArgumentHelp("Down and across.", valueName: "1,1")) var stride: String?
    @Option(help: ArgumentHelp("Zeros around the images, down and across.", valueName: "0,0")) var padding: String?
    @Option(help: ArgumentHelp("Between the taps, down and across.", valueName: "1,1")) var dilation: String?
    @Option(help: "Groups of channels; as many as channels for a depthwise convolution.") var groups: Int?
    @OptionGroup var needs: RequirementOptions

    func job() throws(Problem) -> PreparedJob {
        var params = ParameterList()
        try params.addList("stride", stride)
        try params.addList("padding", padding)
        try params.addList("dilation", dilation)
        params.add("groups", groups)
        return try PreparedJob(
            kernel: Self.kernel, params: params.json, inputs: try InputFiles.open([("x", x), ("w", w)]), requirements: try needs.requirements())
    }
}
