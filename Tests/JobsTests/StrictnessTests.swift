import Jobs
import Testing
import Wire

@Suite("What is refused in messages")
struct StrictnessTests {
    @Test func unknownMembersAreRefusedInSpecsAndResults() throws {
        let spec = try Samples.spec().json
        #expect(code { _ = try JobSpec(json: spec) } == nil)
        #expect(code { _ = try JobSpec(json: spec.with("extra", 1)) } == .unknownField)
        let requirements = try #require(spec["requirements"])
        #expect(code { _ = try JobSpec(json: spec.with("requirements", requirements.with("gpu", 1))) } == .unknownField)
        let input = try #require(spec["inputs"]?.arrayValue?.first)
        #expect(code { _ = try JobSpec(json: spec.with("inputs", [input.with("note", "x")])) } == .unknownField)

        let result = try Samples.result().json
        #expect(code { _ = try LeaseResult(json: result) } == nil)
        #expect(code { _ = try LeaseResult(json: result.with("units", 1)) } == .unknownField)
        for part in ["output", "receipt", "timing"] {
            let inner = try #require(result[part])
            #expect(code { _ = try LeaseResult(json: result.with(part, inner.with("x", 1))) } == .unknownField)
        }
    }

    @Test func unknownMembersAreIgnoredInAnswers() throws {
        let lease = try Samples.lease()
        #expect(try Lease(json: lease.json.with("later", "x")) == lease)
        let answer = TaskAnswer(quote: lease.quote, verification: ["class": "bits"])
        #expect(try TaskAnswer(json: answer.json.with("later", "x")) == answer)
    }

    @Test(arguments: ["type", "params", "inputs", "requirements"]) func specsNeedTheirMembers(_ member: String) throws {
        let spec = try Samples.spec().json
        #expect(code { _ = try JobSpec(json: spec.with(member, nil)) } == .missingField)
        #expect(code { _ = try JobSpec(json: spec.with(member, .null)) } == .wrongType)
    }

    @Test func requirementsAreBounded() {
        let cases: [(JSON, Problem.Code?)] = [
            ([:], nil), (["cpu": 100], nil), (["cpu": 0], .outOfRange), (["cpu": 101], .outOfRange), (["memoryMB": 0], .outOfRange),
            (["minTier": "trainer"], nil), (["minTier": "god"], .outOfRange), (["minTier": 3], .wrongType), (["device": "a|b"], .outOfRange),
            (["device": ""], .outOfRange), (["memoryMB": "8"], .wrongType),
        ]
        for (json, expected) in cases { #expect(code { _ = try Requirements(json: json) } == expected, "\(json)") }
    }

    @Test func specsAreBoundedAndNamesDistinct() throws {
        let spec = try Samples.spec().json
        let input = try #require(spec["inputs"]?.arrayValue?.first)
        #expect(code { _ = try JobSpec(json: spec.with("inputs", [input, input])) } == .outOfRange)
        #expect(code { _ = try JobSpec(json: spec.with("inputs", .array(.init(repeating: input, count: 300)))) } == .outOfRange)
        #expect(code { _ = try JobSpec(json: spec.with("type", "ge mm")) } == .outOfRange)
        #expect(code { _ = try JobSpec(json: spec.with("params", [1])) } == .wrongType)
        #expect(code { _ = try JobSpec(json: spec.with("inputs", [input.with("dtype", "F16")])) } == .unsupportedDtype)
        #expect(code { _ = try JobSpec(json: spec.with("inputs", [input.with("shape", [2_147_483_648])])) } == .outOfRange)
        #expect(code { _ = try JobSpec(json: spec.with("inputs", [input.with("root", "AB")])) } == .badHex)
    }

    @Test func unknownKernelsAreRefused() throws {
        let spec = try JobSpec(json: try Samples.spec().json.with("type", "teleport"))
        #expect(code { _ = try spec.kernel() } == .unknownKernel)
    }

    @Test func heartbeatsTakeSharesAlone() throws {
        #expect(try Heartbeat(json: ["fence": 1, "progress": .real(0.25)]).progress == 0.25)
        #expect(try Heartbeat(json: ["fence": 1]).progress == nil)
        for bad: JSON in [.real(1.5), .real(-.infinity), .real(.nan), 2] {
            #expect(code { _ = try Heartbeat(json: ["fence": 1, "progress": bad]) } == .outOfRange)
        }
        #expect(code { _ = try Heartbeat(json: ["fence": 0]) } == .outOfRange)
    }

    @Test func failuresTakeWorkersReasonsAlone() {
        #expect(code { _ = try LeaseFailure(json: ["fence": 1, "reason": "overheated"]) } == nil)
        #expect(code { _ = try LeaseFailure(json: ["fence": 1, "reason": "verification_failed"]) } == .outOfRange)
        #expect(code { _ = try LeaseFailure(json: ["fence": 1, "reason": "bored"]) } == .outOfRange)
    }
}
