package import Kernels

/// How much is measured, and how long it may take.
package struct RatePlan: Sendable, Equatable {
    /// For everything together. What runs over is taken from what follows, so that only the last single run can pass it.
    package let budget: Duration
    /// How often the whole table is gone through: a neighbour who comes for some seconds meets a row once, and each time a row's memory lies elsewhere.
    package let passes: Int
    /// Rounds for each row in a pass, after one run that warms up; fewer where time is short.
    package let rounds: Int
    /// n of the products, rising, on the CPU; a size whose run would take too long by the rate of the one before is left out.
    package let sizes: [Int]
    /// The same for the CPU's libraries by themselves.
    package let memberSizes: [Int]
    /// The same on an accelerator.
    package let acceleratorSizes: [Int]
    /// Which products a device is measured with.
    package let arithmetics: [Arithmetic]
    /// Whether the CPU's libraries are measured one by one, too.
    package let hasMembers: Bool
    /// Whether convolution and attention are measured in a second size.
    package let hasMoreKernels: Bool
    /// What is measured at all.
    package let kinds: Set<RateKind>

    /// In the order of measuring. Reproducible floats are what jobs ask for where they ask for nothing else; free order is beside it.
    package static let everyArithmetic: [Arithmetic] = [.f32Panel256, .f32, .f64Panel256, .bf16F32, .i32Exact]

    package init(
        budget: Duration, passes: Int = 1, rounds: Int, sizes: [Int], memberSizes: [Int]? = nil, acceleratorSizes: [Int],
        arithmetics: [Arithmetic] = Self.everyArithmetic, hasMembers: Bool, hasMoreKernels: Bool, kinds: Set<RateKind> = Set(RateKind.allCases)
    ) {
        (self.budget, self.passes, self.rounds) = (budget, max(1, passes), max(1, rounds))
        (self.sizes, self.memberSizes, self.acceleratorSizes) = (sizes, memberSizes ?? sizes, acceleratorSizes)
        self.arithmetics = arithmetics
        (self.hasMembers, self.hasMoreKernels, self.kinds) = (hasMembers, hasMoreKernels, kinds)
    }

    /// 25 s of measuring leave 5 of the promised 30 for opening devices and a last run that takes longer than foreseen.
    package static let full = RatePlan(
        budget: .seconds(25), passes: 3, rounds: 2, sizes: [256, 1_024, 2_048], memberSizes: [256, 1_024], acceleratorSizes: [512, 2_048, 4_096],
        hasMembers: true, hasMoreKernels: true)
    /// 3 s of the promised 5; devices have been opened before, and their choices are known, or it takes longer once.
    package static let quick = RatePlan(
        budget: .seconds(3), rounds: 3, sizes: [256, 1_024], acceleratorSizes: [512, 4_096],
        arithmetics: everyArithmetic.filter { $0 != .f32 }, hasMembers: false, hasMoreKernels: false)

    package var isQuick: Bool { !hasMembers }
}
