private import RawStructuredFieldValues
import Wire

/// The one member of `Signature-Input`: what is covered, and the parameters that PROTOCOL section 10 asks for.
struct SignatureInput {
    let label: String
    let components: [String]
    /// The member's value in canonical form: it stands in the signature base.
    let parameters: String
    let created: Int64
    let expires: Int64
    let nonce: String
    let address: Address

    init(header: String?) throws(Problem) {
        guard let header else { throw Problem(.unauthorized, "the request is not signed") }
        guard header.utf8.count <= 2048 else { throw Problem(.unauthorized, "Signature-Input is too long") }
        var parser = StructuredFieldValueParser(Array(header.utf8))
        guard let members = try? parser.parseDictionaryFieldValue(), members.count == 1, let (label, member) = members.first(where: { _ in true }),
            case .innerList(let list) = member
        else { throw Problem(.unauthorized, "Signature-Input must hold exactly one signature") }
        self.label = label
        self.components = try Self.components(list)
        self.parameters = try Self.serialized(member)
        guard Set(components).count == components.count else { throw Problem(.unauthorized, "a component is covered twice") }
        let values = list.rfc9651Parameters
        guard values.count == 6, case .integer(let created)? = values["created"], case .integer(let expires)? = values["expires"],
            case .string(let nonce)? = values["nonce"], case .string(let keyID)? = values["keyid"],
            case .string("ed25519")? = values["alg"], case .string(HTTPSignature.tag)? = values["tag"]
        else {
            throw Problem(.unauthorized, "Signature-Input needs created, expires, nonce, keyid, alg=\"ed25519\" and tag=\"\(HTTPSignature.tag)\", and no more")
        }
        guard nonce.utf8.count == 32, Hex.decode(nonce) != nil else { throw Problem(.unauthorized, "nonce must be 32 hex digits") }
        self.created = Int64(created)
        self.expires = Int64(expires)
        self.nonce = nonce
        self.address = try Address(keyID)
    }

    private static func components(_ list: InnerList) throws(Problem) -> [String] {
        var names: [String] = []
        for item in list.bareInnerList {
            guard case .string(let name) = item.rfc9651BareItem, item.rfc9651Parameters.count == 0 else {
                throw Problem(.unauthorized, "covered components are plain names")
            }
            names.append(name)
        }
        return names
    }

    /// An inner list with parameters is written as a list of one member.
    private static func serialized(_ member: ItemOrInnerList) throws(Problem) -> String {
        var serializer = StructuredFieldValueSerializer()
        guard let bytes = try? serializer.writeListFieldValue([member]) else { throw Problem(.unauthorized, "Signature-Input can't be written back") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
