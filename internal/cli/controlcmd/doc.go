// Package controlcmd is the commands that change a farm's machines: orders at once, at their time or with a second
// person, tuning, and the tickets of repairs.
package controlcmd
