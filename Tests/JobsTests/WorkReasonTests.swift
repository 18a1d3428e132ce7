import Jobs
import Testing

@Suite struct WorkReasonTests {
    @Test func everyReasonSaysWhatItMeansAndWhatToDo() {
        for reason in WorkReason.allCases {
            #expect(!reason.meaning.isEmpty && !reason.remedy.isEmpty)
        }
        for kind in WorkReason.Kind.allCases { #expect(WorkReason.allCases.contains { $0.kind == kind }) }
    }
}
