package daily

import (
	"cmp"
	"context"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/money"
)

// Visit is a machine that a person should go to.
type Visit struct {
	Machine   string      `json:"machine"`
	Place     string      `json:"place"`
	Model     string      `json:"model"`
	Simulated bool        `json:"simulated,omitempty"`
	Why       string      `json:"why"`
	Cause     usage.Cause `json:"cause"`
	// the standing alert that it agrees with; none: the account alone shows it
	Alert alert.Kind `json:"alert,omitempty"`
	Since time.Time  `json:"since"`               // of the alert, or the first hour of it within the page's span
	Lost  money.Tiyn `json:"lost_tiyn"`           // in the page's span, by this cause
	Gain  money.Tiyn `json:"gain_tiyn_a_day"`     // accepted work that the visit brings, a day
	Power money.Tiyn `json:"power_tiyn_a_day"`    // what its electricity costs
	Net   money.Tiyn `json:"net_gain_tiyn_a_day"` // gain − power
}

// reason is a cause for which it helps to go there: how it is told, and the alerts that are raised for it.
type reason struct {
	why    string
	alerts []alert.Kind
	// shown: every poll that has the cause raises the alert, so that without a standing one it has ended,
	// however much it took in the last two hours.
	shown bool
}

// visits are the causes for which somebody may be sent to a machine, with what he reads.
var visits = map[usage.Cause]reason{
	usage.CauseUnknown: {"does not answer", []alert.Kind{alert.Offline, alert.Hung, alert.NoRate}, true},
	usage.CauseBoards:  {"a hash board is dead", []alert.Kind{alert.Board}, true},
	usage.CauseIdle: {"gets no work: look at its pool settings and network", []alert.Kind{alert.NoPool, alert.Pool},
		true},
	usage.CauseUnsent: {"its work does not reach our pool: look at its pool settings",
		[]alert.Kind{alert.Pool, alert.NoPool}, true},
	// firmwares slow down below the limit too
	usage.CauseHeat:     {"runs too hot and slows down", []alert.Kind{alert.Hot}, false},
	usage.CauseSlow:     {"slower than it should be", []alert.Kind{alert.Hung, alert.LowHash, alert.Fan}, false},
	usage.CauseInvalid:  {"hardware errors", nil, false},
	usage.CauseRejected: {"its shares are rejected", []alert.Kind{alert.Rejects}, false},
}

// of is the standing alert of a reason.
func (r reason) of(standing []alert.Standing) (alert.Standing, bool) {
	for _, kind := range r.alerts {
		if i := slices.IndexFunc(standing, func(s alert.Standing) bool { return s.Kind == kind }); i >= 0 {
			return standing[i], true
		}
	}
	return alert.Standing{}, false
}

// worthAVisit is the least part of a machine's nameplate that must be to gain, in parts per million:
// below it is noise.
const worthAVisit = 20_000

// judgeAfter is how long a machine must have been watched before the account alone says anything of it.
const judgeAfter = 30 * usage.Minute

// tooEarly says whether a machine is known for so short a time that its account says nothing: it was
// added just now, or its first polls of the page's span are just in. now and all are nil before the first.
func tooEarly(m *fleet.Machine, now, all *usage.Totals, newest usage.Instant) bool {
	if now == nil || all == nil || newest-usage.Instant(m.Since)*usage.Second < judgeAfter {
		return true
	}
	ran := all.Time[usage.Running]
	return ran > 0 && ran < judgeAfter
}

// findVisits chooses the machines whose visit earns most, and lists them by rack.
func (p *Page) findVisits(ctx context.Context, b *records.Records, whole, last *records.Account, top int) error {
	rate, err := b.Config.PricePerKWh()
	if err != nil {
		return err
	}
	views, err := b.Views()
	if err != nil {
		return err
	}
	p.count(views)
	newest := b.Newest()
	for i := range b.Fleet.Machines {
		m := &b.Fleet.Machines[i]
		now, all := last.Machines[m.ID], whole.Machines[m.ID]
		if len(p.standing[m.ID]) == 0 && tooEarly(m, now, all, newest) {
			p.TooEarly = append(p.TooEarly, m.ID)
			continue
		}
		if now == nil || all == nil {
			continue // its alerts say what there is to say
		}
		if v, ok := p.visit(b, m, now, all, &whole.Whole, rate); ok {
			p.Visits = append(p.Visits, v)
		}
	}
	slices.SortStableFunc(p.Visits, func(a, b Visit) int { return cmp.Compare(b.Net, a.Net) })
	p.Visits = p.Visits[:min(top, len(p.Visits))]
	for i := range p.Visits {
		v := &p.Visits[i]
		p.Earns += v.Net
		if v.Since.IsZero() {
			if v.Since, err = p.firstHour(ctx, b, v); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(p.Visits, func(a, b Visit) int { return strings.Compare(a.Place, b.Place) })
	return nil
}

// firstHour is the beginning of the unbroken run of hours in which a cause took what a visit is worth.
func (p *Page) firstHour(ctx context.Context, b *records.Records, v *Visit) (time.Time, error) {
	newest := b.Newest()
	first := newest.Floor(usage.Hour)
	for at := first; at >= usage.At(p.From).Floor(usage.Hour); at -= usage.Hour {
		a, err := b.Account(ctx, v.Machine, at, at+usage.Hour, nil)
		if err != nil {
			return time.Time{}, err
		}
		t := a.Machines[v.Machine]
		if t == nil {
			break
		}
		ppm, ok := t.Gain[v.Cause].RatioPPM(t.Nameplate())
		// the hour that has just begun may have nothing yet
		if at != newest.Floor(usage.Hour) && (!ok || ppm < worthAVisit) {
			break
		}
		first = at
	}
	return first.Time().In(b.Config.Location()), nil
}

// applies says whether a cause may send somebody to a machine, as its standing alerts go.
func (p *Page) applies(b *records.Records, m *fleet.Machine, cause usage.Cause) bool {
	if !p.watched { // polls of which no alerts were made
		return cause != usage.CauseUnknown || !answers(b, m)
	}
	standing := p.standing[m.ID]
	if _, away := visits[usage.CauseUnknown].of(standing); away && cause != usage.CauseUnknown {
		frozen := cause == usage.CauseSlow // it answers, and its clock stands
		return frozen && slices.ContainsFunc(standing, func(s alert.Standing) bool { return s.Kind == alert.Hung })
	}
	_, stands := visits[cause].of(standing)
	return stands || !visits[cause].shown
}

// silentFor is how long a machine must not have answered to be called silent where no watch has raised alerts.
const silentFor = 10 * usage.Minute

// answers says whether a machine answered just now.
func answers(b *records.Records, m *fleet.Machine) bool {
	number, err := b.Store.Number(m.ID)
	if err != nil {
		return false
	}
	newest := b.Newest()
	polls, err := b.Store.Polls(number, newest-silentFor, newest+1)
	return err == nil && len(polls) > 0
}

// ratio is a·b/c in whole numbers, rounded towards zero.
func ratio(a, b, c int64) int64 {
	product := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
	product.Quo(product, big.NewInt(max(c, 1)))
	if !product.IsInt64() {
		return math.MaxInt64
	}
	return product.Int64()
}

// visit finds the cause whose end would bring most now, among those that the standing alerts allow.
func (p *Page) visit(b *records.Records, m *fleet.Machine, now, all, whole *usage.Totals,
	perKWh money.Tiyn) (Visit, bool) {
	v := Visit{Machine: m.ID, Place: m.Place.String(), Model: m.Model, Simulated: m.Simulated}
	best := farm.Total{}
	for cause := range visits {
		gain := gainOf(cause, now, all, whole)
		if !p.applies(b, m, cause) {
			continue
		}
		if gain.Sub(best).Sign() > 0 || (gain == best && gain.Sign() > 0 && cause < v.Cause) {
			best, v.Cause = gain, cause
		}
	}
	span := now.Nameplate()
	share, ok := best.RatioPPM(span)
	if !ok || share < worthAVisit {
		return v, false
	}
	hours := now.Time[0]
	for _, t := range now.Time[1:] {
		hours += t
	}
	// Values follow the work: the last hours' price of the nameplate's value.
	value := int64(0)
	for _, part := range now.Value {
		value += int64(part.MicroTiyn)
	}
	gain := ratio(value, share, 1_000_000)
	v.Gain = farm.MicroTiyn(ratio(gain, int64(usage.Day), int64(hours))).Tiyn()
	if nameplate, watts, _ := m.Nameplate(); nameplate > 0 {
		v.Power = money.Tiyn(ratio(watts*24*share, int64(perKWh), 1000*1_000_000)) // of a day
	}
	if v.Cause == usage.CauseRejected || v.Cause == usage.CauseUnsent || v.Cause == usage.CauseInvalid {
		v.Power = 0 // that work is paid for already
	}
	v.Net = v.Gain - v.Power
	v.Lost = all.Value[v.Cause].MicroTiyn.Tiyn()
	if v.Why = visits[v.Cause].why; v.Cause == usage.CauseSlow && now.Hashed().Sign() == 0 {
		v.Why = "answers, but hashes nothing"
	}
	if s, stands := visits[v.Cause].of(p.standing[m.ID]); stands {
		v.Alert, v.Since = s.Kind, s.Since
		if s.Kind == alert.NoRate {
			v.Why = "answers, but tells no hash rate: look at its firmware"
		}
	}
	return v, v.Net > 0
}

// gainOf is what the end of a cause would bring: the counterfactual of its leaves; for silence, the
// machine's own use while it ran, or the farm's.
func gainOf(cause usage.Cause, now, all, whole *usage.Totals) farm.Total {
	if cause != usage.CauseUnknown {
		return now.Gain[cause]
	}
	return scale(now.Work[usage.CauseUnknown], usualUse(all, whole))
}
