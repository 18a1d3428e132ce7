/// Every setting, in the order of `.env.example`. A new one: its row here, its place in `groups`, then `adit config document` for the documents.
extension Setting {
    package static let groups: [(title: String, settings: [Setting])] = [
        ("All", [config, chainID, logLevel, nodeURL, coordinatorURL, passphraseFile]),
        ("Callers of the node and the coordinator", [ratePerAddress, ratePerKey, connections, connectionsPerAddress, minBytesPerSecond]),
        (
            "Chain node: adit node init, adit node run",
            [genesis, dbPath, rpcBind, p2pBind, bootstrapPeers, proposerKey, adminKey, adminTokenFile, mintPerUnit, coordinatorRatio]
        ),
        (
            "Coordinator: adit coordinator run",
            [coordinatorBind, coordinatorData, coordinatorKey, pricePerUnit, coordinatorTiers, sponsorKey, sponsorPerHour, sponsorTotal]
        ),
        ("Miner: adit miner run, adit miner profile", [minerData, minerKey, minerPayout, minerBind, minerOpenCL]),
        ("Miner: its limits; most change while it runs (adit miner set)", limits),
    ]

    package static let all: [Setting] = groups.flatMap { $0.settings }

    // All.
    package static let config = Setting(
        "ADIT_CONFIG", [.node, .coordinator, .miner, .client], .path, words: "./adit.conf, if it is there", inConfigFile: false,
        "The config file, where no --config names one.")
    package static let chainID = Setting(
        "CHAIN_ID", [.node, .coordinator, .miner, .client], .chain, "ait-devnet",
        """
        The chain's name, part of everything that is signed. adit node init writes it into genesis.json; coordinator, miner and clients \
        have to say the same.
        """)
    package static let logLevel = Setting(
        "LOG_LEVEL", [.node, .coordinator, .miner], .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), "info",
        "The least important log lines that are written: JSON on standard error.")
    package static let nodeURL = Setting(
        "NODE_URL", [.coordinator, .miner, .client], .url, "http://127.0.0.1:8080", "The chain node that coordinator, miner and wallet talk to.")
    package static let coordinatorURL = Setting(
        "COORDINATOR_URL", [.miner, .client], .url, "http://127.0.0.1:8090", "The coordinator that miners and clients talk to.")
    package static let passphraseFile = Setting(
        "PASSPHRASE_FILE", [.node, .coordinator, .miner, .client], .secretFile, words: "the service manager's credential, or the terminal",
        """
        The file with the passphrase of the key files. Without it a service takes the systemd credential adit-passphrase \
        (LoadCredential=adit-passphrase:/path), and a person is asked on the terminal. The passphrase itself has no place in a setting.
        """)

    // Callers.
    package static let ratePerAddress = Setting(
        "HTTP_RATE_PER_ADDRESS", [.node, .coordinator], .integer(0...1_000_000), "200",
        """
        Requests a second of one address of another machine (IPv6: of a /64), five times as many at once; 0: any number. Behind a TLS \
        proxy on this machine every caller has this machine's address: there the proxy has to count them.
        """)
    package static let ratePerKey = Setting(
        "HTTP_RATE_PER_KEY", [.coordinator], .integer(0...1_000_000), "4000",
        "Signed requests a second of one key, twice as many at once; 0: any number.")
    package static let connections = Setting(
        "HTTP_CONNECTIONS", [.node, .coordinator], .integer(64...65_536), "1024", words: "1024, or what the open files allow",
        """
        Open connections in all; each, and 512 more, has to fit into the open files that the process may have (LimitNOFILE=). Half of \
        them at most are workers that wait for a lease.
        """)
    package static let connectionsPerAddress = Setting(
        "HTTP_CONNECTIONS_PER_ADDRESS", [.node, .coordinator], .integer(1...65_536), "256", words: "256, or HTTP_CONNECTIONS where that is less",
        "Open connections of one address of another machine, at most HTTP_CONNECTIONS.")
    package static let minBytesPerSecond = Setting(
        "HTTP_MIN_BYTES_PER_SECOND", [.node, .coordinator], .integer(1...1 << 30), "16384",
        "A body that comes in, or an answer that is taken, slower than this over 30 seconds of waiting is cut off.")

    // Node.
    package static let genesis = Setting(
        "GENESIS", [.node], .path, "./data/genesis.json", "The genesis document: written by init, read by run, which needs it at its first start.")
    package static let dbPath = Setting(
        "DB_PATH", [.node], .path, "./data/chain.db", "The SQLite file with blocks, transactions and records. Its folder is made if it is missing.")
    package static let rpcBind = Setting("RPC_BIND", [.node], .bind, "127.0.0.1:8080", "Where the node's HTTP API listens.")
    package static let p2pBind = Setting("P2P_BIND", [.node], .bind, "127.0.0.1:7070", "Where peers reach the node.")
    package static let bootstrapPeers = Setting(
        "BOOTSTRAP_PEERS", [.node], .reserved, nil, "Peers to begin with. Reserved for networks of several nodes.")
    package static let proposerKey = Setting(
        "PROPOSER_KEY", [.node], .path, words: "none for run, ./data/proposer.key for init",
        "The key file that signs blocks. Without it a running node answers and makes no blocks.")
    package static let adminKey = Setting(
        "ADMIN_KEY", [.node], .path, words: "none for run, ./data/admin.key for init",
        "The key file of genesis' admin, whose account the faucet pays from.")
    package static let adminTokenFile = Setting(
        "ADMIN_TOKEN_FILE", [.node], .secretFile, nil,
        "The file with the admin routes' bearer token, 16 to 256 bytes. Without it, or without ADMIN_KEY, those routes are off.")
    package static let mintPerUnit = Setting(
        "MINT_PER_UNIT", [.node], .integer(0...9_007_199_254_740_991), "1000",
        """
        Base units minted for each compute unit. adit node init writes it into genesis.json; a running node whose setting disagrees with \
        its genesis refuses to start.
        """)
    package static let coordinatorRatio = Setting(
        "COORDINATOR_RATIO", [.node], .ratio, "0.05", "The coordinator's mint as a share of the miner's; likewise.")

    // Coordinator.
    package static let coordinatorBind = Setting(
        "COORDINATOR_BIND", [.coordinator], .bind, "127.0.0.1:8090", "Where clients and miners reach the coordinator.")
    package static let coordinatorData = Setting(
        "COORDINATOR_DATA", [.coordinator], .path, "./data/coordinator", "The folder with the coordinator's database and the tensors.")
    package static let coordinatorKey = Setting(
        "COORDINATOR_KEY", [.coordinator], .path, "./data/coordinator.key",
        "The key file that signs quotes and attestations. The chain's list of coordinators has to name its public key.")
    package static let pricePerUnit = Setting(
        "PRICE_PER_UNIT", [.coordinator], .integer(0...1_000_000_000), "50",
        "Base units for one compute unit of 10^6 operations. A quote is at least 1 base unit.")
    package static let coordinatorTiers = Setting(
        "COORDINATOR_TIERS", [.coordinator], .choice(["earned", "claimed"]), "earned",
        """
        Whether workers show by challenges and verified work what their tier asks for, or a worker's word is taken: for a network whose \
        workers are all your own.
        """)
    package static let sponsorKey = Setting(
        "SPONSOR_KEY", [.coordinator], .path, nil,
        """
        The key file of an account that pays for unsigned tasks: small ones whose input stands in the request, so that plain curl works. \
        Without it such tasks are refused.
        """)
    package static let sponsorPerHour = Setting(
        "SPONSOR_PER_HOUR", [.coordinator], .integer(0...9_007_199_254_740_991), "10000000",
        "Base units that it pays within any hour, fees included; then such tasks are refused with sponsor_exhausted.")
    package static let sponsorTotal = Setting(
        "SPONSOR_TOTAL", [.coordinator], .integer(0...9_007_199_254_740_991), "1000000000", "Base units that it pays in all, likewise.")

    // Miner.
    package static let minerData = Setting(
        "MINER_DATA", [.miner], .path, "./data/miner", "The folder with the miner's database, its outbox, outputs that wait and the cache of inputs.")
    package static let minerKey = Setting(
        "MINER_KEY", [.miner], .path, "./data/miner.key", "The key file that signs receipts and claims. Made if there is none.")
    package static let minerPayout = Setting(
        "MINER_PAYOUT", [.miner], .address, words: "the address of MINER_KEY",
        "The address that earnings go to; may be a cold key's, which is not on this machine.")
    package static let minerBind = Setting(
        "MINER_BIND", [.miner], .bind, "127.0.0.1:8100", "Where the miner's own API and page (/status, /metrics, /health) listen.")
    package static let minerOpenCL = Setting(
        "MINER_OPENCL", [.miner], .choice(["gpu", "all", "off"]), "gpu",
        "OpenCL devices: gpu (GPUs and accelerators), all (CPUs behind OpenCL too, which earn less than the processor itself), or off.")
}
