package market

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// Finding is something a check saw: where, what, and the repair it proposes.
// Neighbouring rows with the same finding are one finding.
type Finding struct {
	Code      string   `json:"code"`
	Severity  Severity `json:"severity"`
	Column    string   `json:"column"`
	FirstLine int      `json:"first_line"` // line of the file
	LastLine  int      `json:"last_line"`
	Rows      int      `json:"rows"`
	From      string   `json:"from,omitempty"`
	To        string   `json:"to,omitempty"`
	Detail    string   `json:"detail"`
	Repair    string   `json:"repair"` // what would be done; empty: look yourself

	rows []int // of the table, for the repair
	fix  repair
}

// Check runs every check that the table's columns allow and returns findings in the order of the checks, then of rows.
// It changes nothing; rows must be in time's order.
func Check(t *Table) []Finding {
	var found []Finding
	for _, check := range []func(*Table) []Finding{
		checkDuplicates, checkFar, checkGaps, checkPrices, checkRanges, checkVolumes, checkCapitalisation, checkUnits,
		checkLevels, checkStale, checkMissing, checkShares, checkTickers, checkHolders,
	} {
		found = append(found, check(t)...)
	}
	cut := t.cutLine()
	for i, f := range found {
		if f.Severity == "" {
			found[i].Severity = severities[f.Code]
		}
		if f.FirstLine == cut && f.LastLine == cut && (f.Code == "range" || f.Code == "volume_swapped" ||
			f.Code == "capitalisation") {
			found[i].Detail += "; the line has no line end and may be cut"
			found[i].Repair, found[i].rows, found[i].fix = "", nil, nil
		}
	}
	return append(found, t.passed...)
}

// runs groups flagged rows: adjacent rows make one finding, so that a month of wrong prices is one line and one
// repair. The detail is that of the first of them. flagged ascends.
func runs(t *Table, flagged []int, code, column, repairText string, fix repair, detail func(row int) string) []Finding {
	var found []Finding
	for start := 0; start < len(flagged); {
		end := start
		for end+1 < len(flagged) && flagged[end+1] == flagged[end]+1 {
			end++
		}
		first, last := flagged[start], flagged[end]
		lines := []int{t.Lines[first], t.Lines[last]}
		sort.Ints(lines) // the file may run backwards in time
		found = append(found, Finding{Code: code, Column: column, FirstLine: lines[0], LastLine: lines[1],
			Rows: end - start + 1,
			From: stamp(t, first), To: stamp(t, last), Detail: detail(first), Repair: repairText,
			rows: slices.Clone(flagged[start : end+1]), fix: fix})
		start = end + 1
	}
	return found
}

// stamp is a row's time: its day, and the hour only where it has one.
func stamp(t *Table, row int) string {
	if t.Times == nil {
		return ""
	}
	if at := t.Times[row]; !at.Equal(at.Truncate(24 * time.Hour)) {
		return at.Format(time.RFC3339)
	}
	return t.Times[row].Format(time.DateOnly)
}

// key tells rows of one time apart in a panel: a pool's name, a country's.
func (t *Table) key(row int) string {
	if t.Times == nil {
		return fmt.Sprint("line ", t.Lines[row])
	}
	key := t.Times[row].Format(time.RFC3339)
	for _, text := range t.Texts {
		key += "\x00" + text.Values[row]
	}
	return key
}

// checkDuplicates looks for times that come twice, or names and times in a panel: the same values again, other values,
// or an hour that clocks repeat.
func checkDuplicates(t *Table) []Finding {
	if t.Provenance.Form == "devices" { // two machines may share a name and month
		return nil
	}
	if increasing(t.Times) {
		return nil
	}
	seen := map[string]int{}
	var same, differ []int
	for i := range t.Lines {
		first, again := seen[t.key(i)]
		switch {
		case !again:
			seen[t.key(i)] = i
		case t.equalRows(first, i):
			same = append(same, i)
		default:
			differ = append(differ, i)
		}
	}
	clocks, differ := t.turnedClocks(differ)
	found := runs(t, clocks, "clock_change", "time", "", nil, func(int) string {
		return "an hour comes twice on a day on which clocks went back: these are local times; say whose with " +
			"--time-zone"
	})
	found = append(found, runs(t, same, "duplicate", "time", "drop the repetition", dropRows, func(row int) string {
		return fmt.Sprintf("the same row as line %d", t.Lines[seen[t.key(row)]])
	})...)
	return append(found, runs(t, differ, "duplicate_differs", "time", "keep the first, drop the others", dropRows,
		func(row int) string {
			return fmt.Sprintf("the time of line %d again, with other values", t.Lines[seen[t.key(row)]])
		})...)
}

// increasing: no time comes twice (or there are none to compare: then false).
func increasing(times []time.Time) bool {
	for i := 1; i < len(times); i++ {
		if !times[i-1].Before(times[i]) {
			return false
		}
	}
	return len(times) > 0
}

// equalRows compares numbers; the names are equal already where the keys are.
func (t *Table) equalRows(a, b int) bool {
	for _, c := range t.Columns {
		if c.Values[a] != c.Values[b] && !(math.IsNaN(c.Values[a]) && math.IsNaN(c.Values[b])) {
			return false
		}
	}
	return true
}

// step is the usual distance between rows: the median of positive steps.
// Panels, months and quarters are not checked for gaps by seconds.
func (t *Table) step() time.Duration {
	if step, all := sameStep(t.Times); all {
		return step
	}
	step, _ := medianStep(t.Times)
	return step
}

// maxInserted bounds what filling one gap may add; a longer one is not a gap
// but another file.
const maxInserted = 10_000

// checkGaps reports missing times of an evenly spaced series. A five-day
// calendar (exchanges, banks) is recognised and its weekends are no gap.
func checkGaps(t *Table) []Finding {
	step, all := sameStep(t.Times)
	if all && step != 24*time.Hour {
		return nil // workdays alone cannot be missing
	}
	if !all {
		step = t.step()
	}
	if step == 0 || step > 24*time.Hour || t.panel() {
		return nil
	}
	weekends := !slices.ContainsFunc(t.Times, func(at time.Time) bool {
		return at.Weekday() == time.Saturday || at.Weekday() == time.Sunday
	})
	var found []Finding
	for i := 1; i < len(t.Times); i++ {
		d := t.Times[i].Sub(t.Times[i-1])
		if d == step && !weekends {
			continue // most of most files
		}
		missing := int(d/step) - 1
		if weekends && step == 24*time.Hour {
			missing = workdaysBetween(t.Times[i-1], t.Times[i])
			if missing <= 2 { // public holidays
				continue
			}
		}
		if missing < 1 || missing > maxInserted && (i == 1 || i == len(t.Times)-1) && len(t.Times) > 3 {
			continue // the second is a row far off: see checkFar
		}
		lines := []int{t.Lines[i-1], t.Lines[i]}
		sort.Ints(lines)
		repairText, fix := "insert the missing times as not available", repair(insertMissing)
		if missing > maxInserted {
			repairText, fix = "", nil
		}
		found = append(found, Finding{Code: "gap", Column: "time", FirstLine: lines[0], LastLine: lines[1],
			Rows: missing, From: stamp(t, i-1), To: stamp(t, i),
			Detail: fmt.Sprintf("%d missing at a step of %s; the return across the gap spans %s", missing, step,
				t.Times[i].Sub(t.Times[i-1])),
			Repair: repairText, rows: []int{i}, fix: fix})
	}
	return found
}

// workdaysBetween counts the workdays after one time and before another, up to 1000.
func workdaysBetween(a, b time.Time) int {
	n := 0
	for at := a.AddDate(0, 0, 1); at.Before(b) && n < 1000; at = at.AddDate(0, 0, 1) {
		if w := at.Weekday(); w != time.Saturday && w != time.Sunday {
			n++
		}
	}
	return n
}
