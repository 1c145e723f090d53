// Package chaincmd is the commands of a Bitcoin chain: read it, or run a private one; and how commands find a Bitcoin
// node.
package chaincmd
