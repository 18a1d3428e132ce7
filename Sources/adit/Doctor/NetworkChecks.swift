import ChainClient
import Foundation
import Jobs
import Operations
import Signing
import Wire

/// Coordinator, chain node and clock: are both there, do they and this machine mean the same chain and the same time.
struct NetworkChecks {
    private let context: DoctorContext
    private let http: HTTPClient
    private let chain: String
    /// Short: a doctor that waits for minutes is none.
    private static let limits = HTTPLimits(connect: .seconds(3), total: .seconds(8), answerBytes: 1 << 20)

    init(_ context: DoctorContext, _ http: HTTPClient) {
        (self.context, self.http) = (context, http)
        chain = context.settings.text(.chainID)
    }

    func findings() async -> [Finding] {
        async let first = coordinator()
        async let second = node()
        let (asked, chain) = await (first, second)
        var findings = asked.findings + chain.findings
        if let key = asked.state?.coordinator, let listed = chain.coordinators, !listed.contains(key.hex) {
            findings.append(
                .broken(
                    .chain, "the coordinator's key is not on the chain's list", wanted: "a coordinator that the chain names (\(chain.url)/rpc/params)",
                    why: "receipts that it signs are never paid",
                    remedy: "set COORDINATOR_URL to a coordinator of this chain, or NODE_URL to a node of its chain"))
        }
        if let height = asked.state?.height, let own = chain.height, own + Self.behind < height {
            findings.append(
                .note(
                    .chain, "the node is at block \(own), the coordinator's at \(height)", wanted: "a node in step",
                    why: "claims are sent to the node, and paid by a later block",
                    remedy: "wait, or take another node: \(context.set(.nodeURL, to: "https://…"))"))
        }
        if let state = asked.state { findings += room(state) }
        return findings + ClockCheck.findings([asked.clock, chain.clock].compactMap { $0 })
    }

    /// Blocks: at a block a second, ten that are on their way.
    private static let behind: Int64 = 10

    // MARK: coordinator

    /// The limit that only a coordinator can be asked about: whether the largest output that it takes fits.
    private func room(_ state: NetworkState) -> [Finding] {
        guard let limits = try? LimitSettings.limits(context.settings) else { return [] }
        let others = limits.contradictions()
        return limits.contradictions(on: MachineBounds(largestOutput: state.maxBlobBytes)).filter { !others.contains($0) }.map { problem in
            .note(
                .config, problem.detail, wanted: "disk for one output of the largest size",
                why: "an output is kept until the coordinator has it, and with the limit reached there is no other job (disk_low)",
                remedy: context.set(.minerDisk, to: String((state.maxBlobBytes + (1 << 20) - 1) >> 20)))
        }
    }

    private func coordinator() async -> (findings: [Finding], state: NetworkState?, clock: ClockCheck.Reading?) {
        let text = context.settings.text(.coordinatorURL)
        guard let base = url(text, .coordinatorURL, .coordinator) else { return ([refused(text, .coordinatorURL, .coordinator)], nil, nil) }
        let answer: (response: HTTPResponse, clock: ClockCheck.Reading?)
        do throws(Problem) { answer = try await get(base, "/network/state") } catch {
            return ([unreachable(base, error, .coordinatorURL, .coordinator, service: "adit coordinator run")], nil, nil)
        }
        do throws(Problem) {
            let state = try NetworkState(json: try answer.response.json())
            guard state.chain.text == chain else { return ([wrongChain(base, state.chain.text, .coordinator)], state, answer.clock) }
            let workers = Figures.count(state.workerCount, "worker")
            return (
                [.well(.coordinator, "\(base) works for \(state.chain): \(workers), \(state.pricePerUnit) base units a compute unit")], state,
                answer.clock
            )
        } catch {
            return ([nonsense(base, error, .coordinatorURL, .coordinator)], nil, answer.clock)
        }
    }

    // MARK: chain node

    private struct NodeAnswer {
        var url = ""
        var findings: [Finding] = []
        var height: Int64?
        var coordinators: [String]?
        var clock: ClockCheck.Reading?
    }

    private func node() async -> NodeAnswer {
        let text = context.settings.text(.nodeURL)
        var result = NodeAnswer(url: text)
        guard let base = url(text, .nodeURL, .chain) else {
            result.findings = [refused(text, .nodeURL, .chain)]
            return result
        }
        do throws(Problem) {
            let answer = try await get(base, "/rpc/params")
            result.clock = answer.clock
            let params = try answer.response.json()
            guard let id = params["chain_id"]?.stringValue, let listed = params["coordinators"]?.arrayValue else {
                throw Problem(.badAnswer, "the answer names no chain_id and no coordinators")
            }
            result.coordinators = listed.compactMap(\.stringValue)
            guard id == chain else {
                result.findings = [wrongChain(base, String(id.prefix(64)), .chain)]
                return result
            }
        } catch {
            let isNonsense = [.badAnswer, .notFound, .methodNotAllowed].contains(error.code)
            result.findings = [
                isNonsense ? nonsense(base, error, .nodeURL, .chain) : unreachable(base, error, .nodeURL, .chain, service: "adit node run")
            ]
            return result
        }
        do throws(Problem) {
            let health = try await get(base, "/rpc/health").response.json()
            result.height = health["height"]?.integerValue
            result.findings = [.well(.chain, "\(base) is in step with \(chain)\(result.height.map { ", block \($0)" } ?? "")")]
        } catch {
            result.findings = [
                .broken(
                    .chain, "\(base) is not in step: \(error.detail.prefix(200))", wanted: "a node whose head is young",
                    why: "the miner takes no work while claims can't be paid (node_unreachable)",
                    remedy: base.isLoopback
                        ? "look at its log, and at who makes blocks: curl -s \(base)/rpc/health"
                        : "take another node: \(context.set(.nodeURL, to: "https://…"))")
            ]
        }
        return result
    }

    // MARK: what both may be

    private func url(_ text: String, _ setting: Setting, _ area: Finding.Area) -> BaseURL? {
        guard let base = try? BaseURL(text), context.isInsecure || base.isSecure || base.isLoopback else { return nil }
        return base
    }

    private func refused(_ text: String, _ setting: Setting, _ area: Finding.Area) -> Finding {
        guard let base = try? BaseURL(text) else {
            return .broken(
                area, "\(setting.name) is no service's URL", wanted: setting.kind.range, why: "the miner does not start",
                remedy: context.unset(setting) ?? context.set(setting, to: setting.standard ?? ""))
        }
        return .broken(
            area, "\(setting.name) is \(base): another machine without TLS", wanted: "https, or a tunnel to this machine",
            why: "whoever is between can read and change what is sent; the miner refuses it without --insecure",
            remedy: context.set(setting, to: "https://\(base.host)"))
    }

    private func get(_ base: BaseURL, _ path: String) async throws(Problem) -> (response: HTTPResponse, clock: ClockCheck.Reading?) {
        let before = WallClock.now()
        let response = try await http.send(HTTPRequest(.get, base, path: path, limits: Self.limits))
        let after = WallClock.now()
        let clock = response.head["date"].flatMap {
            ClockCheck.Reading(service: base.description, date: $0, sent: Self.seconds(before), answered: Self.seconds(after))
        }
        return (response, clock)
    }

    private static func seconds(_ time: (seconds: Int64, nanoseconds: Int64)) -> Double { Double(time.seconds) + Double(time.nanoseconds) * 1e-9 }

    private func unreachable(_ base: BaseURL, _ problem: Problem, _ setting: Setting, _ area: Finding.Area, service: String) -> Finding {
        .broken(
            area, "\(base) can't be reached: \(problem.detail.components(separatedBy: ": ").last?.prefix(200) ?? "")",
            wanted: "a service that answers at \(setting.name)",
            why: area == .chain ? "earnings are claimed there" : "work comes from there",
            remedy: "\(context.set(setting, to: "https://…"))\(base.isLoopback ? " # or start it: \(service)" : "")")
    }

    private func nonsense(_ base: BaseURL, _ problem: Problem, _ setting: Setting, _ area: Finding.Area) -> Finding {
        .broken(
            area, "\(base) answers something else than \(area == .chain ? "a chain node" : "a coordinator"): \(problem.detail.prefix(200))",
            wanted: area == .chain ? "an Adit chain node" : "an Adit coordinator", why: "another program listens there, or the address is wrong",
            remedy: context.set(setting, to: "https://…"))
    }

    private func wrongChain(_ base: BaseURL, _ other: String, _ area: Finding.Area) -> Finding {
        .broken(
            area, "\(base) is of chain \(other), this miner of \(chain)", wanted: "one chain for miner, coordinator and node",
            why: "the chain's name is part of everything that is signed: nothing would be taken (wrong_chain)",
            remedy: (try? ChainID(other)) == nil ? "set the right \(area == .chain ? "NODE_URL" : "COORDINATOR_URL")" : context.set(.chainID, to: other))
    }
}
