// Package notes is a wallet of banknotes in a folder: its twelve words, its notes, and what it has begun and not ended.
//
// What a crash does: every step is on disk before the network is used. An operation is written with the outputs that it
// asks for (numbers of the seed), the notes that it spends and the very request; at the next start it is sent again,
// and if the office does not know it any more, its outputs are asked for (restore) and its notes' states. Notes are the
// wallet's, in an operation, or gone; never two of these.
//
// It imports api/cash, cash and its parts, and internal/durable.
package notes
