// Package vfs is the file system as the log and the snapshots need it: positioned
// reads and writes, space reserved ahead of time, and syncs that say what they
// make durable. OS is the real one; internal/sim/disk is the one that fails on
// purpose, so everything that must survive a crash is written against FS.
//
// What an implementation promises:
//   - a write is durable only after a Datasync or Sync of its file returned nil;
//   - a created, renamed or removed name is durable only after a SyncDir of its
//     directory returned nil;
//   - Rename replaces its target in one step;
//   - after a sync failed, nothing written since the last good one may be relied
//     on, and a later good sync does not bring it back.
//
// It imports the standard library only.
package vfs
