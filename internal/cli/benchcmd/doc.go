// Package benchcmd is "aqsha bench": each line measured in one run on this machine.
package benchcmd
