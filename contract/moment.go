package contract

import (
	"fmt"
	"strings"
	"time"

	"github.com/aqsha/aqsha/token"
)

// Moment says a time of the ledger in the network's zone, as refusals do. What is no date of a calendar stays a number.
func Moment(millis int64) string {
	if millis < 0 || millis > token.MaxValidUntil {
		return fmt.Sprint(millis)
	}
	at := time.UnixMilli(millis).In(Zone)
	form := time.DateTime
	if millis%1000 != 0 {
		form += ".000"
	}
	return at.Format(form) + " (UTC+05)"
}

// Period says how long something lasts, in words: 14 days, 1 hour 30 minutes.
func Period(millis uint64) string {
	var parts []string
	for _, unit := range []struct {
		name string
		size uint64
	}{{"day", 86_400_000}, {"hour", 3_600_000}, {"minute", 60_000}, {"second", 1000}, {"ms", 1}} {
		n := millis / unit.size
		millis %= unit.size
		switch {
		case n == 0:
		case n == 1 || unit.name == "ms":
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, unit.name))
		}
	}
	if len(parts) == 0 {
		return "no time"
	}
	return strings.Join(parts, " ")
}
