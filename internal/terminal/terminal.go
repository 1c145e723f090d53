package terminal

import (
	"strconv"
	"strings"
	"time"

	"github.com/aqsha/aqsha/contract"
)

// Plain makes outside text fit for a terminal: what is not printable is shown as its escape.
func Plain(text string) string {
	quoted := strconv.QuoteToGraphic(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// Zone names the zone in which Moment prints, such as UTC+05:00.
func Zone() string { return "UTC" + time.Unix(0, 0).In(contract.Zone).Format("-07:00") }

// Moment prints a time of the ledger in the network's zone.
func Moment(millis uint64) string {
	return time.UnixMilli(int64(millis)).In(contract.Zone).Format(time.DateTime)
}
