package dialect

import (
	"math"
	"strings"

	"github.com/aqsha/aqsha/farm"
)

// Unknown stands for a number that a machine does not report.
const Unknown = -1

// Reading is what a machine said in one poll, in one vocabulary. Numbers that it does not report are
// Unknown; nothing is filled in from elsewhere.
type Reading struct {
	Dialect  Dialect `json:"dialect"`
	Model    string  `json:"model,omitempty"`
	Firmware string  `json:"firmware,omitempty"`
	MAC      string  `json:"mac,omitempty"` // lower-case, colons
	Serial   string  `json:"serial,omitempty"`

	ElapsedSeconds int64 `json:"elapsedSeconds"` // since the mining program started
	RateMHs        int64 `json:"rateMHs"`        // 10^6 hashes a second over the last seconds
	IdealMHs       int64 `json:"idealMHs"`       // what this machine should make, by its own word

	// Counters since the start, in 10^6 hashes: what was hashed, and what shares stand for.
	TotalMH        int64 `json:"totalMH"`
	AcceptedMH     int64 `json:"acceptedMH"`
	RejectedMH     int64 `json:"rejectedMH"`
	StaleMH        int64 `json:"staleMH"`
	Accepted       int64 `json:"accepted"` // shares
	Rejected       int64 `json:"rejected"`
	HardwareErrors int64 `json:"hardwareErrors"`

	Boards     []Board `json:"boards,omitempty"`
	ChipTemp   int     `json:"chipTemp"`  // hottest, °C
	BoardTemp  int     `json:"boardTemp"` // hottest, °C
	Fans       []int   `json:"fans,omitempty"`
	PowerWatts int64   `json:"powerWatts"`
	PowerLimit int64   `json:"powerLimitWatts"`
	Sleeping   bool    `json:"sleeping,omitempty"`  // told not to mine
	Throttled  bool    `json:"throttled,omitempty"` // slowed down by its own heat protection
	Pools      []Pool  `json:"pools,omitempty"`
}

// Board is a hash board.
type Board struct {
	Slot     int   `json:"slot"`
	RateMHs  int64 `json:"rateMHs"`
	Chips    int   `json:"chips"`
	ChipTemp int   `json:"chipTemp"`
}

// Live says whether the board works: it hashes, or at least has chips while its rate is unknown.
func (b Board) Live() bool { return b.RateMHs > 0 || (b.RateMHs == Unknown && b.Chips > 0) }

// Pool is where a machine works.
type Pool struct {
	URL    string `json:"url"`
	User   string `json:"user"`
	Alive  bool   `json:"alive"`
	Active bool   `json:"active"` // in use now
}

func newReading(d Dialect) *Reading {
	return &Reading{Dialect: d, ElapsedSeconds: Unknown, RateMHs: Unknown, IdealMHs: Unknown, TotalMH: Unknown, AcceptedMH: Unknown, RejectedMH: Unknown, StaleMH: Unknown,
		Accepted: Unknown, Rejected: Unknown, HardwareErrors: Unknown, ChipTemp: Unknown, BoardTemp: Unknown, PowerWatts: Unknown, PowerLimit: Unknown}
}

// LiveBoards counts the boards that work; Unknown when the machine names none.
func (r *Reading) LiveBoards() int {
	if len(r.Boards) == 0 {
		return Unknown
	}
	live := 0
	for _, b := range r.Boards {
		if b.Live() {
			live++
		}
	}
	return live
}

// SlowestFan is the lowest speed of the fans that are there, in rpm; Unknown when none is reported.
func (r *Reading) SlowestFan() int {
	slowest := Unknown
	for _, rpm := range r.Fans {
		if slowest == Unknown || rpm < slowest {
			slowest = rpm
		}
	}
	return slowest
}

// ActivePool is the pool in use, or the zero Pool.
func (r *Reading) ActivePool() Pool {
	for _, p := range r.Pools {
		if p.Active {
			return p
		}
	}
	for _, p := range r.Pools {
		if p.Alive {
			return p
		}
	}
	return Pool{}
}

// megahashes turns a number in a unit of hashes (a second) into 10^6.
func megahashes(v Value, perUnit float64) int64 {
	f, ok := v.Number()
	if f *= perUnit / 1e6; !ok || f < 0 || f > 1<<62 {
		return Unknown
	}
	return int64(math.Round(f))
}

// unitOf is how many hashes a unit such as "GH" or "GH/s" stands for.
func unitOf(v Value, otherwise float64) float64 {
	switch strings.ToUpper(strings.TrimSuffix(v.Text(), "/s")) {
	case "MH", "MHS":
		return 1e6
	case "GH", "GHS":
		return 1e9
	case "TH", "THS":
		return 1e12
	case "PH", "PHS":
		return 1e15
	}
	return otherwise
}

// difficultyMH is the work that a summed share difficulty stands for, in 10^6 hashes.
func difficultyMH(v Value) int64 {
	f, ok := v.Number()
	if !ok {
		return Unknown
	}
	if work, ok := farm.WorkOfDifficulty(f / 1e6); ok { // in units of 10^6
		return int64(work)
	}
	return Unknown
}

// temperature is a plausible one in °C; a sensor that is not there reads 0 or nonsense.
func temperature(v Value) int {
	f, ok := v.Number()
	if !ok || f <= 0 || f > 200 {
		return Unknown
	}
	return int(math.Round(f))
}

// hotter is the higher of two temperatures, either of which may be unknown.
func hotter(a, b int) int { return max(a, b) }

// addCounter sums counters of which some may be unknown.
func addCounter(sum, more int64) int64 {
	if more == Unknown {
		return sum
	}
	return max(sum, 0) + more
}

// normalMAC brings a hardware address into one form; what is not one is dropped.
func normalMAC(s string) string {
	hex := strings.ToLower(strings.NewReplacer(":", "", "-", "", ".", "").Replace(strings.TrimSpace(s)))
	if len(hex) != 12 || strings.Trim(hex, "0123456789abcdef") != "" || hex == "000000000000" {
		return ""
	}
	var b strings.Builder
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(hex[i : i+2])
	}
	return b.String()
}

// NormalMAC brings a hardware address into lower-case with colons; "" when it is none.
func NormalMAC(s string) string { return normalMAC(s) }

// total estimates the counter of hashes from the average since the start, where a firmware has no counter.
func (r *Reading) totalFromAverage(averageMHs float64) {
	if total := averageMHs * float64(r.ElapsedSeconds); r.TotalMH == Unknown && r.ElapsedSeconds >= 0 && total >= 0 && total < 1<<62 {
		r.TotalMH = int64(math.Round(total))
	}
}
