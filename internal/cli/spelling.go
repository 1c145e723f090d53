package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Formerly keeps an earlier spelling of a flag for one version: it works as the flag does, stands in no help, and says
// on standard error how it is spelled now. Both at once are refused: nobody can know which of the two was meant.
func Formerly(flags *pflag.FlagSet, now, before string) {
	flag := flags.Lookup(now)
	given := &spellings{now: now, before: before}
	flags.AddFlag(&pflag.Flag{Name: before, Usage: flag.Usage, Value: formerValue{flag.Value, flags, given},
		Hidden: true, Deprecated: "it is --" + now + " now", NoOptDefVal: flag.NoOptDefVal})
	flag.Value = todaysValue{flag.Value, given}
}

// spellings is which of a flag's two spellings was given.
type spellings struct {
	now, before       string
	asBefore, asToday bool
	passing           bool // the earlier one is passed on
}

func (s *spellings) both() error {
	return fmt.Errorf("--%s is the earlier spelling of --%s, and both are given: leave --%s out", s.before, s.now,
		s.before)
}

// formerValue sets the flag of today's name, so that it counts as given.
type formerValue struct {
	pflag.Value
	flags *pflag.FlagSet
	given *spellings
}

// Set gives the value to the flag as it is spelled today. passing says that it comes from here: the flag would take it
// otherwise for given both ways.
func (v formerValue) Set(text string) error {
	if v.given.asToday {
		return v.given.both()
	}
	v.given.asBefore, v.given.passing = true, true
	defer func() { v.given.passing = false }()
	return v.flags.Set(v.given.now, text)
}

// todaysValue is the flag's own, which knows whether it was given as it is spelled now.
type todaysValue struct {
	pflag.Value
	given *spellings
}

// Set refuses a flag that is given in both spellings, in whichever order: one of them would be dropped without a word.
func (v todaysValue) Set(text string) error {
	if !v.given.passing {
		if v.given.asBefore {
			return v.given.both()
		}
		v.given.asToday = true
	}
	return v.Value.Set(text)
}

// spanValue is a span of time as a flag. It takes what all our spans take, days too, while GetDuration goes on reading
// it.
type spanValue struct{ pflag.Value }

// Set hands the flag's own value the span as it reads one.
func (v spanValue) Set(text string) error {
	d, err := Duration(text)
	if err != nil {
		return fmt.Errorf("%q is no time such as 90s, 36h or 30d", text)
	}
	return v.Value.Set(d.String())
}

// spansOfOneForm has every flag of a set that is a time take the one form of all of them, and show its default in it.
func spansOfOneForm(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if _, done := f.Value.(spanValue); done || f.Value.Type() != "duration" {
			return
		}
		f.Value = spanValue{f.Value}
		if d, err := time.ParseDuration(f.DefValue); err == nil {
			f.DefValue = Span(d)
		}
	})
}

// wholeValue is a whole number as a flag, or several, in decimal digits alone: Go's 1_000, 0x10 and 010, which is 8,
// are taken by nobody else for what they say.
type wholeValue struct{ pflag.Value }

var wholeNumbers = regexp.MustCompile(`^[+-]?[0-9]+(,[+-]?[0-9]+)*$`)

// Set takes decimal digits, and leading zeros as such: the library would read 010 as 8.
func (v wholeValue) Set(text string) error {
	if !wholeNumbers.MatchString(text) {
		return fmt.Errorf("%q is no whole number in decimal digits", text)
	}
	numbers := strings.Split(text, ",")
	for i, number := range numbers {
		sign := ""
		if number[0] == '-' || number[0] == '+' {
			sign, number = strings.TrimPrefix(number[:1], "+"), number[1:]
		}
		numbers[i] = sign + cmp.Or(strings.TrimLeft(number, "0"), "0")
	}
	return v.Value.Set(strings.Join(numbers, ","))
}

// wholeOfOneForm has every flag of a set that is a whole number, or several, take decimal digits.
func wholeOfOneForm(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		kind := strings.TrimSuffix(f.Value.Type(), "Slice")
		kind = strings.TrimRight(strings.TrimPrefix(kind, "u"), "0123456789")
		if _, done := f.Value.(wholeValue); !done && kind == "int" {
			f.Value = wholeValue{f.Value}
		}
	})
}

// Span writes a time as it is read: 30d, 36h, 90s; what is no whole number of one of these as Go writes it.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d != 0 && d%day == 0 && d/day > 2: // 24h and 48h are said in hours
		return fmt.Sprintf("%dd", d/day)
	case d != 0 && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d != 0 && d%time.Minute == 0 && d > time.Hour:
		return strings.TrimSuffix(d.String(), "0s")
	case d != 0 && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}
