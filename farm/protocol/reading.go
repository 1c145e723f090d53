package protocol

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm"
)

// Unknown stands for a number that a machine does not report.
const Unknown = -1

// Reading is what a machine said in one poll, in one vocabulary. Numbers that it does not report are
// Unknown; nothing is filled in from elsewhere.
type Reading struct {
	Protocol Protocol `json:"protocol"`
	Model    string   `json:"model,omitempty"`
	Firmware string   `json:"firmware,omitempty"`
	MAC      string   `json:"mac,omitempty"` // lower-case, colons
	Serial   string   `json:"serial,omitempty"`
	// MinerID is the control board's number that stock Antminers and Avalons tell without a password; it
	// tells two machines apart and is never a machine's name.
	MinerID string `json:"miner_id,omitempty"`

	ElapsedSeconds int64 `json:"elapsed_seconds"` // since the mining program started
	RateMHs        int64 `json:"rate_mhs"`        // 10^6 hashes a second over the last seconds
	IdealMHs       int64 `json:"ideal_mhs"`       // what this machine should make, by its own word

	// Counters since the start, in 10^6 hashes: what was hashed, and what shares stand for.
	TotalMH        int64 `json:"total_mh"`
	AcceptedMH     int64 `json:"accepted_mh"`
	RejectedMH     int64 `json:"rejected_mh"`
	StaleMH        int64 `json:"stale_mh"`
	Accepted       int64 `json:"accepted"` // shares
	Rejected       int64 `json:"rejected"`
	HardwareErrors int64 `json:"hardware_errors"`

	Boards     []Board `json:"boards,omitempty"`
	ChipTemp   int     `json:"chip_temp"`  // hottest, °C
	BoardTemp  int     `json:"board_temp"` // hottest, °C
	Fans       []int   `json:"fans,omitempty"`
	PowerWatts int64   `json:"power_watts"`
	PowerLimit int64   `json:"power_limit_watts"`
	Mode       string  `json:"mode,omitempty"`      // power mode or preset, by the firmware's name; "": not told
	Sleeping   bool    `json:"sleeping,omitempty"`  // told not to mine
	Throttled  bool    `json:"throttled,omitempty"` // slowed down by its own heat protection
	Immersed   bool    `json:"immersed,omitempty"`  // cooled by a liquid: fans are not due
	Pools      []Pool  `json:"pools,omitempty"`
	// PoolsReported says that the machine answered the question for pools, of which it may have none.
	PoolsReported bool `json:"-"`
	// Errors are the codes that the firmware shows now, as farm/faults explains them.
	Errors []string `json:"errors,omitempty"`
}

// Board is a hash board.
type Board struct {
	Slot     int    `json:"slot"`
	RateMHs  int64  `json:"rate_mhs"`
	Chips    int    `json:"chips"`
	ChipTemp int    `json:"chip_temp"`
	Serial   string `json:"serial,omitempty"`
}

// Live says whether the board works: it hashes, or is there while its rate is unknown. One without chips is not.
func (b Board) Live() bool { return b.RateMHs > 0 || (b.RateMHs == Unknown && b.Chips != 0) }

// Pool is where a machine works.
type Pool struct {
	URL    string `json:"url"`
	User   string `json:"user"`
	Alive  bool   `json:"alive"`
	Active bool   `json:"active"` // in use now
	// Fee marks a pool that the firmware put there for its maker: hidden ("*"), named so ("DevFee") or of a
	// priority that no configuration gives (MSK 998, Hiveon 9998).
	Fee        bool  `json:"fee,omitempty"`
	Accepted   int64 `json:"accepted"`    // shares since the start
	AcceptedMH int64 `json:"accepted_mh"` // and their work
}

func newReading(d Protocol) *Reading {
	return &Reading{Protocol: d, ElapsedSeconds: Unknown, RateMHs: Unknown, IdealMHs: Unknown, TotalMH: Unknown,
		AcceptedMH: Unknown, RejectedMH: Unknown, StaleMH: Unknown,
		Accepted: Unknown, Rejected: Unknown, HardwareErrors: Unknown, ChipTemp: Unknown, BoardTemp: Unknown,
		PowerWatts: Unknown, PowerLimit: Unknown}
}

// maxMode is the longest name of a mode that is kept, in bytes.
const maxMode = 40

// setMode takes the name of the mode or preset; the first of several names that is none is passed over. One that begins
// with watts, as presets of VNish do ("1350", "3095 watt ~ 110 TH"), is a limit too where no other is told.
func (r *Reading) setMode(names ...string) {
	for _, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || name == "disabled" || len(name) > maxMode {
			continue
		}
		if r.Mode == "" {
			r.Mode = name
		}
		digits := len(name) - len(strings.TrimLeft(name, "0123456789"))
		// A name of one digit is a number of a mode; nothing that is mined with draws 100 kW.
		if watts, err := strconv.ParseInt(name[:digits], 10, 64); err == nil && watts >= 100 && watts < 100_000 &&
			r.PowerLimit <= 0 && (digits == len(name) || strings.HasPrefix(strings.TrimLeft(name[digits:], " "), "w")) {
			r.PowerLimit = watts
		}
	}
}

// Reduced says whether the mode is one that makes less than the nameplate on purpose.
func (r *Reading) Reduced() bool {
	return slices.Contains([]string{"low", "eco", "efficiency", "powersave", "power_save", "low-power"}, r.Mode)
}

// addBoard adds a board, of at most 16.
func (r *Reading) addBoard(b Board) {
	if len(r.Boards) < 16 {
		r.Boards = append(r.Boards, b)
		r.ChipTemp = hotter(r.ChipTemp, b.ChipTemp)
	}
}

// addFan adds a fan's speed; one that is not plausible is none.
func (r *Reading) addFan(rpm int64) {
	if rpm >= 0 && rpm < 100_000 && len(r.Fans) < 16 {
		r.Fans = append(r.Fans, int(rpm))
	}
}

// turning drops connectors at which nothing turns, for firmwares that list every connector there is:
// whether a fan is missing is told by how many have turned before (fleet.Machine).
func (r *Reading) turning() {
	r.Fans = slices.DeleteFunc(r.Fans, func(rpm int) bool { return rpm == 0 })
}

// addError adds a code once, of at most 32.
func (r *Reading) addError(code string) {
	if code != "" && len(code) <= 80 && len(r.Errors) < 32 && !slices.Contains(r.Errors, code) {
		r.Errors = append(r.Errors, code)
	}
}

// FeePermille is how much of the accepted work went to the firmware's maker, in thousandths.
func (r *Reading) FeePermille() int64 {
	fee, all := int64(0), int64(0)
	for _, p := range r.Pools {
		work := max(p.AcceptedMH, 0)
		if all += work; p.Fee {
			fee += work
		}
	}
	if all == 0 {
		return 0
	}
	return int64(float64(fee) * 1000 / float64(all))
}

// TellsRate says whether it says anything of the machine's work: a rate, what was hashed, or that it sleeps.
func (r *Reading) TellsRate() bool { return r.RateMHs != Unknown || r.TotalMH != Unknown || r.Sleeping }

// TellsParts says whether it tells, besides its work, anything of its boards and temperatures, as every firmware's own
// protocol does; that of another one, close to it, tells the work alone.
func (r *Reading) TellsParts() bool {
	return r.TellsRate() && (len(r.Boards) > 0 || r.ChipTemp != Unknown || r.BoardTemp != Unknown || r.Sleeping)
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
		if p.Active && !p.Fee {
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

// megahashes turns a number in a unit of hashes (a second) into 10^6. A unit that stands behind the number counts
// before the one that the field should have.
func megahashes(v Value, perUnit float64) int64 {
	f, ok := v.Number()
	if !ok && v.OK() && v.kind() == text {
		var unit string
		f, unit, ok = quantity(v.text())
		perUnit = rateUnit(unit)
		ok = ok && perUnit > 0
	}
	if !ok {
		return Unknown
	}
	return inRange(f * (perUnit / 1e6))
}

// unitOf is how many hashes a unit such as "GH" or "GH/s" stands for.
func unitOf(v Value, otherwise float64) float64 {
	if unit := rateUnit(v.Text()); unit > 0 {
		return unit
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

// temperature is a plausible one in °C; a sensor that is not there reads 0 or nonsense. The sign is
// kept; −1, which stands for Unknown, is read as −2.
func temperature(v Value) int {
	f, ok := v.Number()
	if !ok {
		return Unknown
	}
	return celsius(f)
}

// sensor is temperature where the firmware writes -1 for a sensor that is not there, as AxeOS does.
func sensor(v Value) int {
	if f, ok := v.Number(); ok && f == -1 {
		return Unknown
	}
	return temperature(v)
}

// celsius is a temperature, or Unknown where no chip can have it; 0 is what firmwares say when they know none.
func celsius(f float64) int {
	t := int(math.Round(min(max(f, -300), 300)))
	switch {
	case t == 0 || t < -60 || t > 200:
		return Unknown
	case t == Unknown:
		return Unknown - 1
	}
	return t
}

// hotter is the higher of two temperatures, either of which may be unknown.
func hotter(a, b int) int {
	if a == Unknown || b == Unknown {
		return min(a, b) + max(a, b) - Unknown
	}
	return max(a, b)
}

// addCounter sums counters of which some may be unknown.
func addCounter(sum, more int64) int64 {
	if more == Unknown {
		return sum
	}
	return max(sum, 0) + more
}

var macSeparators = strings.NewReplacer(":", "", "-", "", ".", "")

// normalMAC brings a hardware address into one form; what is not one is dropped.
func normalMAC(s string) string {
	hex := strings.ToLower(macSeparators.Replace(strings.TrimSpace(s)))
	if len(hex) != 12 || strings.Trim(hex, "0123456789abcdef") != "" || hex == "000000000000" ||
		hex == "ffffffffffff" {
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

// totalFromAverage estimates the counter of hashes from the average since the start, where a firmware
// has no counter, or one that cannot be it: LuxOS writes the average under the counter's name.
func (r *Reading) totalFromAverage(averageMHs float64) {
	total := averageMHs * float64(r.ElapsedSeconds)
	if r.ElapsedSeconds < 0 || total < 0 || total >= 1<<62 {
		return
	}
	if r.TotalMH == Unknown || (r.ElapsedSeconds >= 60 && float64(r.TotalMH) < total/20) {
		r.TotalMH = int64(math.Round(total))
	}
}
