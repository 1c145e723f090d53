// Package farmdir is what the commands of a farm share: the folder of --data, the farm opened from it, its clock, and
// who gives the command.
package farmdir
