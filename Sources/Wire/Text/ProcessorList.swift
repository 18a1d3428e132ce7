/// Numbers of logical processors as Linux and people list them: `0-3,8`.
package struct ProcessorList: Sendable, Equatable {
    package let numbers: Set<Int>

    /// Linux can't be built for more; a longer list would only take memory.
    private static let most = 8_192

    package init(_ numbers: Set<Int>) { self.numbers = numbers }

    /// nil for anything else, and for no number.
    package init?(_ text: String) {
        var numbers: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { end in
                end.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(end) : nil
            }
            guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last, last < Self.most else { return nil }
            numbers.formUnion(first...last)
        }
        self.numbers = numbers
    }

    /// The shortest list.
    package var text: String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }
}
