// Package txlog is the append-only log on which everything else rests: opaque
// entries, made durable in batches, under a Merkle tree (RFC 6962) whose root is
// signed. Whoever has a signed checkpoint can check that an entry is in the log,
// that a later log extends it, and that nobody was shown another one. It follows
// C2SP tlog-tiles, tlog-checkpoint and signed-note, so that other programs can read
// it; docs/FORMATS.md has every byte.
//
// Writing takes three steps. Stage gives entries their indices and computes the
// root after them in memory. Commit makes any number of staged batches durable
// with one write and one sync. Publish signs a checkpoint of what is durable.
// While one group of batches is committed the next can be staged.
//
// On disk, in one directory that one process holds at a time:
//
//	segments/<first entry>.log   batches, one record each, in preallocated files
//	segments/<first entry>.idx   where they are, once the file is full
//	tiles/level-<n>              hash tiles, 32.13 bytes per entry
//	checkpoint                   the checkpoint published last, in two slots
//
// Only segments and checkpoint carry information; indexes and tiles are rebuilt
// from the segments when they are missing.
//
// Invariants:
//   - Size counts entries for which a sync has returned; readers see no others.
//   - After a failed write or sync nothing more is written (*PoisonedError). What
//     the disk holds is found out by opening anew, never by trying again.
//   - A full disk is no failed write: a new segment that finds no room has written nothing, and
//     is tried again (*NoRoomError). Tiles and indexes wait in memory for room, within a bound.
//   - A batch is there whole or not at all. At open, an end that a crash tore is
//     cut and reported; a record that was once durable and is not valid any more
//     is damage, and the log does not open. The two are told apart by what each
//     record says was durable when it was written, and by the checkpoint.
//   - The log does not open with less than it has published, or with other
//     entries. Damage to what came after the last checkpoint and in the last
//     Commit looks like a torn write and is cut, so what must never be lost is
//     published before it is acknowledged.
//   - A sector of 512 bytes is written whole or not at all, and writing to one
//     does not change its neighbours. Nothing else is assumed of the disk.
//   - A Reader beside the writer takes no lock and writes nothing. It sees whole batches, of which the
//     last may not be durable yet.
//   - Memory is bounded: per segment a few hundred bytes, per entry nothing but
//     the newest hashes and the positions in the segment that is being written.
//
// It belongs to the common ground and imports no other package of this module but
// its own vfs.
package txlog
