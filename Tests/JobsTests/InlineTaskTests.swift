import Jobs
import Testing
import Wire

@Suite("Tasks whose input stands in the request")
struct InlineTaskTests {
    private func task(_ operations: String, input: String = "[1, 2]") throws -> InlineTask {
        try InlineTask(json: JSON.parse(#"{"type": "compute", "data": {"input": \#(input), "operations": \#(operations)}}"#, reals: true))
    }

    private func spec(_ operations: String) throws -> JobSpec { try task(operations).spec(root: SHA256.hash(utf8: "input")) }

    private static let taken: [(String, JSON)] = [
        (#"["square", "sum"]"#, ["square", "sum"]), (#"[{"op": "add", "value": 2.5}]"#, [["op": "add", "value": "2.5"]]),
        (#"[{"op": "mul", "value": -3}, "exp"]"#, [["op": "mul", "value": "-3.0"], "exp"]),
        (
            #"[{"op": "pow", "value": 2}, {"op": "clamp", "lo": -0.5, "hi": 1e300}]"#,
            [["op": "pow", "value": "2"], ["op": "clamp", "lo": "-0.5", "hi": "1e+300"]]
        ),
        (#"[{"op": "div", "value": "1e1"}, {"op": "sub", "with": "x"}]"#, [["op": "div", "value": "1e1"], ["op": "sub", "with": "x"]]),
        (#"[{"op": "leaky_relu", "value": 5e-324}, {"op": "max"}]"#, [["op": "leaky_relu", "value": "5e-324"], ["op": "max"]]),
    ]

    /// What the spec says, and what a client that signs would say.
    @Test(arguments: taken) func numbersOfOperationsAreTextsInTheSpec(_ operations: String, _ expected: JSON) throws {
        let spec = try spec(operations)
        #expect(spec.params["operations"] == expected)
        // A signed document can hold it, and it is one that a kernel takes.
        #expect(try JSON.parse(spec.json.canonicalBytes) == spec.json)
        #expect(throws: Never.self) { _ = try spec.kernel() }
    }

    private static let refused: [(String, Problem.Code)] = [
        // Names.
        (#"["cube"]"#, .badParams), (#"[{"op": "cube"}]"#, .badParams), (#"[{"op": 1}]"#, .badParams), (#"[{"op": "mean", "value": 1}]"#, .unknownField),
        (#"[{"op": "square", "value": 1}]"#, .unknownField), (#"[{"value": 1}]"#, .missingField), (#"[{}]"#, .missingField),
        // What an operation takes.
        (#"["add"]"#, .missingField), (#"[{"op": "add"}]"#, .missingField), (#"[{"op": "clamp", "lo": 1}]"#, .missingField),
        (#"[{"op": "add", "value": 1, "more": 2}]"#, .unknownField), (#"[{"op": "add", "value": 1, "with": "x"}]"#, .badParams),
        (#"[{"op": "add", "with": "other"}]"#, .missingField),
        // Numbers.
        (#"[{"op": "add", "value": "two"}]"#, .wrongType), (#"[{"op": "add", "value": "0x2"}]"#, .wrongType), (#"[{"op": "add", "value": ""}]"#, .wrongType),
        (#"[{"op": "add", "value": "NaN"}]"#, .wrongType), (#"[{"op": "add", "value": "1e999"}]"#, .outOfRange),
        (#"[{"op": "add", "value": 1e999}]"#, .outOfRange),
        (#"[{"op": "add", "value": NaN}]"#, .badJSON), (#"[{"op": "add", "value": .5}]"#, .badJSON), (#"[{"op": "add", "value": 01}]"#, .badJSON),
        (#"[{"op": "add", "value": true}]"#, .wrongType), (#"[{"op": "add", "value": null}]"#, .wrongType), (#"[{"op": "add", "value": [1]}]"#, .wrongType),
        (#"[{"op": "pow", "value": 0.5}]"#, .outOfRange), (#"[{"op": "pow", "value": 1025}]"#, .outOfRange), (#"[{"op": "pow", "value": -1e18}]"#, .outOfRange),
        (#"[{"op": "clamp", "lo": 2, "hi": 1}]"#, .badParams),
        // What is no list of operations.
        ("[1]", .wrongType), ("[[]]", .wrongType), ("[null]", .wrongType), (#""square""#, .wrongType), ("[]", .badParams),
    ]

    @Test(arguments: refused) func operationsThatMakeNoSenseAreRefused(_ operations: String, _ expected: Problem.Code) {
        #expect(code { _ = try spec(operations).kernel() } == expected)
    }

    @Test func listsAreBounded() {
        func list(_ count: Int) -> String { "[" + [String](repeating: #"{"op":"add","value":0.5}"#, count: count).joined(separator: ",") + "]" }
        #expect(code { _ = try spec(list(32)).kernel() } == nil)
        #expect(code { _ = try spec(list(33)).kernel() } == .outOfRange && code { _ = try task(list(65)) } == .outOfRange)
    }

    @Test func theInputIsNumbers() throws {
        for input in [#"["1"]"#, "[true]", "[null]", "[[1]]", "1"] { #expect(code { _ = try task(#"["square"]"#, input: input) } == .wrongType, "\(input)") }
        #expect(code { _ = try task(#"["square"]"#, input: "[1e999]") } == .outOfRange)
        #expect(try task(#"["square"]"#, input: "[-1.5, 2]").bytes == [0, 0, 0, 0, 0, 0, 0xf8, 0xbf, 0, 0, 0, 0, 0, 0, 0, 0x40])
    }
}
