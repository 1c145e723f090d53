package farmcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/farms"
	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/farm/orders"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/repair"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// What is read of farms.
var siteLists = []string{"machines", "alerts", "tickets", "orders"}

// siteReading is what one farm says.
type siteReading struct {
	Name     string            `json:"name"` // as farm.toml names it; the folder's own comes first
	URL      string            `json:"url,omitempty"`
	Problem  string            `json:"problem,omitempty"` // why nothing was read
	Overview *records.Overview `json:"overview,omitempty"`
	Machines []farms.Machine   `json:"machines,omitempty"`
	Alerts   []records.Held    `json:"alerts,omitempty"`
	Tickets  []repair.Ticket   `json:"tickets,omitempty"`
	Orders   []farms.Order     `json:"orders,omitempty"` // that wait

	err error
}

func newFarmSitesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sites [machines|alerts|tickets|orders]",
		Short: "Read all sites: those of this folder, and farms that are watched elsewhere",
		Long: `Reads the sites in this folder and the farms that farm.toml joins, whose watches answer at their
--http: at a glance, or their machines, alerts that hold, open tickets, or orders that wait.

    [[joined]]
    name = "aktobe"
    url = "https://10.8.0.2:9105"
    token_file = "/etc/aqsha/aktobe.token"    # of 'aqsha farm access new' there
    ca_file = "/etc/aqsha/aktobe.pem"         # who signed its certificate, if no authority of the system did

Ends with 5 when none of the joined farms was reached, with 3 when one refuses, with 1 when one was not read.`,
		Example:   "  aqsha farm sites\n  aqsha farm sites alerts --json",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: siteLists,
		RunE: func(command *cobra.Command, args []string) error {
			dir, config, err := farmdir.Config(command)
			if err != nil {
				return err
			}
			list := ""
			if len(args) == 1 {
				list = args[0]
			}
			own, err := readOwn(dir, list)
			if err != nil {
				return err
			}
			readings := append([]siteReading{own}, readJoined(command.Context(), config.Joined, list)...)
			show := func(w io.Writer) { printSites(w, cli.LanguageFor(command), readings, list, config.Location()) }
			if err := cli.Show(command, readings, show); err != nil {
				return err
			}
			// Of this folder's own reading an error has ended the command before; the others end it after all that was
			// read is shown, since a site that is down must not hide the rest.
			return sitesEnd(readings[1:])
		},
	}
}

// sitesEnd says what was not read, after the rest was shown.
func sitesEnd(joined []siteReading) error {
	var errs []error
	reached := 0
	// What a site that was reached says comes first: the words below the lines are of the first.
	joined = slices.SortedStableFunc(slices.Values(joined), func(a, b siteReading) int {
		return cmp.Compare(btoi(api.NotReached(a.err)), btoi(api.NotReached(b.err)))
	})
	for _, r := range joined {
		if r.err == nil || !api.NotReached(r.err) {
			reached++
		}
		if r.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Name, r.err))
		}
	}
	if len(errs) > 0 && reached == 0 {
		return cli.EndWith(cli.ExitUnreached, farm.Refuse("farm-site-not-reached", "joined", "%v",
			errors.Join(errs...)))
	}
	return errors.Join(errs...)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readOwn reads the folder's own farm.
func readOwn(dir, list string) (r siteReading, err error) {
	b, err := records.OpenReader(dir)
	if errors.Is(err, fs.ErrNotExist) { // no watch has run here
		b = &records.Records{Dir: dir}
		if b.Config, err = records.ReadConfig(dir); err != nil {
			return r, err
		}
		if b.Fleet, err = fleet.OpenInventory(dir); err != nil {
			return r, err
		}
	} else if err != nil {
		return r, err
	} else {
		defer b.Close()
	}
	views, err := b.Views()
	if err != nil {
		return r, err
	}
	r.Name = b.Config.Name
	switch list {
	case "machines":
		for i := range views {
			r.Machines = append(r.Machines, farms.MachineOf(&views[i], farms.Owner))
		}
	case "alerts":
		standing, _, failed := b.Standing()
		acks, err := notify.ReadAcknowledgements(vfs.OS, dir)
		if failed != nil || err != nil {
			return r, errors.Join(failed, err)
		}
		r.Alerts = records.WithAcknowledgements(standing, acks)
	case "tickets":
		book, err := repair.Read(vfs.OS, dir)
		if err != nil {
			return r, err
		}
		r.Tickets = slices.DeleteFunc(book.Tickets, func(t repair.Ticket) bool { return !t.Open() })
	case "orders":
		book, err := orders.Read(vfs.OS, dir)
		if err != nil {
			return r, err
		}
		r.Orders = farms.Waiting(book, time.Now().UTC())
	default:
		now := time.Now()
		o := records.OverviewOf(b.Config.Name, views, now)
		if since, unwatched := b.Unwatched(now); unwatched {
			o.Unwatched = &since
		}
		r.Overview = &o
	}
	return r, nil
}

// readJoined reads the others, all at once.
func readJoined(ctx context.Context, joined []records.JoinedFarm, list string) []siteReading {
	readings := make([]siteReading, len(joined))
	var asked sync.WaitGroup
	for i, j := range joined {
		readings[i] = siteReading{Name: j.Name, URL: j.URL}
		asked.Go(func() {
			// Each goroutine has a place of its own: no lock, and the order of farm.toml stays.
			r := &readings[i]
			client, err := farms.NewClient(j)
			if err == nil {
				defer client.Close()
				switch list {
				case "machines":
					r.Machines, err = client.Machines(ctx)
				case "alerts":
					r.Alerts, err = client.Alerts(ctx)
				case "tickets":
					r.Tickets, err = client.Tickets(ctx)
				case "orders":
					r.Orders, err = client.Orders(ctx)
				default:
					var o records.Overview
					o, err = client.Overview(ctx)
					r.Overview = &o
				}
			}
			if err = siteError(j, err); err != nil {
				*r = siteReading{Name: j.Name, URL: j.URL, err: err, Problem: err.Error()}
			}
		})
	}
	asked.Wait()
	return readings
}

// siteError is why a joined farm was not read, in a farm's words: what a node says to somebody who is not signed in
// would send the reader to a wallet's key.
func siteError(j records.JoinedFarm, err error) error {
	if err != nil && fault.Code(err) == "unauthorised" {
		return farm.Refuse("farm-site-denied", "joined",
			"the token in %s opens nothing there: it was revoked, has expired, or is another farm's", j.TokenFile)
	}
	return err
}

func printSites(w io.Writer, l words.Language, readings []siteReading, list string, zone *time.Location) {
	cli.Tabbed(w, func(tab io.Writer) {
		if list == "" {
			fmt.Fprintln(tab, l.Text("farm.sites-columns"))
		}
		for _, r := range readings {
			name := terminal.Plain(r.Name)
			// In its place in the list, so that nobody takes a site that was not read for one without machines.
			if r.err != nil {
				fmt.Fprintln(tab, l.Text("farm.not-read", "name", name, "why", terminal.Plain(l.Error(r.err))))
				continue
			}
			if r.Overview != nil {
				if r.Overview.Unwatched != nil {
					fmt.Fprintln(tab, l.Text("farm.unwatched", "name", name, "at",
						farmdir.Moment(*r.Overview.Unwatched, zone)))
				}
				for _, s := range r.Overview.Sites {
					fmt.Fprintf(tab, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", name, terminal.Plain(s.Name), s.Machines,
						s.Answering, s.RateMHs/1_000_000, s.NameplateMHs/1_000_000, (s.Watts+500)/1000, s.Alerts)
				}
			}
			for _, m := range r.Machines {
				rate := "-"
				if m.Answered && m.Last != nil {
					rate = fmt.Sprint(m.Last.RateMHs / 1_000_000)
				}
				fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\n", name, terminal.Plain(m.ID), terminal.Plain(m.Place),
					terminal.Plain(m.Model), l.Text("farm.rate", "rate", rate))
			}
			for _, a := range r.Alerts {
				fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\n", name, terminal.Plain(string(a.Kind)),
					terminal.Plain(a.Machine),
					l.Text("farm.since", "at", farmdir.Moment(a.Since, zone)), terminal.Plain(a.Say(l)))
			}
			for i := range r.Orders {
				o := &r.Orders[i]
				fmt.Fprintf(tab, "%s\t%d\t%s\t%s\t%s\t%s\n", name, o.ID, l.Text("order-state."+string(o.State)),
					o.First().What.Action, l.Count("farm.machines", len(o.First().Machines)),
					l.Text("farm.by", "who", terminal.Plain(o.First().Who)))
			}
			for _, t := range r.Tickets {
				fmt.Fprintf(tab, "%s\t%d\t%s\t%s\t%s\n", name, t.ID, terminal.Plain(t.Machine),
					terminal.Plain(string(t.Kind)), l.Text("farm.since", "at", farmdir.Moment(t.Since, zone)))
			}
		}
	})
}
