import Logging
import ServiceLifecycle
import UnixSignals
import Wire

/// Runs services until SIGINT or SIGTERM, then stops them in reverse order.
enum ServiceRun {
    /// What all of them together get to stop in before they are cancelled: under the 5 s that are promised.
    static let patience = Duration.seconds(4)

    static func group(_ services: [any Service], logger: Logger) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map(configured),
            gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        configuration.maximumGracefulShutdownDuration = patience
        return ServiceGroup(configuration: configuration)
    }

    /// One part that ends takes the others with it, in order.
    static func configured(_ service: any Service) -> ServiceGroupConfiguration.ServiceConfiguration {
        .init(service: service, successTerminationBehavior: .gracefullyShutdownGroup, failureTerminationBehavior: .gracefullyShutdownGroup)
    }

    /// - Parameters:
    ///   - beside: runs with it, and is stopped before it.
    ///   - probe: how the service manager, if there is one, learns that the service lives.
    static func run(_ service: any Service, beside: [any Service] = [], logger: Logger, probe: ServiceProbe) async throws {
        let life = ServiceManager.current.map { [ManagedLife(manager: $0, probe: probe.ask, logger: logger)] } ?? []
        do {
            // Stopped in reverse order: the manager is told first.
            try await group([service] + beside + life, logger: logger).run()
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Self.problem(error)
        }
    }

    /// The operating system's errors in words.
    static func problem(_ error: any Error) -> Problem {
        if let problem = error as? Problem { return problem }
        let text = "\(error)"
        if text.contains("Address already in use") || text.contains("errno: 98") {
            return Problem(.unavailable, "the address is in use by another program; choose another port or stop that program")
        }
        return Problem(.internalError, text)
    }
}
