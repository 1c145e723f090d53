// Package proof makes and checks proof files: that a token was validly made, back to
// its issue, under a checkpoint of the log. A file is checked offline, with nothing
// but the network's id.
//
// It shows inclusion, derivation and conservation. It does not show that the token
// is still unspent, nor does it repeat the signatures' verification, for which
// the whole log is replayed ("aqsha verify").
package proof
