package morning

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/book"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/use"
	"github.com/aqsha/aqsha/money"
)

// Page is the morning page.
type Page struct {
	Farm         string           `json:"farm"`
	From         time.Time        `json:"from"`
	To           time.Time        `json:"to"`
	Machines     int              `json:"machines"`
	Running      int              `json:"running"` // in the last hour
	Simulated    int              `json:"simulated"`
	Lost         money.Tiyn       `json:"lostTiyn"` // planned and curtailed time is not a loss
	Accepted     money.Tiyn       `json:"acceptedTiyn"`
	Causes       []CauseLoss      `json:"causes"`
	Coefficients use.Coefficients `json:"coefficients"`
	Visits       []Visit          `json:"visits"`
	Earns        money.Tiyn       `json:"visitsEarnTiynADay"`
	Unpriced     int              `json:"unpricedMachineHours"`
}

// CauseLoss is what one cause took.
type CauseLoss struct {
	Cause use.Cause  `json:"cause"`
	Tiyn  money.Tiyn `json:"tiyn"`
	PPM   int64      `json:"sharePPM"` // of the nameplate
}

// Visit is a machine that a person should go to.
type Visit struct {
	Machine   string     `json:"machine"`
	Place     string     `json:"place"`
	Model     string     `json:"model"`
	Simulated bool       `json:"simulated,omitempty"`
	Why       string     `json:"why"`
	Cause     use.Cause  `json:"cause"`
	Lost      money.Tiyn `json:"lostTiyn"`        // in the page's span, by this cause
	Gain      money.Tiyn `json:"gainTiynADay"`    // accepted work that the visit brings, a day
	Power     money.Tiyn `json:"powerTiynADay"`   // what its electricity costs
	Net       money.Tiyn `json:"netGainTiynADay"` // gain − power
	Since     string     `json:"since,omitempty"` // local time of the first hour of it within the page's span
}

// visits are the causes for which it helps to go there, and how they are told.
var visits = map[use.Cause]string{
	use.CauseUnknown: "does not answer", use.CauseBoards: "a hash board is dead", use.CauseHeat: "runs too hot and slows down", use.CauseSlow: "slower than it should be", use.CauseIdle: "gets no work: look at its pool settings and network",
	use.CauseInvalid: "hardware errors", use.CauseUnsent: "its work does not reach our pool: look at its pool settings", use.CauseRejected: "its shares are rejected",
}

// notLost are causes that nobody holds against the farm.
var notLost = []use.Cause{use.CausePlanned, use.CauseCurtailed}

// lostOf is the value of every loss but these.
func lostOf(t *use.Totals) (use.Value, error) {
	lost, err := t.Lost()
	for _, c := range notLost {
		lost.MicroSatoshi -= t.Value[c].MicroSatoshi
		lost.MicroTiyn -= t.Value[c].MicroTiyn
	}
	return lost, err
}

// Build makes the page of the time from yesterday's local midnight (or from) to the newest poll.
func Build(ctx context.Context, b *book.Book, from use.Instant, top int, progress func(done, all int)) (*Page, error) {
	newest := b.Store.Newest()
	if newest == 0 {
		return nil, farm.Refuse("no_samples", "dir", "nothing was polled yet: run 'aqsha farm watch'")
	}
	to := newest.Floor(use.Hour) + use.Hour
	if from == 0 {
		local := newest.Time().In(b.Config.Location())
		from = use.At(time.Date(local.Year(), local.Month(), local.Day()-1, 0, 0, 0, 0, local.Location()))
	}
	whole, err := b.Account(ctx, "*", from.Floor(use.Hour), to, progress)
	if err != nil {
		return nil, err
	}
	last, err := b.Account(ctx, "*", to-2*use.Hour, to, nil) // what is wrong now
	if err != nil {
		return nil, err
	}
	p := &Page{Farm: b.Config.Name, From: from.Time().In(b.Config.Location()), To: newest.Time().In(b.Config.Location()), Coefficients: whole.Whole.Coefficients(), Unpriced: whole.Unpriced,
		Accepted: whole.Whole.Value[use.Accepted].MicroTiyn.Tiyn()}
	lost, err := lostOf(&whole.Whole)
	if err != nil {
		return nil, err
	}
	for c := range use.Accepted {
		value := whole.Whole.Value[c].MicroTiyn
		if ppm, _ := whole.Whole.Work[c].RatioPPM(whole.Whole.Nameplate()); whole.Whole.Work[c].Sign() != 0 {
			p.Causes = append(p.Causes, CauseLoss{c, value.Tiyn(), ppm})
		}
	}
	p.Lost = lost.MicroTiyn.Tiyn()
	slices.SortStableFunc(p.Causes, func(a, b CauseLoss) int { return cmp.Compare(b.Tiyn, a.Tiyn) })
	return p, p.findVisits(b, whole, last, top)
}

// findVisits chooses the machines whose visit earns most, and lists them by rack.
func (p *Page) findVisits(b *book.Book, whole, last *book.Account, top int) error {
	rate, err := b.Config.PricePerKWh()
	if err != nil {
		return err
	}
	for i := range b.Fleet.Machines {
		m := &b.Fleet.Machines[i]
		now, all := last.Machines[m.ID], whole.Machines[m.ID]
		if all == nil || now == nil {
			continue
		}
		p.Machines++
		if m.Simulated {
			p.Simulated++
		}
		if now.Time[use.Running] > 0 {
			p.Running++
		}
		v, ok := visit(m, now, all, &whole.Whole, rate, true)
		if ok && v.Cause == use.CauseUnknown && answers(b, m) {
			v, ok = visit(m, now, all, &whole.Whole, rate, false)
		}
		if ok {
			p.Visits = append(p.Visits, v)
		}
	}
	slices.SortStableFunc(p.Visits, func(a, b Visit) int { return cmp.Compare(b.Net, a.Net) })
	p.Visits = p.Visits[:min(top, len(p.Visits))]
	for _, v := range p.Visits {
		p.Earns += v.Net
	}
	slices.SortStableFunc(p.Visits, func(a, b Visit) int { return strings.Compare(a.Place, b.Place) })
	return nil
}

// worthAVisit is the least part of a machine's nameplate that must be to gain, in parts per million:
// below it is noise.
const worthAVisit = 20_000

// silentFor is how long a machine must not have answered to be called silent: longer than an alert takes,
// so that the page never calls one unreachable that has no alert.
const silentFor = 10 * use.Minute

// answers says whether a machine answered just now: one that was added an hour ago is not known before,
// and needs no visit for that.
func answers(b *book.Book, m *fleet.Machine) bool {
	number, err := b.Store.Number(m.ID)
	if err != nil {
		return false
	}
	newest := b.Store.Newest()
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

// visit finds the cause whose end would bring most now; silence counts only when it lasts.
func visit(m *fleet.Machine, now, all, whole *use.Totals, perKWh money.Tiyn, silent bool) (Visit, bool) {
	v := Visit{Machine: m.ID, Place: m.Place.String(), Model: m.Model, Simulated: m.Simulated}
	best := farm.Total{}
	for cause := range visits {
		if cause == use.CauseUnknown && !silent {
			continue
		}
		gain := gainOf(cause, now, all, whole)
		if gain.Sub(best).Sign() > 0 || (gain == best && gain.Sign() > 0 && cause < v.Cause) {
			best, v.Cause = gain, cause
		}
	}
	span := farm.Total{}
	span = now.Nameplate()
	if ppm, ok := best.RatioPPM(span); !ok || ppm < worthAVisit {
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
	share, _ := best.RatioPPM(span)
	gain := ratio(value, int64(share), 1_000_000)
	v.Gain = farm.MicroTiyn(ratio(gain, int64(use.Day), int64(hours))).Tiyn()
	if nameplate, watts, _ := m.Nameplate(); nameplate > 0 {
		v.Power = money.Tiyn(ratio(watts*24*int64(share), int64(perKWh), 1000*1_000_000)) // of a day
	}
	if v.Cause == use.CauseRejected || v.Cause == use.CauseUnsent || v.Cause == use.CauseInvalid {
		v.Power = 0 // that work is paid for already
	}
	v.Net = v.Gain - v.Power
	v.Lost = all.Value[v.Cause].MicroTiyn.Tiyn()
	if v.Why = visits[v.Cause]; v.Cause == use.CauseSlow && now.Hashed().Sign() == 0 {
		v.Why = "answers, but hashes nothing"
	}
	return v, v.Net > 0
}

// gainOf is what the end of a cause would bring: the counterfactual of its leaves; for silence, the
// machine's own use while it ran, or the farm's.
func gainOf(cause use.Cause, now, all, whole *use.Totals) farm.Total {
	if cause != use.CauseUnknown {
		return now.Gain[cause]
	}
	return scale(now.Work[use.CauseUnknown], usualUse(all, whole))
}

// Print writes the page for a terminal.
func (p *Page) Print(w io.Writer, tabs func(w io.Writer, write func(tab io.Writer)), clean func(string) string) {
	fmt.Fprintf(w, "%s, %s to %s\n", clean(p.Farm), p.From.Format("Mon 2 Jan 15:04"), p.To.Format("Mon 2 Jan 15:04"))
	if p.Simulated > 0 {
		fmt.Fprintf(w, "%d of the %d machines are SIMULATED.\n", p.Simulated, p.Machines)
	}
	fmt.Fprintf(w, "%d of %d machines run. Lost %s, accepted %s.\n", p.Running, p.Machines, p.Lost.Format(), p.Accepted.Format())
	if p.Unpriced > 0 {
		fmt.Fprintf(w, "%d machine-hours have no price (aqsha farm price): their work is counted at 0.\n", p.Unpriced)
	}
	fmt.Fprintln(w)
	tabs(w, func(tab io.Writer) {
		for _, c := range p.Causes {
			fmt.Fprintf(tab, "  %s\t%s\t%.2f %%\n", c.Cause, c.Tiyn.Format(), float64(c.PPM)/10_000)
		}
	})
	if len(p.Visits) == 0 {
		fmt.Fprintln(w, "\nNothing to visit.")
		return
	}
	fmt.Fprintf(w, "\nVisit, by rack (together they earn %s a day):\n", p.Earns.Format())
	tabs(w, func(tab io.Writer) {
		fmt.Fprintln(tab, "  PLACE\tMACHINE\tMODEL\tWHY\tLOST\tEARNS A DAY\tAFTER POWER")
		for _, v := range p.Visits {
			fmt.Fprintf(tab, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", clean(v.Place), clean(v.Machine), clean(v.Model), v.Why, v.Lost.Format(), v.Gain.Format(), v.Net.Format())
		}
	})
}
