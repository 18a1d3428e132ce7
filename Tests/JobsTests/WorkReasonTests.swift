import Jobs
import Testing
import Wire

@Suite struct WorkReasonTests {
    @Test func everyReasonSaysWhatItMeansAndWhatToDo() throws {
        for reason in WorkReason.allCases {
            #expect(!reason.meaning.isEmpty && !reason.remedy.isEmpty)
            #expect(try WorkReason(name: reason.rawValue) == reason)
        }
        for kind in WorkReason.Kind.allCases { #expect(WorkReason.allCases.contains { $0.kind == kind }) }
        #expect(throws: Problem.self) { try WorkReason(name: "idle") }
    }
}
