package daily

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/money"
)

// Page is the daily report.
type Page struct {
	Farm         string             `json:"farm"`
	From         time.Time          `json:"from"`
	To           time.Time          `json:"to"`
	Machines     int                `json:"machines"`
	Running      int                `json:"running"`  // they hash, by their last poll
	Sleeping     int                `json:"sleeping"` // told not to mine
	Silent       int                `json:"silent"`   // they do not answer
	Simulated    int                `json:"simulated"`
	Lost         money.Tiyn         `json:"lost_tiyn"` // planned and curtailed time is not a loss
	Accepted     money.Tiyn         `json:"accepted_tiyn"`
	Causes       []CauseLoss        `json:"causes"`
	Coefficients usage.Coefficients `json:"coefficients"`
	Visits       []Visit            `json:"visits"`
	Earns        money.Tiyn         `json:"visits_earn_tiyn_a_day"`
	Unpriced     int                `json:"unpriced_machine_hours"`
	// Alerts are those that hold, as 'farm alerts' lists them: the visits agree with them.
	Alerts []alert.Standing `json:"alerts"`
	// TooEarly are machines that are watched for less than half an hour and have no alert: nothing is said of them.
	TooEarly []string `json:"too_early,omitempty"`

	Language string `json:"-"` // in which error codes are explained; "" en

	watched  bool // a watch has written down what alerts there are
	standing map[string][]alert.Standing
}

// CauseLoss is what one cause took.
type CauseLoss struct {
	Cause usage.Cause `json:"cause"`
	Tiyn  money.Tiyn  `json:"tiyn"`
	PPM   int64       `json:"share_ppm"` // of the nameplate
}

// notLost are causes that nobody holds against the farm.
var notLost = []usage.Cause{usage.CausePlanned, usage.CauseCurtailed}

// lostOf is the value of every loss but these.
func lostOf(t *usage.Totals) (usage.Value, error) {
	lost, err := t.Lost()
	for _, c := range notLost {
		lost.MicroSatoshi -= t.Value[c].MicroSatoshi
		lost.MicroTiyn -= t.Value[c].MicroTiyn
	}
	return lost, err
}

// Build makes the page of the time from yesterday's local midnight (or from) to the newest poll.
func Build(ctx context.Context, b *records.Records, from usage.Instant, top int,
	progress func(done, all int)) (*Page, error) {
	newest := b.Store.Newest()
	if newest == 0 {
		return nil, farm.Refuse("no-samples", "dir", "nothing was polled yet: run 'aqsha farm watch'")
	}
	to := newest.Floor(usage.Hour) + usage.Hour
	if from == 0 {
		local := newest.Time().In(b.Config.Location())
		from = usage.At(time.Date(local.Year(), local.Month(), local.Day()-1, 0, 0, 0, 0, local.Location()))
	}
	whole, err := b.Account(ctx, "*", from.Floor(usage.Hour), to, progress)
	if err != nil {
		return nil, err
	}
	last, err := b.Account(ctx, "*", to-2*usage.Hour, to, nil) // what is wrong now
	if err != nil {
		return nil, err
	}
	p := &Page{Farm: b.Config.Name, From: from.Time().In(b.Config.Location()),
		To: newest.Time().In(b.Config.Location()), Coefficients: whole.Whole.Coefficients(), Unpriced: whole.Unpriced,
		Accepted: whole.Whole.Value[usage.Accepted].MicroTiyn.Tiyn()}
	lost, err := lostOf(&whole.Whole)
	if err != nil {
		return nil, err
	}
	for c := range usage.Accepted {
		value := whole.Whole.Value[c].MicroTiyn
		if ppm, _ := whole.Whole.Work[c].RatioPPM(whole.Whole.Nameplate()); whole.Whole.Work[c].Sign() != 0 {
			p.Causes = append(p.Causes, CauseLoss{c, value.Tiyn(), ppm})
		}
	}
	p.Lost = lost.MicroTiyn.Tiyn()
	if p.Alerts, p.watched, err = b.Standing(); err != nil {
		return nil, err
	}
	p.standing = map[string][]alert.Standing{}
	for i := range p.Alerts {
		s := &p.Alerts[i]
		s.Since = s.Since.In(b.Config.Location())
		p.standing[s.Machine] = append(p.standing[s.Machine], *s)
	}
	slices.SortStableFunc(p.Causes, func(a, b CauseLoss) int { return cmp.Compare(b.Tiyn, a.Tiyn) })
	return p, p.findVisits(ctx, b, whole, last, top)
}

// Print writes the page for a terminal.
func (p *Page) Print(w io.Writer, tabs func(w io.Writer, write func(tab io.Writer)), clean func(string) string) {
	fmt.Fprintf(w, "%s, %s to %s\n", clean(p.Farm), p.From.Format("Mon 2 Jan 15:04"), p.To.Format("Mon 2 Jan 15:04"))
	if p.Simulated > 0 {
		fmt.Fprintf(w, "%d of the %d machines are SIMULATED.\n", p.Simulated, p.Machines)
	}
	fmt.Fprintf(w, "%d of %d machines run%s. Lost %s, accepted %s.\n", p.Running, p.Machines, p.others(),
		p.Lost.Format(), p.Accepted.Format())
	if p.Unpriced > 0 {
		fmt.Fprintf(w, "%d machine-hours have no price (aqsha farm price): their work is counted at 0.\n", p.Unpriced)
	}
	fmt.Fprintln(w)
	tabs(w, func(tab io.Writer) {
		for _, c := range p.Causes {
			fmt.Fprintf(tab, "  %s\t%s\t%.2f %%\n", c.Cause, c.Tiyn.Format(), float64(c.PPM)/10_000)
		}
	})
	p.printVisits(w, tabs, clean)
	p.printAlerts(w, tabs, clean)
}

// others says what the machines do that do not run.
func (p *Page) others() (text string) {
	for _, some := range []struct {
		count int
		text  string
	}{{p.Sleeping, "%d asleep by order"}, {p.Silent, "%d without an answer"},
		{p.Machines - p.Running - p.Sleeping - p.Silent, "%d answering without hashing"}} {
		if some.count > 0 {
			text += ", " + fmt.Sprintf(some.text, some.count)
		}
	}
	return text
}

// count says of each machine what it does now, by its last poll.
func (p *Page) count(views []records.View) {
	for i := range views {
		v := &views[i]
		p.Machines++
		if v.Machine.Simulated {
			p.Simulated++
		}
		switch {
		case !v.Answered:
			p.Silent++
		case v.Poll.Sleeping:
			p.Sleeping++
		case v.Poll.RateMHs != 0: // one that tells no rate may hash
			p.Running++
		}
	}
}

func (p *Page) printVisits(w io.Writer, tabs func(w io.Writer, write func(tab io.Writer)), clean func(string) string) {
	if len(p.Visits) == 0 {
		fmt.Fprintln(w, "\nNothing to visit.")
		return
	}
	fmt.Fprintf(w, "\nVisit, by rack (together they earn %s a day):\n", p.Earns.Format())
	tabs(w, func(tab io.Writer) {
		fmt.Fprintln(tab, "  PLACE\tMACHINE\tMODEL\tWHY\tSINCE\tLOST\tEARNS A DAY\tAFTER POWER")
		for _, v := range p.Visits {
			fmt.Fprintf(tab, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clean(v.Place), clean(v.Machine), clean(v.Model),
				v.Why, v.Since.Format(sinceLayout), v.Lost.Format(), v.Gain.Format(), v.Net.Format())
		}
	})
}

// sinceLayout is how the page writes a time: it reaches back over days.
const sinceLayout = "2 Jan 15:04"

// maxAlerts is how many alerts the printed page lists beside its visits.
const maxAlerts = 20

// detail is what an alert says, error codes with what they mean and what to do.
func (p *Page) detail(s alert.Standing) string {
	if s.Codes == "" {
		return s.Detail
	}
	return faults.Text(s.Codes, p.Language)
}

// printAlerts lists what holds for machines that are not among the visits, codes of all, and those that are too new.
func (p *Page) printAlerts(w io.Writer, tabs func(w io.Writer, write func(tab io.Writer)), clean func(string) string) {
	visited := map[string]bool{}
	for _, v := range p.Visits {
		visited[v.Machine] = true
	}
	var others []alert.Standing
	for _, s := range p.Alerts {
		if !visited[s.Machine] || s.Codes != "" { // a code tells what to bring to a visit
			others = append(others, s)
		}
	}
	if len(others) > 0 {
		fmt.Fprintf(w, "\nAlerts besides:\n")
		tabs(w, func(tab io.Writer) {
			for _, s := range others[:min(maxAlerts, len(others))] {
				fmt.Fprintf(tab, "  %s\t%s\tsince %s\t%s\n", s.Kind, clean(s.Machine), s.Since.Format(sinceLayout),
					clean(p.detail(s)))
			}
		})
		if more := len(others) - maxAlerts; more > 0 {
			fmt.Fprintf(w, "  and %d more: aqsha farm alerts\n", more)
		}
	}
	if n := len(p.TooEarly); n > 0 {
		fmt.Fprintf(w, "\nToo early to judge: %d of the %d machines are watched for less than half an hour.\n", n,
			p.Machines)
	}
}
