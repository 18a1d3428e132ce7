import Foundation
import Operations
import Profiler

/// What around the program costs speed: limits of a container, clocks held down, other programs.
enum EnvironmentChecks {
    static func findings(_ context: DoctorContext) -> [Finding] {
        let inventory = Inventory.take(folder: context.settings.text(.minerData))
        return EnvironmentCosts(environment: ProcessInfo.processInfo.environment, inventory: inventory).find()
            // With the core type that the library chooses, it is told of beside the library.
            .filter { $0.code != .blasCoreType }
            .map { .note(.speed, $0.found, wanted: "all of the machine's speed", why: $0.cost, remedy: $0.remedy) }
    }
}
