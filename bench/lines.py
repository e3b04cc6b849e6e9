"""Made-up lines of each client, in its grammar: what `bench/formats.py` and the tests' streams are fed with."""

from __future__ import annotations

H1 = "0x" + "1f2e3d4c" * 8
H2 = "0x" + "a0b1c2d3" * 8
LINES: dict[str, tuple[str, ...]] = {
    "Geth": (
        "INFO [07-21|10:11:12.345] Imported new potential chain segment     number=23,456,789 hash=1f2e3d..a0b1c2 blocks=1 "
        "txs=187 mgas=21.402 elapsed=98.113ms mgasps=218.136 snapdiffs=8.91MiB triediffs=61.02MiB triedirty=0.00B",
        "INFO [07-21|10:11:12.360] Chain head was updated                   number=23,456,789 hash=1f2e3d..a0b1c2 "
        "root=99aa88..77bb66 elapsed=1.402413ms",
        'WARN [07-21|10:11:20.001] Snapshot extension registration failed   peer=8c7b6a50 err="peer connected on snap '
        'without compatible eth support"',
        "INFO [07-21|10:11:21.777] Looking for peers                        peercount=3 tried=41 static=0",
        'ERROR[07-21|10:11:22.123] Failed to write block                    err="disk is full"',
    ),
    "Nethermind": (
        "21 Jul 10:11:12 | Received New Block:  23456789 (0x1f2e3d...a0b1c2)    | limit     45,000,000 ✅ | Extra Data: x",
        "21 Jul 10:11:12 | Processed             23456789     |    112.3 ms  |  slot     11,998 ms |⛽ Gas gwei: 0.21 .. 0.9",
        "21 Jul 10:11:12 | - Block               21.41 MGas   |    187    txs |  calls  1,234 ( 17) | sload   3,456 | sstore    789",
        "21 Jul 10:11:13 | Synced Chain Head to  23456789 (0x1f2e3d...a0b1c2)",
        "21 Jul 10:11:20 | Peers: 49 | with best block: 44 | eth68 (100 %) | Active: 3 Headers, 0 Sleeping",
    ),
    "Besu": (
        "2026-07-21 10:11:12.345+00:00 | vert.x-worker-thread-0 | INFO  | AbstractEngineNewPayload | Imported #23,456,789 "
        "(1f2e3.....a0b1c)|  187 tx| 16 ws|  3 blobs| 312.41 mwei bfee| 21,402,113 ( 47.6%) gas used| 0.098s exec| "
        "218.13 Mgas/s| 25 peers",
        "2026-07-21 10:11:13.001+00:00 | EthScheduler-Workers-2 | DEBUG | FullSyncTargetManager | Waiting for peers",
    ),
    "Erigon": (
        "[INFO] [07-21|10:11:12.345] [4/6 Execution] Executed blocks          number=23456789 blk/s=41.2 tx/s=8.1k Mgas/s=611",
        "[INFO] [07-21|10:11:13.345] P2P                                      app=caplin peers=63",
        '[WARN] [07-21|10:11:14.345] [p2p] could not dial                     err="dial tcp: i/o timeout" peer=a1b2c3',
    ),
    "Reth": (
        f"2026-07-21T10:11:12.345678Z  INFO Block added to canonical chain number=23456789 hash={H1} peers=49 txs=187 "
        "gas_used=21.40Mgas gas_throughput=1.02Ggas/second full=47.5% base_fee=0.31Gwei blobs=3 elapsed=20.98ms",
        f"2026-07-21T10:11:12.400000Z  INFO reth::node::events: Canonical chain committed number=23456789 hash={H1} "
        "elapsed=3.1ms",
        "2026-07-21T10:11:13.000000Z  WARN engine::tree: Invalid block err=Consensus(BodyBaseFeeDiff { got: 1, expected: 2 })",
    ),
    "Lighthouse": (
        f'Jul 21 10:11:16.001 INFO  Synced                                        peers: "97", exec_hash: "0x1f2e…c2d3 '
        f'(verified)", finalized_root: 0x9a8b…7c6d, finalized_epoch: 412345, epoch: 412347, block: "{H2}", slot: 13195104',
        f"Jul 21 10:11:12.900 INFO  New block received                            root: {H2}, slot: 13195104",
        "Jul 21 10:11:18.120 WARN  Error signing attestation                     error: \"UnknownPubkey\", slot: 13195104",
        "Jul 21 10:11:16.000 INFO Synced                                  slot: 13195104, block: 0x9a8b…7c6d, epoch: "
        "412347, finalized_epoch: 412345, peers: 97, service: slot_notifier",
    ),
    "Lodestar": (
        "Jul-21 10:11:16.001[]                 info: Synced - slot: 13195104 - head: (slot -1) 0x9a8b…7c6d - exec-block: "
        "valid(23456789 0x1f2e…) - finalized: 0x5e4f…3a2b:412345 - peers: 97",
        "Jul-21 10:11:17.001[]                 info: Published attestations slot=13195104, count=3",
        "Jul-21 10:11:17.044[network]          warn: Could not dial peer=16Uiu2HAm, code=TIMEOUT",
    ),
    "Nimbus": (
        "INF 2026-07-21 10:11:11.001+00:00 Slot start                                 topics=\"beacnde\" head=9a8b7c6d:13195103 "
        "delay=1ms241us finalized=412345:5e4f3a2b peers=97 slot=13195104 sync=synced epoch=412347",
        'NTC 2026-07-21 10:11:17.001+00:00 Attestation sent                           topics="beacval" '
        'attestation="(slot: 13195104, index: 3)" delay=12ms subnet_id=17',
    ),
    "Prysm": (
        'time="2026-07-21 10:11:12.90" level=info msg="Synced new block" block=0x9a8b7c6d... epoch=412347 '
        'finalizedEpoch=412345 finalizedRoot=0x5e4f3a2b... prefix=blockchain slot=13195104',
        'time="2026-07-21 10:11:13.05" level=info msg="Finished applying state transition" attestations=8 '
        'kzgCommitmentCount=3 payloadHash=0x1f2e3d4c5b6a prefix=blockchain slot=13195104 syncBitsCount=509 txCount=187',
        'time="2026-07-21 10:11:20.00" level=info msg="Connected peers" inboundTCP=21 outboundTCP=49 prefix=p2p total=70',
        "[2026-07-21 10:11:17.33]  INFO client: Submitted new attestations blockRoot=0x9a8b7c6d5e4f "
        "committeeIndices=[3 17] slot=13195104 sourceEpoch=412346 targetEpoch=412347",
    ),
    "Teku": (
        "10:11:16.001 INFO  - Slot Event  *** Slot: 13195104, Block: 9a8b7c..2b1a, Justified: 412346, Finalized: 412345, "
        "Peers: 97",
        "10:11:17.101 INFO  - Validator   *** Published attestation        Count: 3, Slot: 13195104, Root: 9a8b7c..2b1a",
        "10:11:18.000 WARN  - Execution Client is offline",
    ),
    "Grandine": (
        f"[2026-07-21T10:11:12.901Z]  INFO fork_choice_store::store:4027: imported beacon block (slot: 13195104, {H2}) "
        "peers=[97/100]",
    ),
    "MEV-Boost": (
        f'time="2026-07-21T10:11:11.901Z" level=info msg="best bid" blockHash={H1} blockNumber=23456790 method=getHeader '
        f'parentHash={H2} pubkey=0x8f2c51d0a6 relays="https://relay.example" slot=13195105 value=0.0421 version=v1.9',
        'time="2026-07-21T10:11:11.902Z" level=info msg="http: GET /eth/v1/builder/header 200" duration=0.291 method=GET '
        "path=/eth/v1/builder/header status=200 version=v1.9",
        'time="2026-07-21T10:11:11.801Z" level=warning msg="error making request to relay" error="context deadline exceeded" '
        "method=getHeader slot=13195105 ua=Lighthouse/v8 url=\"https://relay.example\" version=v1.9",
    ),
    "Commit-Boost": (
        "2026-07-21T10:11:11.901000Z  INFO get_header{req_id=7d792d62-5121 slot=13195105}: received header "
        f'block_hash={H1} value_eth="0.0421"',
    ),
    "Vouch": (
        '{"level":"info","service":"attester","impl":"standard","slot":13195104,"validator_index":91,'
        '"time":"2026-07-21T10:11:17Z","message":"Attested"}',
    ),
    "Charon": (
        '10:11:17.002 INFO bcast      Successfully submitted attestation       {"delay": "1.2s", "pubkey": "84b_713", '
        '"duty": "13195104/attester"}',
    ),
    "SSV": (
        '2026-07-21T10:11:17.215928Z\tINFO\tDutyScheduler\tstarting duty processing\t{"slot": 13195104, "epoch": 412347, '
        '"committee": 3}',
    ),
    "Web3signer": (
        "2026-07-21 10:11:12.345+00:00 | pool-2-thread-1 | INFO  | SignerLoader | Total signers loaded: 3 in 00:00:01.432",
    ),
    "Contributoor": (
        'time="2026-07-21T10:11:12Z" level=info msg="Summary of the last 10s" attestation=381 block=1 module=contributoor',
    ),
    "Dora": (
        'time="2026-07-21T10:11:12Z" level=warning msg="could not load block 23456789" client=geth-1 service=cl-indexer',
    ),
    "a stack trace": (
        "\tat tech.pegasys.teku.Something.run(Something.java:42)",
        "github.com/ethereum/go-ethereum/eth/downloader.(*Downloader).run(0xc000123456)",
        "panic: runtime error: index out of range [3] with length 3",
    ),
    "anything else": ("Starting the client in 5 seconds", "execution.service: Failed with result 'exit-code'."),
}  # fmt: skip
