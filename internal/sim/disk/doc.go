// Package disk is a disk that fails on purpose: an in-memory vfs.FS, driven by a
// seed, that loses and tears unsynced writes when it crashes, fails syncs or lies
// about them, fills up and rots. Everything that claims to survive a crash is run
// on it, with a crash planned at each I/O operation in turn.
//
// The model, chosen harsher than common file systems:
//   - an unsynced write survives sector by sector (512 bytes), each on its own;
//     a sector itself is written whole or not at all;
//   - unsynced creations, renames and removals of a directory survive in order up
//     to some point, even if the file's contents were synced;
//   - a sync that failed dropped what it had not written, and later syncs succeed
//     without it (as Linux does), while readers still see the lost bytes.
//
// The same seed and the same sequence of calls give the same losses. Reads are
// not counted as operations.
package disk
