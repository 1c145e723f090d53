// Package pool is a mining pool: a Stratum V1 server whose every accepted share is
// in an append-only log before the miner hears "true", and whose every payment can
// be recomputed from that log.
//
// It may import money, params, txlog and bitcoin. Sub-packages: stratum (the
// protocol's messages), sharelog (the log's records), payout (what shares earn,
// pure), books (double entry), miner (the other side), loadgen (a measuring load).
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
// A connection belongs to one loop and is touched by no other goroutine; jobs are
// immutable once sent; what is shared (registry, duplicates, bans) has its own lock.
// The server needs Linux (epoll).
package pool
