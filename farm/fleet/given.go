package fleet

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm"
)

// Given is what the farm's people say of a machine: nobody's word goes before theirs. 0 is not given.
// It is kept apart from what the machine says of itself, which only grows.
type Given struct {
	RateMHs   int64 `json:"rate_mhs,omitempty"`
	Watts     int64 `json:"watts,omitempty"`
	HeatLimit int64 `json:"heat_limit,omitempty"` // °C
}

// Bounds of what can be given.
const (
	maxGivenMHs   = 1e10
	maxGivenWatts = 1_000_000
	leastLimit    = 30
	maxLimit      = 150
)

// validate bounds what a person gave; zeros are what he left out.
func (g Given) validate() error {
	if g.RateMHs < 0 || g.RateMHs > maxGivenMHs || g.Watts < 0 || g.Watts > maxGivenWatts || g.HeatLimit < 0 ||
		g.HeatLimit > maxLimit || (g.HeatLimit > 0 && g.HeatLimit < leastLimit) {
		return farm.Refuse("farm-out-of-range", "given", "want at most 10,000 TH/s, 1 MW and a limit of %d to %d °C",
			leastLimit, maxLimit)
	}
	return nil
}

// with is what is given anew over what was.
func (g Given) with(more Given) Given {
	for to, from := range map[*int64]int64{&g.RateMHs: more.RateMHs, &g.Watts: more.Watts,
		&g.HeatLimit: more.HeatLimit} {
		if from != 0 {
			*to = from
		}
	}
	return g
}

// Change is what ParseGiven read: a value for some of what can be given, 0 to take it back.
type Change struct {
	rate, watts, limit *int64
	forget             bool // the certificate
}

// Apply changes a machine.
func (c Change) Apply(m *Machine) {
	for to, from := range map[*int64]*int64{&m.Given.RateMHs: c.rate, &m.Given.Watts: c.watts,
		&m.Given.HeatLimit: c.limit} {
		if from != nil {
			*to = *from
		}
	}
	if c.forget {
		m.Certificate = ""
	}
}

// ParseGiven reads words such as nameplate=110 (TH/s), watts=3250 and limit=85 (°C of the hottest chip);
// a value of - takes back what was given. certificate=- has the next certificate of a machine believed.
func ParseGiven(words []string) (c Change, err error) {
	if len(words) == 0 {
		return c, farm.Refuse("bad-setting", "set", "want nameplate=TH/s, watts=W or limit=°C")
	}
	for _, word := range words {
		key, text, _ := strings.Cut(word, "=")
		if key == "certificate" && text == "-" {
			c.forget = true
			continue
		}
		var to **int64
		var unit string
		var scale, least, most float64
		switch key {
		case "nameplate":
			to, unit, scale, least, most = &c.rate, "TH/S", 1e6, 0.000001, 10_000
		case "watts":
			to, unit, scale, least, most = &c.watts, "W", 1, 1, maxGivenWatts
		case "limit":
			to, unit, scale, least, most = &c.limit, "°C", 1, leastLimit, maxLimit
		default:
			return Change{}, farm.Refuse("bad-setting", "set", "%q is not one of nameplate, watts and limit", key)
		}
		if *to != nil {
			return Change{}, farm.Refuse("bad-setting", key, "is given twice")
		}
		if text == "-" {
			*to = new(int64)
			continue
		}
		number, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.ToUpper(text), unit)), 64)
		want := fmt.Sprintf("%s, %s to %s", strings.ReplaceAll(unit, "TH/S", "TH/s"), trim(least), trim(most))
		if err != nil {
			return Change{}, farm.Refuse("bad-setting", key, "%q: want %s, or - to take it back", text, want)
		}
		// The comparison is turned round for NaN, which ParseFloat reads.
		if !(number >= least && number <= most) {
			return Change{}, farm.Refuse("farm-out-of-range", key, "%q: want %s, or - to take it back", text, want)
		}
		value := int64(math.Round(number * scale))
		*to = &value
	}
	return c, nil
}

func trim(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// terahashes writes a rate in TH/s exactly; "" is none.
func terahashes(mhs int64) string {
	if mhs == 0 {
		return ""
	}
	return trim(float64(mhs) / 1e6)
}
