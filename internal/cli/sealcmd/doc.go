// Package sealcmd is the command that verifies sealed reports, by their log or in one's hand, and writes the seal files
// that go along with them.
package sealcmd
