// Package site reads a power file: a site's machines, tariffs, limits and market, for
// one day or the next; and makes of it the day's ceilings and the problem that
// planner/power/dispatch schedules.
//
// Everything that law dates comes from params for the day. A wrong file gets an error
// that names the key and the line.
package site
