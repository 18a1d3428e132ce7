package import Wire

/// `POST /challenges/{nonce}/root`: the root of C, which stops the clock.
package struct ChallengeRoot: Sendable, Equatable {
    package let root: Digest

    package init(root: Digest) { self.root = root }

    /// Reads `{"root"}`; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "challenge's answer")
        root = try fields.digest("root")
        try fields.finish()
    }

    package var json: JSON { ["root": .string(root.hex)] }
}

/// What the coordinator says to it.
package struct ChallengeReceipt: Sendable, Equatable {
    /// From the challenge to its root, in milliseconds by the coordinator's clock.
    package let elapsedMilliseconds: Int64
    /// In F32 operations per second: what that shows if C is right. 0: it came too late, and C need not follow.
    package let rate: Int64

    package init(elapsedMilliseconds: Int64, rate: Int64) { (self.elapsedMilliseconds, self.rate) = (elapsedMilliseconds, rate) }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "challenge's receipt")
        elapsedMilliseconds = try fields.integer("elapsedMs")
        rate = try fields.integer("f32FlopsPerSecond")
    }

    package var json: JSON { ["elapsedMs": .integer(elapsedMilliseconds), "f32FlopsPerSecond": .integer(rate)] }
}
