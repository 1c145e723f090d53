// Package cli is what all commands share: how results, progress and refusals are shown, the exit codes, flags and their
// values, logging, and the version. The exit code is decided in one place, verdictOn in output.go. It knows no noun.
// Nothing below the commands imports it.
package cli
