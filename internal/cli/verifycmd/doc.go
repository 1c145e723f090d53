// Package verifycmd is "aqsha verify": a log, evidence of two heads, and a promotion; other lines join theirs to it.
package verifycmd
