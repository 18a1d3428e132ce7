import ArgumentParser
import ChainClient
import HTTPServing
import Wire

/// Off loopback TLS is required, or `--insecure` said aloud (PROTOCOL section 10).
struct Exposure: ParsableArguments {
    @Flag(help: "Allow plain HTTP beyond this machine; better put a TLS proxy in front.") var insecure = false

    /// An address to listen on. Throws `forbidden` for one that others can reach, without the flag.
    func bind(_ text: String) throws(Problem) -> Bind {
        let bind = try Bind(text)
        guard insecure || bind.isLoopback else {
            throw Problem(.forbidden, "\(bind) can be reached from other machines without TLS; listen on 127.0.0.1 behind a TLS proxy, or add --insecure")
        }
        return bind
    }

    /// A service's URL. Throws `forbidden` for plain HTTP to another machine, without the flag.
    func url(_ text: String) throws(Problem) -> BaseURL {
        let url = try BaseURL(text)
        guard insecure || url.isSecure || url.isLoopback else {
            throw Problem(.forbidden, "\(url) is another machine without TLS; use https, or add --insecure")
        }
        return url
    }
}
