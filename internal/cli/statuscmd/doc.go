// Package statuscmd is the command that says how a node, and the group that it is of, are.
package statuscmd
