package import Wire

/// The body of `POST /results`: results of several leases in one message, each taken or refused for itself.
package struct ResultBatch: Sendable, Equatable {
    package struct Item: Sendable, Equatable {
        package let lease: String
        package let submission: ResultSubmission

        package init(_ lease: String, _ submission: ResultSubmission) { (self.lease, self.submission) = (lease, submission) }
    }

    /// The most results in one message.
    package static let most = 16

    package let items: [Item]

    package init(_ items: [Item]) { self.items = items }

    /// Reads `{"results": [{"leaseId", …a result's members}…]}`. Throws `out_of_range` beyond `most`; `bad_request` where a lease comes twice.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "results")
        items = try JSON.map(try fields.array("results", maxCount: Self.most)) { (item) throws(Problem) in
            guard case .object(let object) = item else { throw Problem(.wrongType, "a result is not an object") }
            var fields = try JSONFields(item, "result")
            let lease = try fields.string("leaseId", maxBytes: 64)
            let members = object.members.filter { $0.key != "leaseId" }
            return Item(lease, try ResultSubmission(json: .object(JSONObject(distinct: members.map { ($0.key, $0.value) }))))
        }
        try fields.finish()
        guard Set(items.map(\.lease)).count == items.count else { throw Problem(.badRequest, "each lease has one result") }
    }

    package var json: JSON {
        let results = items.map { item -> JSON in
            guard let object = item.submission.json.objectValue else { return .null }
            return .object(object.setting("leaseId", to: .string(item.lease)))
        }
        return ["results": .array(results)]
    }
}

/// The answer: for each result, in the order of the questions, what a call of its own would have been answered.
package struct ResultBatchAnswer: Sendable {
    package let outcomes: [Result<ResultAnswer, Problem>]

    package init(_ outcomes: [Result<ResultAnswer, Problem>]) { self.outcomes = outcomes }

    /// Throws `out_of_range` unless there are `count` answers.
    package init(json: JSON, count: Int) throws(Problem) {
        var fields = try JSONFields(json, "results")
        let items = try fields.array("results", maxCount: count)
        guard items.count == count else { throw Problem(.outOfRange, "\(items.count) answers to \(count) results") }
        outcomes = try JSON.map(items) { (item) throws(Problem) in
            var fields = try JSONFields(item, "result")
            return fields.optional("code") == nil ? .success(try ResultAnswer(json: item)) : .failure(try fields.brief())
        }
    }

    package var json: JSON {
        let results = outcomes.map { outcome -> JSON in
            switch outcome {
            case .success(let answer): answer.json
            case .failure(let problem): problem.brief
            }
        }
        return ["results": .array(results)]
    }
}
