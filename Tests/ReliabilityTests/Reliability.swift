import Testing

/// The built program under kills, faults and cuts. One suite at a time: each has several systems of three processes at work.
@Suite(.serialized) enum Reliability {}
