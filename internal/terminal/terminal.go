package terminal

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aqsha/aqsha/contract"
)

// Plain makes outside text fit for a terminal: what is not printable is shown as its escape.
func Plain(text string) string {
	quoted := strconv.QuoteToGraphic(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// Lines makes a whole output fit for a terminal as Plain does a text, but that its line ends and tabs stay. It is the
// last look at what a command prints: whoever forgot Plain over one name of a file, a machine or another's answer has
// given its author neither the cursor nor the colours, though lines of its own.
func Lines(text string) string {
	stays := func(r rune) bool { return r == '\n' || r == '\t' || strconv.IsGraphic(r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !stays(r) }) < 0 {
		return text // nearly always
	}
	var out strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if part := text[:size]; stays(r) && utf8.ValidString(part) {
			out.WriteString(part)
		} else {
			out.WriteString(Plain(part)) // a byte that is no character is shown as such
		}
		text = text[size:]
	}
	return out.String()
}

// Moment prints a time of the ledger, to the second, in the network's zone, which it names: results say times as
// refusals do.
func Moment(millis uint64) string { return contract.Moment(int64(millis - millis%1000)) }

// Day prints a day of the network's calendar.
func Day(millis uint64) string {
	return time.UnixMilli(int64(millis)).In(contract.Zone).Format(time.DateOnly)
}
