// Package durable is the floor for files: every file that is not the log's, the snapshots' or the
// index's is written through one of four forms.
//
//   - Replace writes a whole file: after a crash there is the old one or the new one.
//   - Create makes a file that must not be there yet: after a crash it is complete or absent.
//   - Update reads, changes and replaces under a lock, so that no other process's change is lost.
//   - Journal appends records, each with its length and checksum. A record that a crash tore is cut
//     at the next opening, and named; after a failed write or sync the journal takes nothing more.
//
// All of them work over txlog/vfs, so that internal/sim/disk can crash them at every operation. What they
// make is readable by its owner only. It imports the standard library and txlog/vfs.
//
// Invariants:
//   - When one of them returns nil, what was written survives a crash.
//   - When it returns an error, the file holds what it held before, or the new content if it was the
//     very last step that failed.
package durable
