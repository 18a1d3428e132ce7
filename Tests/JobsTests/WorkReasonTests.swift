import Jobs
import Testing
import Wire

@Suite struct WorkReasonTests {
    @Test func everyReasonSaysWhatItMeansAndWhatToDo() {
        for reason in WorkReason.allCases {
            #expect(!reason.meaning.isEmpty && !reason.remedy.isEmpty)
        }
        for kind in WorkReason.Kind.allCases { #expect(WorkReason.allCases.contains { $0.kind == kind }) }
    }

    @Test func remediesCanBePastedWhereTheServicesAreKnown() {
        let services = ServiceAddresses(coordinator: "http://c.example:1", node: "http://n.example:2")
        for reason in WorkReason.allCases { #expect(reason.json(services)["remedy"]?.stringValue?.contains("$") == false, "\(reason)") }
        #expect(WorkReason.awaitingBlock.json(services)["remedy"]?.stringValue?.hasSuffix("curl http://n.example:2/rpc/health") == true)
        #expect(ServiceAddresses(coordinator: "", node: "").filled("curl $NODE_URL/x") == "curl $NODE_URL/x")
    }
}
