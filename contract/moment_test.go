package contract

import (
	"strings"
	"testing"

	"github.com/aqsha/aqsha/token"
)

func TestTimesAreSaidInTheNetworksZone(t *testing.T) {
	for millis, want := range map[int64]string{ // any order: each by itself
		1_788_202_800_000: "2026-09-01 00:00:00 (UTC+05)", 1_788_202_799_999: "2026-08-31 23:59:59.999 (UTC+05)", -5: "-5",
	} {
		if got := Moment(millis); got != want {
			t.Errorf("%d is %s, want %s", millis, got, want)
		}
	}
	for millis, want := range map[uint64]string{ // any order: each by itself
		14 * 86_400_000: "14 days", 86_400_000 + 5_400_000: "1 day 1 hour 30 minutes", 0: "no time", 1: "1 ms", 1000: "1 second", 61_500: "1 minute 1 second 500 ms",
	} {
		if got := Period(millis); got != want {
			t.Errorf("%d ms is %s, want %s", millis, got, want)
		}
	}
}

// Refusals for the time speak of dates, not of milliseconds.
func TestRefusalsForTheTimeSpeakOfDates(t *testing.T) {
	source, problems := Parse([]byte(`
contract: c
parties: [a, b]
create: {by: a, takes: {tenge: any}}
actions: {late: {by: a, from: created + day, ends: true}, early: {by: a, until: created + 1000, ends: true}}
end: {at: created + 30 * day, pay: {a: 1}}
`))
	if problems != nil {
		t.Fatal(problems)
	}
	program, problems := source.Check()
	if problems != nil {
		t.Fatal(problems)
	}
	p, err := tryBegin(t, program, tenge(5))
	if err != nil {
		t.Fatal(err)
	}
	p.now += 2000
	for name, code := range map[string]token.Code{"late": TooEarly, "early": TooLate} { // any order: nothing is done
		refusal := p.act("a", name, nil)
		if refusal == nil || refusal.Code != code || strings.Count(refusal.Error(), "(UTC+05)") != 2 {
			t.Errorf("%s: %v", name, refusal)
		}
	}
}
