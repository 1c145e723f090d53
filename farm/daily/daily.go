package daily

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/words"
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
	// Unwatched is since when nobody watches, and the page speaks of nothing later; nil while a watch looks.
	Unwatched *time.Time `json:"unwatched_since,omitempty"`

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

// lostOf is the value of every loss but these. Luck and gains lower it, below 0 too: parts add up to the whole.
func lostOf(t *usage.Totals) (usage.Value, error) {
	lost, err := t.Lost()
	for _, c := range notLost {
		lost.MicroSatoshi -= t.Value[c].MicroSatoshi
		lost.MicroTiyn -= t.Value[c].MicroTiyn
	}
	return lost, err
}

// Build makes the page of the time from yesterday's local midnight (or from) to when the watch last looked, as it is
// read at a time.
func Build(ctx context.Context, b *records.Records, from usage.Instant, now time.Time, top int,
	progress func(done, all int)) (*Page, error) {
	newest := b.Newest()
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
	if since, unwatched := b.Unwatched(now); unwatched {
		p.Unwatched = &since
	}
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
	p.Lost = max(0, lost.MicroTiyn.Tiyn()) // nothing was lost where luck and gains are more
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

// Print writes the page for a terminal, in a language.
func (p *Page) Print(w io.Writer, l words.Language, tabs func(w io.Writer, write func(tab io.Writer)),
	clean func(string) string) {
	fmt.Fprintln(w, l.Text("farm-today.head", "farm", clean(p.Farm), "from", day(l, p.From), "to", day(l, p.To)))
	if p.Unwatched != nil {
		fmt.Fprintln(w, l.Text("farm-today.unwatched", "at", day(l, *p.Unwatched)))
	}
	if p.Simulated > 0 {
		fmt.Fprintln(w, l.Text("farm-today.simulated", "count", p.Simulated, "all", p.Machines))
	}
	run := l.Text("farm-today.run", "running", p.Running, "all", p.Machines)
	if others := p.others(l); others != "" {
		run = l.Text("farm-today.run-others", "running", p.Running, "all", p.Machines, "others", others)
	}
	fmt.Fprintln(w, run, l.Text("farm-today.lost", "lost", p.Lost.Format(), "accepted", p.Accepted.Format()))
	if p.Unpriced > 0 {
		fmt.Fprintln(w, l.Text("farm-today.unpriced", "count", p.Unpriced))
	}
	fmt.Fprintln(w)
	tabs(w, func(tab io.Writer) {
		for _, c := range p.Causes {
			fmt.Fprintf(tab, "  %s\t%s\t%.2f %%\n", causeText(l, c.Cause), c.Tiyn.Format(), float64(c.PPM)/10_000)
		}
	})
	p.printVisits(w, l, tabs, clean)
	p.printAlerts(w, l, tabs, clean)
}

// day writes a time with its day of the week in English, which has short names for them, else as a date.
func day(l words.Language, at time.Time) string {
	if l == words.English {
		return at.Format("Mon 2 Jan 15:04")
	}
	return at.Format("02.01 15:04")
}

// since writes a time from which on something holds.
func since(l words.Language, at time.Time) string {
	if l == words.English {
		return at.Format("2 Jan 15:04")
	}
	return at.Format("02.01 15:04")
}

// causeText names a cause of lost work in a language.
func causeText(l words.Language, c usage.Cause) string { return l.Text("farm-cause." + c.String()) }

// whyKeys are the texts of reasons for visits.
var whyKeys = []string{"silent", "boards", "idle", "unsent", "heat", "slow", "invalid", "rejected", "hashes-nothing",
	"tells-no-rate"}

// WhyText says the reason for a visit, which JSON has in English, in a language.
func WhyText(l words.Language, why string) string {
	for _, key := range whyKeys {
		if words.English.Text("visit-why."+key) == why {
			return l.Text("visit-why." + key)
		}
	}
	return why
}

// others says what the machines do that do not run.
func (p *Page) others(l words.Language) string {
	var parts []string
	for _, some := range []struct {
		count int
		key   string
	}{{p.Sleeping, "asleep"}, {p.Silent, "silent"}, {p.Machines - p.Running - p.Sleeping - p.Silent, "hashless"}} {
		if some.count > 0 {
			parts = append(parts, l.Text("farm-today."+some.key, "count", some.count))
		}
	}
	return strings.Join(parts, ", ")
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

// printVisits writes which machines are worth a visit.
func (p *Page) printVisits(w io.Writer, l words.Language, tabs func(w io.Writer, write func(tab io.Writer)),
	clean func(string) string) {
	if len(p.Visits) == 0 {
		fmt.Fprintf(w, "\n%s\n", l.Text("farm-today.no-visit"))
		return
	}
	fmt.Fprintf(w, "\n%s\n", l.Text("farm-today.visit", "amount", p.Earns.Format()))
	tabs(w, func(tab io.Writer) {
		fmt.Fprintf(tab, "  %s\n", l.Text("farm-today.visit-columns"))
		for _, v := range p.Visits {
			fmt.Fprintf(tab, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clean(v.Place), clean(v.Machine), clean(v.Model),
				WhyText(l, v.Why), since(l, v.Since), v.Lost.Format(), v.Gain.Format(), v.Net.Format())
		}
	})
}

// maxAlerts is how many alerts the printed page lists beside its visits.
const maxAlerts = 20

// printAlerts lists what holds for machines that are not among the visits, codes of all, and those that are too new.
func (p *Page) printAlerts(w io.Writer, l words.Language, tabs func(w io.Writer, write func(tab io.Writer)),
	clean func(string) string) {
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
		fmt.Fprintf(w, "\n%s\n", l.Text("farm-today.alerts"))
		tabs(w, func(tab io.Writer) {
			for _, s := range others[:min(maxAlerts, len(others))] {
				fmt.Fprintf(tab, "  %s\t%s\t%s\t%s\n", s.Kind, clean(s.Machine),
					l.Text("farm.since", "at", since(l, s.Since)), clean(s.Say(l)))
			}
		})
		if more := len(others) - maxAlerts; more > 0 {
			fmt.Fprintln(w, " ", l.Text("farm-today.more", "count", more))
		}
	}
	if n := len(p.TooEarly); n > 0 {
		fmt.Fprintf(w, "\n%s\n", l.Text("farm-today.too-early", "count", n, "all", p.Machines))
	}
}
