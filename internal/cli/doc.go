// Package cli is what all commands share: how results, progress and refusals are shown, the exit codes, flags and their
// values, logging, and the version. It knows no noun. Nothing below the commands imports it.
package cli
