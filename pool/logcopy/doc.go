// Package logcopy fetches a pool's published log and keeps it, so that anybody can recompute it without
// the pool: a checkpoint that the pool has signed, the bundles of entries in the layout of C2SP tlog-tiles, and
// the public key. The hash tiles are not kept: the root is computed from the entries themselves.
//
// A copy grows. Every checkpoint that was ever fetched is kept with its signature; when a later one does not
// extend it, the two together show that the pool has rewritten its log.
//
// It knows nothing of what the entries say, and imports txlog and durable only.
package logcopy
