// Package verifier checks the signatures of many transactions at once, for payments that come in and for
// logs that are replayed. It imports token alone.
package verifier
