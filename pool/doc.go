// Package pool is a mining pool: a Stratum V1 server whose every accepted share is
// in an append-only log before the miner hears "true", and whose every payment can
// be recomputed from that log.
//
// It may import money, params, txlog and bitcoin. This package joins its rooms and makes jobs of templates: it follows
// the nodes, lays coinbases out, hands blocks over, keeps the fee. Its rooms, from below:
//
//   - stratum (the protocol's messages), sharelog (the log's records), payout and accounting (what shares earn; pure),
//     books (double entry), settings, guard (who may connect), chain (questions to the nodes)
//   - commit (the log's one writer), worker (names and accounts), job (work and duplicates), outbox (signed payments),
//     reconcile (the log against the chain), relay (blocks on their way)
//   - accounting side: accounts (the books follow the log), payments (the wallet pays, the chain decides)
//   - serving side: serve (loops, connections, sessions, shares), handover (to a successor)
//   - on top: admin (the operator's socket), web (figures and pages); neither is known here
//   - beside: audit and logcopy (anybody's recomputation), miner (the other side), loadgen and fleet (measurements)
//
// How a share travels: an event loop reads a line, rebuilds the header, checks
// target and duplicates and puts a record into its batch; one committer makes the
// batches of all loops durable with one sync; then the loops answer. A block goes
// to the nodes before any of this.
//
// Invariants:
//   - A job has one share target per connection, fixed when it is sent and never
//     harder than the network's; a share is credited that target's work or nothing.
//   - An answer of true follows the log's sync. After a failed write the pool stops.
//   - No extranonce1 is used twice, across restarts and pool nodes.
//   - Every limit on what a client may hold or send is a constant or a setting.
//
// What serving and accounting share (registry, duplicates, bans, accounts) has its own lock; serving never waits for
// accounting. The server needs Linux (epoll).
package pool
