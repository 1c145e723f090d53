package daily

import (
	"cmp"
	"context"
	"math/big"
	"slices"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/money"
)

// Month is a month's report.
type Month struct {
	Farm      string           `json:"farm"`
	Month     string           `json:"month"`
	Selector  string           `json:"selector"`
	By        string           `json:"by"`
	From      time.Time        `json:"from"`
	To        time.Time        `json:"to"`
	Until     *time.Time       `json:"until,omitempty"` // the newest poll, when the month is not over
	Machines  int              `json:"machines"`
	Simulated int              `json:"simulated"`
	Whole     Row              `json:"whole"`
	Rows      []Row            `json:"rows"`
	Pareto    []CauseRow       `json:"pareto"`
	Waterfall []usage.Level    `json:"waterfall"`
	Days      []Row            `json:"days"`
	Energy    []records.Energy `json:"energy"`
	Unpriced  int              `json:"unpriced_machine_hours"`
}

// Row is a part of the month.
type Row struct {
	Name         string                     `json:"name"`
	Machines     int                        `json:"machines,omitempty"`
	Nameplate    farm.Total                 `json:"nameplate_hashes"`
	Accepted     farm.Total                 `json:"accepted_hashes"`
	Work         map[usage.Cause]farm.Total `json:"hashes_by_cause"`
	Coefficients usage.Coefficients         `json:"coefficients"`
	Extensive    farm.Total                 `json:"reserve_extensive_hashes"`
	Intensive    farm.Total                 `json:"reserve_intensive_hashes"`
	Earned       money.Satoshi              `json:"accepted_satoshi"`
	EarnedTiyn   money.Tiyn                 `json:"accepted_tiyn"`
	Lost         money.Satoshi              `json:"lost_satoshi"`
	LostTiyn     money.Tiyn                 `json:"lost_tiyn"`
	HoursRun     int64                      `json:"machine_hours_run"`
	Estimated    int64                      `json:"machine_hours_estimated"`
}

// CauseRow is one cause in a Pareto of them.
type CauseRow struct {
	Cause      usage.Cause   `json:"cause"`
	Work       farm.Total    `json:"hashes"`
	PPM        int64         `json:"share_ppm"`      // of the nameplate
	Cumulative int64         `json:"cumulative_ppm"` // of all losses, luck and gains aside
	Satoshi    money.Satoshi `json:"satoshi"`
	Tiyn       money.Tiyn    `json:"tiyn"`
	Gain       farm.Total    `json:"gain_hashes"` // what would be accepted on top if it were not
	GainTiyn   money.Tiyn    `json:"gain_tiyn"`
}

// ByCause is the grouping that lists causes instead of machines.
const ByCause = "cause"

// unmeasured is why a month of so many machines has no account: nobody has asked them, or none has answered. A watch
// that looked at a dark farm leaves its time and no sample.
func unmeasured(b *records.Records, month string, machines int) error {
	looked := b.Newest()
	switch {
	case looked == 0:
		return farm.Refuse("no-samples", "dir", "nothing was polled yet: run 'aqsha farm watch'")
	case b.Store.Newest() == 0:
		return farm.Refuse("no-answers", "dir", "machines were asked until %s, and none of %d has ever answered: a "+
			"machine's account begins with its first answer",
			looked.Time().In(b.Config.Location()).Format("2 Jan 15:04"), machines)
	}
	return farm.Refuse("no-samples", "month", "no machine answered in %s, or none was asked", month)
}

// BuildMonth accounts for a month: "2026-10".
func BuildMonth(ctx context.Context, b *records.Records, month, selector, by string,
	progress func(done, all int)) (*Month, error) {
	from, to, err := b.Config.Month(month)
	if err != nil {
		return nil, err
	}
	if by != ByCause && !slices.Contains(records.By, by) {
		return nil, farm.Refuse("unknown-group", "by", "%q is not one of %v or cause", by, records.By)
	}
	a, err := b.Account(ctx, selector, from, to, progress)
	if err != nil {
		return nil, err
	}
	if a.Whole.Nameplate().Sign() == 0 {
		return nil, unmeasured(b, month, len(a.Machines))
	}
	zone := b.Config.Location()
	r := &Month{Farm: b.Config.Name, Month: month, Selector: selector, By: by, From: from.Time().In(zone),
		To: to.Time().In(zone), Machines: len(a.Machines), Waterfall: a.Whole.Waterfall(), Unpriced: a.Unpriced}
	// A month that goes on is told with the hour that it reaches: its sums would be taken for a whole month's.
	if a.Newest < to {
		until := a.Newest.Time().In(zone)
		r.Until = &until
	}
	for i := range b.Fleet.Machines {
		// Counted and said in every report: no simulated machine's work is ever shown as if it were real.
		if m := &b.Fleet.Machines[i]; m.Simulated && a.Machines[m.ID] != nil {
			r.Simulated++
		}
	}
	if r.Whole, err = rowOf("whole", len(a.Machines), &a.Whole); err != nil {
		return nil, err
	}
	if r.Energy, err = b.Reconcile(a); err != nil {
		return nil, err
	}
	r.Pareto = pareto(&a.Whole)
	gainsOfStandstill(r.Pareto, a)
	return r, r.rows(b, a)
}

// rows fills in groups and days.
func (r *Month) rows(b *records.Records, a *records.Account) error {
	for i := range a.Days {
		if a.Days[i].Totals.Nameplate().Sign() == 0 {
			continue
		}
		row, err := rowOf(a.Days[i].From.Time().In(b.Config.Location()).Format(time.DateOnly), 0, &a.Days[i].Totals)
		if err != nil {
			return err
		}
		r.Days = append(r.Days, row)
	}
	if r.By == ByCause {
		return nil
	}
	groups, err := b.Groups(a, r.By)
	if err != nil {
		return err
	}
	for i := range groups {
		row, err := rowOf(groups[i].Name, groups[i].Machines, &groups[i].Totals)
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, row)
	}
	return nil
}

// rowOf is a row of a month's table: what a group of machines did, lost and earned.
func rowOf(name string, machines int, t *usage.Totals) (Row, error) {
	lost, err := lostOf(t)
	if err != nil {
		return Row{}, err
	}
	r := Row{Name: name, Machines: machines, Nameplate: t.Nameplate(), Accepted: t.Work[usage.Accepted],
		Work: map[usage.Cause]farm.Total{}, Coefficients: t.Coefficients(),
		Earned: t.Value[usage.Accepted].MicroSatoshi.Satoshi(), EarnedTiyn: t.Value[usage.Accepted].MicroTiyn.Tiyn(),
		Lost: lost.MicroSatoshi.Satoshi(), LostTiyn: lost.MicroTiyn.Tiyn(),
		HoursRun: int64(t.Time[usage.Running] / usage.Hour), Estimated: int64(t.Estimated / usage.Hour)}
	for c := range usage.Accepted {
		r.Work[c] = t.Work[c]
	}
	r.Extensive, r.Intensive = t.Reserve()
	return r, nil
}

// pareto orders the causes by what they take.
func pareto(t *usage.Totals) (rows []CauseRow) {
	all := farm.Total{}
	for c := range usage.Accepted {
		if t.Work[c].Sign() == 0 {
			continue
		}
		ppm, _ := t.Work[c].RatioPPM(t.Nameplate())
		rows = append(rows, CauseRow{Cause: c, Work: t.Work[c], PPM: ppm, Satoshi: t.Value[c].MicroSatoshi.Satoshi(),
			Tiyn: t.Value[c].MicroTiyn.Tiyn(), Gain: t.Gain[c], GainTiyn: t.GainValue[c].MicroTiyn.Tiyn()})
		if counts(c) {
			all = all.Add(t.Work[c])
		}
	}
	slices.SortStableFunc(rows, func(a, b CauseRow) int {
		if order := b.Work.Sub(a.Work).Sign(); order != 0 {
			return order
		}
		return cmp.Compare(a.Cause, b.Cause)
	})
	so := farm.Total{}
	for i := range rows {
		if counts(rows[i].Cause) {
			so = so.Add(rows[i].Work)
		}
		rows[i].Cumulative, _ = so.RatioPPM(all)
	}
	return rows
}

// gainsOfStandstill fills in what would have been accepted in the time in which machines did not run, had
// each done what it did while it ran.
func gainsOfStandstill(rows []CauseRow, a *records.Account) {
	for i := range rows {
		c := rows[i].Cause
		if c > usage.CauseUnknown {
			continue
		}
		value := farm.Total{} // micro-tiyn
		for _, m := range a.Machines {
			ratio := usualUse(m, &a.Whole)
			rows[i].Gain = rows[i].Gain.Add(scale(m.Work[c], ratio))
			value = value.Add(scale(farm.TotalOf(farm.Hashes(m.Value[c].MicroTiyn)), ratio))
		}
		rows[i].GainTiyn = farm.MicroTiyn(value.Big().Int64()).Tiyn()
	}
}

// usualUse is the part of the nameplate that a machine's accepted work is while it runs, in parts per
// million; of one that never ran, the farm's.
func usualUse(m, whole *usage.Totals) int64 {
	ratio, ok := m.Work[usage.Accepted].RatioPPM(m.RunningNameplate())
	if !ok {
		ratio, ok = whole.Work[usage.Accepted].RatioPPM(whole.RunningNameplate())
	}
	if !ok {
		return 1_000_000
	}
	return max(0, min(ratio, 1_000_000))
}

// counts says whether a cause is a loss by itself; luck and gains are not.
func counts(c usage.Cause) bool { return c != usage.CauseLuck && c != usage.CauseGain }

// scale is a total times parts per million, rounded down.
func scale(t farm.Total, ppm int64) (out farm.Total) {
	product := new(big.Int).Mul(t.Big(), big.NewInt(ppm))
	product.Quo(product, big.NewInt(1_000_000))
	if err := out.UnmarshalText([]byte(product.String())); err != nil {
		panic(err) // smaller than what it came from
	}
	return out
}
