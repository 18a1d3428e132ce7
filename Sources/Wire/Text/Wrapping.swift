extension StringProtocol {
    /// Lines of at most `width` characters, broken at spaces; a word that is longer than a line stays whole. One line for an empty text.
    ///
    /// - Parameters:
    ///   - first: what the first line begins with, part of its width.
    ///   - rest: the same for all others.
    package func wrapped(first: String = "", rest: String = "", width: Int) -> [String] {
        var (lines, line, isEmpty) = ([String](), first, true)
        for word in split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                (line, isEmpty) = (rest, true)
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return lines + [line]
    }
}
