/// What one listener's connections may cost it.
package struct ConnectionLimits: Sendable {
    /// Open connections. From three quarters of it on, the one that has been idle for longest is closed for each new one; where none is idle,
    /// new ones wait in the listen queue.
    package var maximum = 1024
    /// Open connections of one address of another machine (IPv6: of one /64); more are closed at once.
    package var maximumPerPeer = 256
    /// A connection that neither sends nor is owed an answer for so long is closed.
    package var idle = Duration.seconds(60)
    /// From a request's first byte to the end of its head.
    package var head = Duration.seconds(10)
    /// Connections that the kernel may hold until they are accepted; net.core.somaxconn bounds it too. Where it is full the other
    /// end's next try comes after 1 s, then 3 s, then 7 s: with 256, a burst of 3,000 idle connections kept one out for 67 s.
    package var backlog = 4_096
    /// All headers of a request, in bytes and in number.
    package var headBytes = 16_384
    package var headFields = 100
    /// How slowly a body may come in, or be taken.
    package var throughput = Throughput.Floor()
    /// How often the three above are looked at.
    package var look = Duration.seconds(1)
    /// What an answer to a refused connection gets to be read in before it is closed.
    package var linger = Duration.seconds(1)

    package init() {}

    /// Connections from which on idle ones make room. The rest is for new ones while the idle are being closed, and for those at work.
    var crowded: Int { max(1, maximum - max(1, maximum / 4)) }
}
