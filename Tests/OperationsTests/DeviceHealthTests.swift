import Jobs
import Operations
import Testing
import Wire

@Suite struct DeviceHealthTests {
    @Test func pausesDoubleToAnHour() {
        var health = DeviceHealth()
        var pauses: [Int64] = []
        for _ in 0..<10 {
            health.failed(.deviceError, detail: "lost", at: .zero)
            pauses.append(health.nextAnswer.components.seconds)
        }
        #expect(pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
        for _ in 0..<100 { health.failed(.deviceHangs, detail: "", at: .seconds(10)) }
        #expect(health.nextAnswer == .seconds(3610) && !health.mayWork)
    }

    @Test func anErrorTakesOneAnswerAndAWrongAnswerThree() {
        var health = DeviceHealth()
        #expect(health.mayWork && !health.isAnswerDue(at: .seconds(599)) && health.isAnswerDue(at: .seconds(600)))
        health.failed(.deviceError, detail: "lost", at: .seconds(600))
        #expect(health.state == .quarantined && !health.isAnswerDue(at: .seconds(629)) && health.isAnswerDue(at: .seconds(630)))
        #expect(health.answered(at: .seconds(630)) && health.state == .watched && health.mayWork)
        health.failed(.wrongAnswer, detail: "cell 3", at: .seconds(640))
        #expect(!health.answered(at: .seconds(700)) && !health.mayWork && health.isAnswerDue(at: .seconds(700)))
        #expect(!health.answered(at: .seconds(701)) && health.answered(at: .seconds(702)) && health.mayWork)
    }

    @Test func trustComesBackSlowlyAndForgetsAll() {
        var health = DeviceHealth()
        for _ in 0..<3 { health.failed(.deviceHangs, detail: "no answer", at: .zero) }
        health.answered(at: .seconds(120))
        for count in 1..<8 {
            health.answered(at: .seconds(120 + 60 * count))
            #expect(health.state == .watched && health.failures == 3 && health.nextAnswer == .seconds(180 + 60 * count))
        }
        #expect(health.answered(at: .seconds(600)) && health.state == .trusted && health.failures == 0 && health.reason == nil)
        health.failed(.deviceError, detail: "", at: .seconds(700))
        #expect(health.nextAnswer == .seconds(730), "the first pause again")
    }

    @Test func statusSaysWhyAndWhen() {
        var health = DeviceHealth()
        #expect(health.json(at: .seconds(30)) == ["state": "trusted", "failures": 0, "goodAnswers": 0, "nextAnswerSeconds": 570])
        health.failed(.wrongAnswer, detail: "cell 3", at: .seconds(5))
        let json = health.json(at: .seconds(10))
        #expect(json["state"] == "quarantined" && json["reason"]?["code"] == "wrong_answer" && json["detail"] == "cell 3" && json["nextAnswerSeconds"] == 25)
    }
}
