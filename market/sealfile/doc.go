// Package sealfile is what goes along with a sealed report to whoever has no access to the log: the entry, its proof
// under a signed checkpoint, and the texts of every form, so that what was changed can be named.
//
// It belongs to market. Invariant: Check vouches for an entry and for texts only when the entry stands under the signed
// checkpoint and the entry has the texts' hashes.
package sealfile
