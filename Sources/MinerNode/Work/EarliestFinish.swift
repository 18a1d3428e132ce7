/// Chooses devices for jobs that wait, one after the other: each gets the device where it is done first, given what those before it take.
///
/// List scheduling (Graham, "Bounds on multiprocessing timing anomalies", 1969) by earliest finish, as HEFT's processor selection has it (Topcuoglu,
/// Hariri and Wu, 2002, section 4.2). A fast device with a line before it so leaves work to a slower one exactly where that one is done sooner, and
/// a job that only one device can do holds up nobody who can go elsewhere.
enum EarliestFinish {
    /// A device that can do a job.
    struct Candidate: Sendable, Equatable {
        /// Its place in the list of devices.
        let device: Int
        /// What the job takes there at full speed.
        let seconds: Double
    }

    /// A device as it is now.
    struct Device: Sendable {
        var mayWork = true
        /// Share of the time in which it works; 0: it stands still until it is cooler.
        var duty = 1.0
        /// Until its work is done, in seconds.
        var freeIn = 0.0
        /// Whether a job that goes there would stand behind another one for long.
        var isTaken = false
    }

    /// What a job gets.
    struct Place: Sendable, Equatable {
        let device: Int
        /// Whether others are to be done there first.
        let isBehind: Bool
    }

    /// In the jobs' order; nil for one that no device can do now.
    ///
    /// Of equally good devices the first one counts. One that stands still is chosen only where there is no other.
    static func places(_ jobs: [[Candidate]], _ devices: [Device]) -> [Place?] {
        var devices = devices
        return jobs.map { candidates in
            let usable = candidates.filter { devices[$0.device].mayWork }
            let moving = usable.filter { devices[$0.device].duty > 0 }
            var best: (device: Int, end: Double)?
            for candidate in moving.isEmpty ? usable : moving {
                let device = devices[candidate.device]
                // A hundredth of the speed is as slow as a device gets that still moves.
                let end = device.freeIn + candidate.seconds / max(device.duty, 0.01)
                if best.map({ end < $0.end }) ?? true { best = (candidate.device, end) }
            }
            guard let best else { return nil }
            let place = Place(device: best.device, isBehind: devices[best.device].isTaken)
            (devices[best.device].freeIn, devices[best.device].isTaken) = (best.end, true)
            return place
        }
    }
}
