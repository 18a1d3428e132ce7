import Jobs
import Kernels
import Wire

/// The tensors of a command line, by the names that a kernel gives them.
enum InputFiles {
    /// Opens those that were given.
    static func open(_ named: [(name: String, argument: String?)]) throws(Problem) -> [any JobInput] {
        var files: [any JobInput] = []
        for (name, argument) in named {
            if let argument { files.append(try TensorFile(TensorArgument(argument), as: name)) }
        }
        return files
    }
}

/// A kernel's parameters as options give them: what was not given is left to the kernel's own default.
struct ParameterList {
    private var members: [(String, JSON)] = []

    var json: JSON { .object(JSONObject(distinct: members)) }

    mutating func add(_ key: String, _ value: JSON) { members.append((key, value)) }
    mutating func add(_ key: String, _ text: String?) { if let text { members.append((key, .string(text))) } }
    mutating func add(_ key: String, _ number: Int?) { if let number { members.append((key, .integer(Int64(number)))) } }

    /// Numbers with commas between them, such as `1,1`, as a list.
    mutating func addList(_ key: String, _ text: String?) throws(Problem) {
        guard let text else { return }
        var numbers: [JSON] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Int64(word.filter { $0 != " " }), number >= 0 else {
                throw Problem(.badParams, "\"\(text.prefix(64))\" is not a list of whole numbers such as 1,1")
            }
            numbers.append(.integer(number))
        }
        members.append((key, .array(numbers)))
    }

    /// Words with commas between them as a list.
    mutating func addWords(_ key: String, _ text: String?) {
        guard let text else { return }
        members.append((key, .array(text.split(separator: ",").map { .string($0.filter { $0 != " " }) })))
    }
}
