package import Wire

/// The words as they are shown: made in locked memory, for `SecretBytes.write`.
extension BackupWords {
    /// Numbered, in 4 columns of 6, to be read down: lines of 55 characters.
    package func sheet() throws(Problem) -> SecretBytes {
        let (rows, columns) = (6, 4)
        return try unsafe SecretBytes(capacity: 1024) { page in
            var count = 0
            func put(_ bytes: some Sequence<UInt8>) {
                for byte in bytes {
                    unsafe page[count] = byte
                    count += 1
                }
            }
            for row in 0..<rows {
                for column in 0..<columns {
                    let word = column * rows + row
                    guard let text = utf8(word) else { continue }
                    put((word < 9 ? "   " : "  ").utf8)
                    put("\(word + 1) ".utf8)
                    put(text)
                    // The longest word has 8 letters.
                    if column < columns - 1 { put(repeatElement(0x20, count: 8 - text.count)) }
                }
                put(CollectionOfOne(0x0A))
            }
            return count
        }
    }

    /// All in one line, for another program.
    package func line() throws(Problem) -> SecretBytes {
        try unsafe SecretBytes(capacity: 1024) { page in
            var used = 0
            for word in 0..<count {
                guard let text = utf8(word) else { continue }
                for byte in text {
                    unsafe page[used] = byte
                    used += 1
                }
                unsafe page[used] = word == count - 1 ? 0x0A : 0x20
                used += 1
            }
            return used
        }
    }
}
