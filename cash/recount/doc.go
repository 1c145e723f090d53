// Package recount recounts a cash office's public log from its beginning, believing the office nothing: every list's
// proof, that no note is booked twice, counts, sums and the reserve's equation, and that all of it stands under the
// signed checkpoint; and holds it against the ledger that announces its keysets, where one is at hand. It looks for
// notes in the log, and judges evidence of those that an office signed and did not book.
//
// It imports cash and its parts, txlog, ledger and token. It reads folders; what is read over a network is handed in
// as a Source.
package recount
