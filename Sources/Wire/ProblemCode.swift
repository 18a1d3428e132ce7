extension Problem {
    /// The closed list of refusal codes, as PROTOCOL section 12 names them. Each one is documented there.
    package enum Code: String, CaseIterable, Sendable {
        // Documents
        case badJSON = "bad_json"
        case duplicateKey = "duplicate_key"
        case unknownField = "unknown_field"
        case missingField = "missing_field"
        case wrongType = "wrong_type"
        case notAnInteger = "not_an_integer"
        case outOfRange = "out_of_range"
        case badHex = "bad_hex"
        case badAddress = "bad_address"
        case badPublicKey = "bad_public_key"
        case badSignature = "bad_signature"
        case wrongChain = "wrong_chain"

        // Transactions and the mempool
        case nonceTooLow = "nonce_too_low"
        case nonceGap = "nonce_gap"
        case feeTooLow = "fee_too_low"
        case insufficientBalance = "insufficient_balance"
        case mempoolFull = "mempool_full"
        case replacementFeeTooLow = "replacement_fee_too_low"
        case unsupportedTransaction = "unsupported_transaction"

        // Escrow and claims
        case escrowExists = "escrow_exists"
        case escrowMismatch = "escrow_mismatch"
        case unknownEscrow = "unknown_escrow"
        case escrowClosed = "escrow_closed"
        case escrowClosing = "escrow_closing"
        case refundTooEarly = "refund_too_early"
        case quoteExpired = "quote_expired"
        case unknownCoordinator = "unknown_coordinator"
        case priceTooLow = "price_too_low"
        case unitsMismatch = "units_mismatch"
        case priceMismatch = "price_mismatch"
        case paymentMismatch = "payment_mismatch"
        case receiptAlreadyClaimed = "receipt_already_claimed"
        case wrongReceiptID = "wrong_receipt_id"
        case wrongMiner = "wrong_miner"
        case tooManyUnits = "too_many_units"
        case mintLimited = "mint_limited"
        case attestationRefused = "attestation_refused"

        // Blocks
        case badBlock = "bad_block"
        case wrongParent = "wrong_parent"
        case wrongHeight = "wrong_height"
        case wrongProposer = "wrong_proposer"
        case badTimestamp = "bad_timestamp"
        case wrongTxRoot = "wrong_tx_root"
        case wrongStateRoot = "wrong_state_root"
        case supplyBroken = "supply_broken"

        // Kernels and tensors
        case unknownKernel = "unknown_kernel"
        case unsupportedDtype = "unsupported_dtype"
        case shapeMismatch = "shape_mismatch"
        case tooLong = "too_long"
        case memoryLimit = "memory_limit"
        case nonFiniteInput = "non_finite_input"
        case badTensorFile = "bad_tensor_file"
        case badParams = "bad_params"
        case singularSystem = "singular_system"
        case notConverged = "not_converged"
        case trainingDiverged = "training_diverged"
        case sumsOverflow = "sums_overflow"

        // Jobs
        case blobMismatch = "blob_mismatch"
        case unknownBlob = "unknown_blob"
        case blobIncomplete = "blob_incomplete"
        case quotaExceeded = "quota_exceeded"
        case unknownJob = "unknown_job"
        case unknownWorker = "unknown_worker"
        case workerExcluded = "worker_excluded"
        case unknownLease = "unknown_lease"
        case unknownChallenge = "unknown_challenge"
        case leaseExpired = "lease_expired"
        case leaseTaken = "lease_taken"
        case staleFence = "stale_fence"
        case outputMismatch = "output_mismatch"
        case verificationFailed = "verification_failed"
        case noCapableWorker = "no_capable_worker"
        case notReady = "not_ready"
        case idempotencyConflict = "idempotency_conflict"
        case sponsorExhausted = "sponsor_exhausted"
        case jobFailed = "job_failed"
        case tooExpensive = "too_expensive"
        case canceled = "canceled"

        // Requests and transport
        case unauthorized = "unauthorized"
        case requestExpired = "request_expired"
        case replayedNonce = "replayed_nonce"
        case badDigest = "bad_digest"
        case forbidden = "forbidden"
        case rateLimited = "rate_limited"
        case payloadTooLarge = "payload_too_large"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case badRequest = "bad_request"
        case syncing = "syncing"
        case unavailable = "unavailable"
        case timeout = "timeout"
        case transportFailed = "transport_failed"
        case badAnswer = "bad_answer"

        // This machine
        case keyFileExists = "key_file_exists"
        case badKeyFile = "bad_key_file"
        case passphraseRequired = "passphrase_required"
        case wrongPassphrase = "wrong_passphrase"
        case badPassphrase = "bad_passphrase"
        case badBackup = "bad_backup"
        case wrongUsage = "wrong_usage"
        case ioFailed = "io_failed"
        case backendUnavailable = "backend_unavailable"
        case deviceHangs = "device_hangs"
        case internalError = "internal_error"
    }
}

extension Problem.Code {
    /// The HTTP status that carries this code.
    package var status: Int {
        switch self {
        case .unauthorized, .requestExpired, .replayedNonce, .badDigest: 401
        case .forbidden, .wrongMiner, .workerExcluded: 403
        case .notFound, .unknownBlob, .unknownJob, .unknownWorker, .unknownLease, .unknownChallenge, .unknownEscrow: 404
        case .methodNotAllowed: 405
        case .timeout: 408
        case .escrowExists, .receiptAlreadyClaimed, .leaseExpired, .leaseTaken, .staleFence, .notReady, .canceled,
            .keyFileExists, .escrowClosed, .escrowClosing:
            409
        case .payloadTooLarge: 413
        case .rateLimited, .quotaExceeded, .sponsorExhausted: 429
        case .mempoolFull, .syncing, .unavailable, .mintLimited, .backendUnavailable, .deviceHangs, .noCapableWorker: 503
        case .transportFailed, .badAnswer: 502
        case .internalError, .ioFailed, .supplyBroken: 500
        case .nonceTooLow, .nonceGap, .feeTooLow, .insufficientBalance, .replacementFeeTooLow, .escrowMismatch,
            .quoteExpired, .unknownCoordinator, .priceTooLow, .unitsMismatch, .priceMismatch, .paymentMismatch,
            .wrongReceiptID, .refundTooEarly, .attestationRefused, .tooManyUnits, .jobFailed, .tooExpensive, .unknownKernel, .unsupportedDtype, .shapeMismatch,
            .tooLong,
            .memoryLimit,
            .nonFiniteInput, .badParams, .singularSystem, .notConverged, .trainingDiverged, .sumsOverflow, .blobMismatch, .blobIncomplete, .outputMismatch,
            .verificationFailed,
            .unsupportedTransaction, .idempotencyConflict:
            422
        default: 400
        }
    }

    /// The code in words: `nonce_too_low` is "Nonce too low".
    package var title: String {
        let words = rawValue.split(separator: "_").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}
