package market

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Severity says what a finding means for a study: an error makes its figures
// wrong, a warning may, a note is only said.
type Severity string

// Severities, gravest first.
const (
	Grave   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// severities of the checks' codes; a check may set another.
var severities = map[string]Severity{
	"duplicate": Grave, "duplicate_differs": Grave, "clock_change": Grave, "time_far": Grave, "price_zero": Grave,
	"price_negative": Grave, "range": Grave,
	"unit": Grave, "split": Grave, "redenomination": Grave, "shares": Grave, "ticker_name": Grave,
	"amount_negative": Grave, "holder_twice": Warning, "capitalisation": Warning,
	"gap": Warning, "volume_swapped": Warning, "volume_price": Warning, "jump": Warning, "stale": Warning,
	"frozen":   Warning,
	"constant": Warning, "ends_early": Warning,
	"missing": Note, "trailer": Note, "cut_line": Note, "flag": Note, "hidden": Note, "volume_zero": Note,
}

// robustSigma is the standard deviation that the median absolute deviation of
// a normal law would show; a few jumps do not move it.
func robustSigma(x []float64) float64 {
	absolute := make([]float64, 0, len(x))
	for _, v := range x {
		if !math.IsNaN(v) {
			absolute = append(absolute, math.Abs(v))
		}
	}
	if len(absolute) == 0 {
		return 0
	}
	slices.Sort(absolute)
	return 1.4826 * absolute[len(absolute)/2]
}

// A return is a jump from so many robust standard deviations on, and never below 40 %.
const (
	jumpSigmas = 15
	leastJump  = 0.336 // ln 1.4
	maxJumps   = 50    // of one column are told
)

// splits are the ratios at which shares and tokens are split and joined.
var splits = []float64{1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50}

// checkLevels looks for days on which a price changes its unit for good: a
// split, a redenomination, a run of rows in another unit; or only jumps.
func checkLevels(t *Table) []Finding {
	if t.Times == nil || t.panel() {
		return nil
	}
	for _, name := range []string{"price_usd", "close", "kzt_per_usd", "value"} {
		if v := t.numbers(name); v != nil {
			return t.levels(name, v)
		}
	}
	return nil
}

// levels looks at the returns between rows that have a price. A jump that is undone within 30 rows, both ways by a
// power of ten, is a run in another unit; any other is judged by itself.
func (t *Table) levels(name string, v []float64) []Finding {
	var rows []int // with a price
	for i := range v {
		if v[i] > 0 {
			rows = append(rows, i)
		}
	}
	if len(rows) < 10 {
		return nil
	}
	// Sixty thousand returns, evenly chosen, tell the usual size of all; the
	// others need a logarithm only where they are large.
	r, every := make([]float64, len(rows)), 1+len(rows)/60_000
	some := make([]float64, 0, len(rows)/every+1)
	for i := 1; i < len(rows); i++ {
		if ratio := v[rows[i]] / v[rows[i-1]]; i%every == 0 || ratio > 1.3 || ratio < 0.75 {
			r[i] = math.Log(ratio)
		}
		if i%every == 0 {
			some = append(some, r[i])
		}
	}
	sigma := robustSigma(some)
	limit := max(jumpSigmas*sigma, leastJump)
	var found []Finding
	for i := 1; i < len(rows) && len(found) < maxJumps; i++ {
		if math.Abs(r[i]) <= limit {
			continue
		}
		if back := backAgain(r, i, limit); back > 0 && tens(r[i], sigma) != 0 &&
			math.Abs(r[i]+r[back]) < max(8*sigma, 0.3) {
			if back > i+1 { // one row alone is found by checkUnits
				exponent := tens(r[i], sigma)
				found = append(found, runs(t, rows[i:back], "unit", name, fmt.Sprintf("divide by 10^%d", exponent),
					scale(name, math.Pow10(-exponent)), func(int) string {
						return fmt.Sprintf("%d rows a factor of 10^%d off those before and after: another unit", back-i,
							exponent)
					})...)
			}
			i = back
			continue
		}
		f := t.level(name, rows, r, i, sigma)
		if f.Code == "split" && undone(r, i, limit) {
			f = asJump(f, "; it is undone within a month: no split")
		}
		if cut := t.cutLine(); f.Repair != "" && (t.Lines[rows[i]] == cut || t.Lines[rows[i-1]] == cut && i == 1) {
			f = asJump(f, fmt.Sprintf("; line %d has no line end and may be cut: nothing is multiplied on its word",
				cut))
		}
		found = append(found, f)
	}
	return fewSplits(name, found)
}

// undone reports whether a jump is one half of a spike: one of the opposite sign and like size lies within 30 rows.
func undone(r []float64, i int, limit float64) bool {
	for j := max(1, i-30); j < min(len(r), i+30); j++ {
		if j != i && math.Abs(r[j]) > limit && r[j]*r[i] < 0 && math.Abs(r[i]+r[j]) < 0.25*math.Abs(r[i]) {
			return true
		}
	}
	return false
}

// maxSplits of one price are believed. A rate or an early coin doubles and
// halves as it likes.
const maxSplits = 3

// fewSplits makes jumps of the splits of a series that has too many of them,
// and of one that is no price, so far as the file says.
func fewSplits(name string, found []Finding) []Finding {
	n := 0
	for _, f := range found {
		if f.Code == "split" {
			n++
		}
	}
	for i, f := range found {
		switch {
		case f.Code != "split":
		case name == "value":
			found[i] = asJump(f, "; the file does not say that it is a price")
		case n > maxSplits:
			found[i] = asJump(f, fmt.Sprintf("; one of %d such: it moves like that", n))
		}
	}
	return found
}

// asJump keeps the finding and takes its repair away.
func asJump(f Finding, why string) Finding {
	f.Code, f.Severity, f.Repair, f.rows, f.fix = "jump", Warning, "", nil, nil
	f.Detail += why
	return f
}

// backAgain is the first later jump of the opposite sign within 30 rows, or 0.
func backAgain(r []float64, i int, limit float64) int {
	for j := i + 1; j < min(len(r), i+30); j++ {
		if math.Abs(r[j]) > limit {
			if r[j]*r[i] < 0 {
				return j
			}
			return 0
		}
	}
	return 0
}

// tens is the power of ten, 100 and up, that a jump is, or 0.
func tens(r, sigma float64) int {
	n := math.Round(r / math.Ln10)
	if math.Abs(n) >= 2 && math.Abs(r-n*math.Ln10) < max(5*sigma, 0.05) {
		return int(n)
	}
	return 0
}

// level tells what one lasting jump is. Where the file has opening prices, the break must lie between a close and the
// next open: a crash is traded through. Powers of ten go before the ratios of splits, of which the nearest is taken.
func (t *Table) level(name string, rows []int, r []float64, i int, sigma float64) Finding {
	row, before := rows[i], rows[:i]
	v := t.numbers(name)
	from, to := v[rows[i-1]], v[row]
	broken := r[i]
	if open := t.numbers("open"); name == "close" && open != nil && open[row] > 0 {
		broken = math.Log(open[row] / from)
	}
	// As wide as a usual day's move: a split is seldom met to the digit, for the market moves on that day too.
	near := max(3*sigma, 0.02)
	severity := Grave
	adjusted := t.Has("adjusted_close") && name == "close"
	detail, code, factor, what := fmt.Sprintf("%g after %g, %+.1f %%: %.0f robust standard deviations", to, from,
		100*(to/from-1), math.Abs(r[i])/max(sigma, 1e-9)), "jump", 0.0, ""
	if n := tens(broken, sigma); n != 0 {
		code, factor = "redenomination", math.Pow10(n)
		what = fmt.Sprintf("multiply the prices before by 10^%d", n)
		detail += fmt.Sprintf("; a factor of 10^%d that stays", n)
	} else {
		for _, ratio := range splits {
			if d := math.Abs(math.Abs(broken) - math.Log(ratio)); d < near &&
				d < math.Abs(math.Abs(broken)-math.Log(ratioOf(factor))) {
				code, factor = "split", math.Pow(ratio, math.Copysign(1, broken))
			}
		}
		// A split makes as much more of the supply as it makes less of the price; where the supply stays, the price
		// itself has moved.
		if code == "split" && t.sameSupply(rows[i-1], row, r[i]) {
			code = "jump"
			detail += "; the supply stays, and the capitalisation moves with the price: no split"
		}
		if code == "split" {
			what = fmt.Sprintf("multiply the prices before by %.6g", factor)
			detail += fmt.Sprintf("; near %s and it stays: a split, or a price in other units", splitName(factor))
		}
	}
	if code != "jump" && adjusted {
		severity = Note
		detail += "; adjusted_close, which studies take, allows for it"
	} else if code == "jump" {
		severity = Warning
	}
	f := Finding{Code: code, Severity: severity, Column: name, FirstLine: t.Lines[row], LastLine: t.Lines[row], Rows: 1,
		From: stamp(t, row), To: stamp(t, row), Detail: detail}
	if what != "" {
		f.Repair, f.rows, f.fix = what, slices.Clone(before), t.rescale(code, name, factor)
	}
	return f
}

// sameSupply reports whether the file itself says that a break in the price is
// none in the number of pieces: at a split the supply turns by the ratio and
// the capitalisation stays, in a rush or a crash it is the other way round.
// Early coins moved by halves and doubles in a day, and no study of them would
// otherwise be sealed. Without supply and capitalisation nothing is known.
func (t *Table) sameSupply(before, row int, moved float64) bool {
	turn := func(name string) float64 {
		v := t.numbers(name)
		if v == nil || !(v[before] > 0) || !(v[row] > 0) {
			return math.NaN()
		}
		return math.Log(v[row] / v[before])
	}
	if supply := turn("supply"); !math.IsNaN(supply) {
		return math.Abs(supply) < 0.1*math.Abs(moved)
	}
	return math.Abs(turn("cap_usd")-moved) < 0.1*math.Abs(moved)
}

// ratioOf is a factor as a ratio above one; of none, one that everything is nearer than.
func ratioOf(factor float64) float64 {
	if factor == 0 {
		return 1e300
	}
	return max(factor, 1/factor)
}

// splitName is the factor for prices as people write splits: pieces new to old.
func splitName(factor float64) string {
	if factor < 1 {
		return fmt.Sprintf("%g:1", math.Round(20/factor)/20)
	}
	return fmt.Sprintf("1:%g", math.Round(20*factor)/20)
}

// rescale multiplies the prices before a break; a split also makes more pieces
// of the volume traded before it, a redenomination of the quote currency does not.
func (t *Table) rescale(code, name string, factor float64) repair {
	names := []string{name}
	if name == "close" {
		names = []string{"open", "high", "low", "close", "vwap"}
	}
	return func(t *Table, rows []int, m *marks) {
		for r := range rows[len(rows)-1] + 1 {
			for _, n := range names {
				if v := t.numbers(n); v != nil {
					v[r] *= factor
				}
			}
			if v := t.numbers("volume_base"); code == "split" && v != nil {
				v[r] /= factor
			}
		}
	}
}

// A price that stands still for so many rows, where it seldom does, was not observed.
const stale = 6

// checkStale looks for prices that stand still for long. A price that is the same in every row is said once.
func checkStale(t *Table) []Finding {
	name := t.PriceColumn()
	if name == "" || t.Times == nil || t.panel() || t.Rows() < 10 {
		return nil
	}
	v := t.numbers(name)
	same := where(v, func(i int) bool { return i > 0 && v[i] == v[i-1] })
	if len(same) == len(v)-1 {
		return runs(t, same, "constant", name, "", nil,
			func(int) string { return fmt.Sprintf("%g in every row", v[0]) })
	}
	var long []int
	spells := 0
	for first := 0; first < len(same); {
		last := first
		for last+1 < len(same) && same[last+1] == same[last]+1 {
			last++
		}
		if last-first+2 >= stale {
			long = append(long, same[first:last+1]...)
			spells++
		}
		first = last + 1
	}
	code := "stale"
	if len(same)*4 > len(v) {
		// Most of the rows stand still. A feed that died has one or two long spells among rows that move; a price that
		// often stands still has short ones everywhere, and one that others set (a peg, a base rate) seldom moves.
		if len(same)-len(long) > (len(v)-len(long))/4 || spells > 3 || len(v)-len(same) < 10*spells {
			return nil
		}
		code = "frozen"
	}
	return runs(t, long, code, name, "mark as not available", blank(name),
		func(i int) string { return fmt.Sprintf("%g again and again: was it observed?", v[i]) })
}

// checkMissing tells cells of the price that hold no value, and a price that ends while the reference rate beside it
// goes on. Rows that a repair inserted have no line and are not told again.
func checkMissing(t *Table) []Finding {
	name := t.PriceColumn()
	if name == "" || t.Times == nil || t.panel() {
		return nil
	}
	v := t.numbers(name)
	last := len(v) - 1
	// It ends: a column without a single number is no price column.
	for math.IsNaN(v[last]) {
		last--
	}
	rate := t.numbers("reference_rate_usd")
	early := rate != nil && name == "price_usd" && last < len(v)-1 && !math.IsNaN(rate[len(v)-1])
	found := runs(t, where(v, func(i int) bool { return math.IsNaN(v[i]) && t.Lines[i] > 0 && !(early && i > last) }),
		"missing", name, "", nil, func(int) string { return "no value" })
	if early {
		found = append(found, runs(t, where(v, func(i int) bool { return i > last }), "ends_early", name, "", nil,
			func(int) string {
				return "the price ends here, the reference rate goes on: --price reference_rate_usd"
			})...)
	}
	if volume := t.numbers("volume_base"); volume != nil && t.Has("close") {
		c := t.numbers("close")
		found = append(found,
			runs(t, where(c, func(i int) bool {
				return i > 0 && volume[i] == 0 && c[i] != c[i-1] &&
					!math.IsNaN(c[i])
			}), "volume_zero", "volume_base", "", nil,
				func(int) string { return "the price moves without volume" })...)
	}
	return found
}

// checkFar finds a first or last row that lies ten times the span of all the
// others away: a date mistyped.
func checkFar(t *Table) []Finding {
	n := len(t.Times)
	if n < 4 {
		return nil
	}
	var far []int
	if t.Times[1].Sub(t.Times[0])/10 > t.Times[n-1].Sub(t.Times[1]) {
		far = append(far, 0)
	}
	if t.Times[n-1].Sub(t.Times[n-2])/10 > t.Times[n-2].Sub(t.Times[0]) {
		far = append(far, n-1)
	}
	return runs(t, far, "time_far", "time", "drop the row", dropRows, func(i int) string {
		return fmt.Sprintf("%s lies ten times as far from the others as they span", stamp(t, i))
	})
}

// panel reports whether rows of one time belong to different names.
func (t *Table) panel() bool {
	if len(t.Texts) == 0 {
		return false
	}
	for i := 1; i < len(t.Times); i++ {
		if t.Times[i].Equal(t.Times[i-1]) {
			for _, c := range t.Texts {
				if c.Values[i] != c.Values[i-1] {
					return true
				}
			}
		}
	}
	return false
}

// turnedClocks picks, from rows whose time is there already with other values,
// those that are one hour of an autumn's (or the southern April's) Sunday: local time.
func (t *Table) turnedClocks(differ []int) (clocks, others []int) {
	step := t.step()
	if step == 0 || step > time.Hour || t.Provenance.TimeZone != "UTC" {
		return nil, differ
	}
	for first := 0; first < len(differ); {
		last := first
		for last+1 < len(differ) && t.Times[differ[last+1]].Sub(t.Times[differ[first]]) < time.Hour {
			last++
		}
		at := t.Times[differ[first]]
		// Kazakhstan went from six hours to five on 1 March 2024 at midnight: 23 o'clock came twice, on a Thursday.
		almaty := at.Truncate(time.Hour).Equal(time.Date(2024, 2, 29, 23, 0, 0, 0, time.UTC))
		autumn := strings.Contains("March April September October November", at.Month().String())
		if (at.Weekday() == time.Sunday && autumn || almaty) && last-first+1 == int(time.Hour/step) {
			clocks = append(clocks, differ[first:last+1]...)
		} else {
			others = append(others, differ[first:last+1]...)
		}
		first = last + 1
	}
	return clocks, others
}

// checkHolders looks at a list of holders: a negative amount is no holding,
// and a holder on two lines is one holder.
func checkHolders(t *Table) []Finding {
	names, err := t.Text("holder")
	amounts := t.numbers("amount")
	if err != nil || amounts == nil {
		return nil
	}
	found := runs(t, where(amounts, func(i int) bool { return amounts[i] < 0 }), "amount_negative", "amount", "", nil,
		func(i int) string {
			return fmt.Sprintf("%s holds %g", names[i], amounts[i])
		})
	first := map[string]int{}
	again := where(amounts, func(i int) bool {
		_, seen := first[names[i]]
		if !seen {
			first[names[i]] = i
		}
		return seen
	})
	return append(found, runs(t, again, "holder_twice", "holder", "", nil, func(i int) string {
		return fmt.Sprintf("%q is on line %d already: both amounts count as one holder's", names[i],
			t.Lines[first[names[i]]])
	})...)
}
