import ChainClient
package import Wire

// Which answers are final. Everything that isn't listed may pass, and work that is done is never dropped for it.
extension Problem.Code {
    /// A claim that was refused for this can't succeed in any later block.
    ///
    /// These follow from the claim and its escrow alone, neither of which changes (`escrow_closed` stays closed). Not among them: what hangs on
    /// the chain's parameters (`unknown_coordinator`, `price_too_low`, `too_many_units`, `mint_limited`), on fees, nonces and balances, or on a
    /// node that lags (`unknown_escrow`). `receipt_already_claimed` takes a look at the escrow: the claim in the way may be a pending one of ours.
    package var endsClaim: Bool {
        switch self {
        case .escrowClosed, .wrongMiner, .wrongReceiptID, .escrowMismatch, .paymentMismatch, .unitsMismatch, .priceMismatch, .badSignature, .wrongChain: true
        default: false
        }
    }

    /// The service can't be asked at all now: whoever has more questions to it waits too.
    package var isOutage: Bool {
        switch self {
        case .transportFailed, .timeout, .unavailable, .syncing, .rateLimited: true
        default: false
        }
    }

    /// The answer doesn't say whether a transaction was taken: it has to be sent again as it is.
    var leavesTransactionOpen: Bool { isOutage || [.internalError, .ioFailed, .badAnswer, .notFound, .canceled].contains(self) }
}

extension Problem {
    /// Whether time, or a fresh upload, may mend a delivery that ended with this. Anything else is the coordinator's answer to the work.
    package var mayPassOnDelivery: Bool {
        switch code {
        case .unknownBlob, .blobIncomplete, .quotaExceeded, .unknownWorker, .requestExpired, .replayedNonce, .unauthorized: true
        // The coordinator's disk, or something between it and this miner.
        case .ioFailed, .badAnswer, .notFound: true
        default: isTransient
        }
    }
}
