// Package channels keeps the two sides of payment channels in files: the sender's last total and the seed of its
// chains, the receiver's best claim.
//
// Invariant: a file is changed under its lock and durable before anybody is answered. What a sender's file says was
// paid is never less than what was revealed, whenever the process ends.
package channels
