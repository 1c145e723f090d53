package controlcmd

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/orders"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// The secret of a person of farm.toml.
const (
	personSecret   = "person-secret"
	personVariable = "AQSHA_PERSON_SECRET"
)

func personFlags(command *cobra.Command) {
	command.Flags().String("person", "", "who you are, as farm.toml names you")
	cli.SecretFlags(command.Flags(), personSecret, personVariable, "your secret")
}

// person is who gives a command: the one of farm.toml whose secret was shown, or, where none is asked for, the system's
// user.
func person(command *cobra.Command, config *records.Config, needed bool) (string, error) {
	name := cli.Flag(command, "person")
	if name == "" {
		if needed {
			return "", farm.Refuse("farm-person", "person",
				"above four_eyes machines, orders are of people of farm.toml: want --person and the secret")
		}
		return farmdir.Operator(), nil
	}
	secret, err := cli.Secret(command, personSecret, personVariable)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(secret))
	for _, p := range config.People {
		want, err := hex.DecodeString(p.SecretSHA256)
		if err == nil && p.Name == name && subtle.ConstantTimeCompare(want, sum[:]) == 1 {
			return name, nil
		}
	}
	return "", farm.Refuse("farm-person", "person", "%q is not in farm.toml, or the secret is another one", name)
}

// NewFarmOrdersCommand is the noun "orders" of a farm: those that wait.
func NewFarmOrdersCommand() *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "orders",
		Short: "List orders that wait: for a second person, or for their time",
		Long: `Orders above four_eyes machines (farm.toml) wait until another person of farm.toml has confirmed
them; those with --at wait for their time. "run" lets out what is due. One whose time has passed is missed: that
is written down, and it is not made up for. Everything stands in orders.jsonl, to which is only ever added.`,
		Example: "  aqsha farm orders\n  aqsha farm orders --all --json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			book, err := orders.Read(vfs.OS, dir)
			if err != nil {
				return err
			}
			// One moment for the whole list, so that an order that falls due meanwhile is not in two states.
			// Interrupted orders stay in the short list: somebody has to look at what their machines did.
			now := time.Now().UTC()
			list := slices.DeleteFunc(slices.Clone(book.Orders), func(o orders.Order) bool {
				return !all && slices.Contains([]orders.State{orders.Finished, orders.Dropped, orders.Passed},
					o.State(now))
			})
			return showOrders(command, dir, list, len(book.Orders)-len(list))
		},
	}
	command.Flags().BoolVar(&all, "all", false, "those that have ended too")
	command.AddCommand(newFarmOrdersConfirmCommand(), newFarmOrdersWithdrawCommand(), newFarmOrdersRunCommand(),
		newFarmOrdersCurtailCommand(), newFarmOrdersAccountCommand(), newFarmOrdersTrailCommand())
	cli.ChangingVerbs(command, "confirm", "withdraw", "run", "curtail")
	return command
}

// orderRow is an order with where it is.
type orderRow struct {
	orders.Order
	State orders.State `json:"state"`
}

// showOrders shows orders, and of more that they are over.
func showOrders(command *cobra.Command, dir string, list []orders.Order, over int) error {
	config, err := records.ReadConfig(dir)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	// Made, not nil: without an order the JSON is an empty list, which programs read as they read the others.
	rows := make([]orderRow, 0, len(list))
	for _, o := range list {
		rows = append(rows, orderRow{o, o.State(now)})
	}
	return cli.Show(command, rows, func(w io.Writer) {
		l := cli.LanguageFor(command)
		switch {
		case len(rows) == 0 && over == 0:
			fmt.Fprintln(w, l.Text("farm.no-order"))
		case len(rows) == 0:
			fmt.Fprintln(w, l.Text("farm.orders-over", "count", over))
		}
		at := func(t time.Time) string { return farmdir.Moment(t, config.Location()) }
		for _, r := range rows {
			first, last := r.First(), r.Last()
			// Names and outcomes are of people and machines: nothing of theirs may move the cursor of whoever reads the
			// list.
			action := strings.TrimSpace(string(first.What.Action) + " " + terminal.Plain(first.What.Detail()))
			text := l.Count("farm.order", len(first.Machines), "id", r.ID, "state",
				l.Text("order-state."+string(r.State)), "action", action, "kw", first.KW, "who",
				terminal.Plain(first.Who))
			if second := r.Confirmer(); second != "" {
				text = l.Text("farm.order-confirmed", "order", text, "who", terminal.Plain(second))
			}
			if !first.From.IsZero() {
				text = l.Text("farm.order-times", "order", text, "from", at(first.From), "to", at(first.Until))
			}
			if last.Step == orders.Ended {
				text = l.Text("farm.order-done", "order", text, "done", last.Done, "kw", last.DoneKW, "text",
					terminal.Plain(last.Finding.Say(l, last.Text)))
			}
			fmt.Fprintln(w, text)
		}
	})
}

// orderStep adds a step to an order and shows it.
func orderStep(step orders.Step) func(command *cobra.Command, args []string) error {
	return func(command *cobra.Command, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return cli.Usage(fmt.Errorf("%q: want the number of an order", args[0]))
		}
		dir, config, err := farmdir.Config(command)
		if err != nil {
			return err
		}
		who, err := person(command, &config, step == orders.Confirmed)
		if err != nil {
			return err
		}
		// The book judges the step under its lock: two who confirm at once are two entries in one order.
		book, err := orders.Add(vfs.OS, dir, func(b *orders.Book) ([]orders.Entry, error) {
			return []orders.Entry{{Order: id, At: time.Now().UTC(), Who: who, Step: step}}, nil
		})
		if err != nil {
			return err
		}
		o, err := book.Find(id)
		if err != nil {
			return err
		}
		return showOrders(command, dir, []orders.Order{*o}, 0)
	}
}

func newFarmOrdersConfirmCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "confirm NUMBER",
		Short:   "Confirm, as the second person, an order that somebody else gave",
		Example: "  aqsha farm orders confirm 7 --person aigerim --person-secret-file aigerim.secret",
		Args:    cli.ExactArgs(1), RunE: orderStep(orders.Confirmed),
	}
	personFlags(command)
	return command
}

func newFarmOrdersWithdrawCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "withdraw NUMBER",
		Short:   "Withdraw an order that has not begun",
		Example: "  aqsha farm orders withdraw 7",
		Args:    cli.ExactArgs(1), RunE: orderStep(orders.Withdrawn),
	}
	personFlags(command)
	return command
}

// newFarmOrdersRunCommand makes "farm orders run". An order is written as begun before the first machine is told: a
// crash leaves it interrupted, never given twice.
func newFarmOrdersRunCommand() *cobra.Command {
	var c control.Controller
	var duration time.Duration
	command := &cobra.Command{
		Use:   "run",
		Short: "Let out the orders that are due",
		Long: `Gives the orders that are due, one after the other, as "farm control" does, and writes down what
was missed. With --for it stays and gives others when their time comes. Does nothing without --allow-control. An
order is begun once: one that was begun and not ended, because the program was stopped, is told as interrupted
and not begun again; audit.jsonl says what each machine was told.`,
		Example: "  aqsha farm orders run --allow-control\n  aqsha farm orders run --allow-control --for 24h",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			// Before passwords are read and the trail is opened: whoever may not give orders leaves no trace of having
			// done so, and orders that are due stay due.
			if !c.Allow {
				return farm.Refuse("control-off", "allow-control",
					"control is off; --allow-control lets orders through")
			}
			if err := readSettings(command, &c, dir); err != nil {
				return err
			}
			return runOrders(command, &c, dir, duration)
		},
	}
	controllerFlags(command, &c)
	command.Flags().DurationVar(&duration, "for", 0, "stay for this time; 0: what is due now")
	return command
}

// ordersEvery is how often the book is looked at for what has become due.
const ordersEvery = 10 * time.Second

// runOrders lets out what is due until the time has passed. What ended otherwise than done is told at the end.
func runOrders(command *cobra.Command, c *control.Controller, dir string, duration time.Duration) error {
	config, err := records.ReadConfig(dir)
	if err != nil {
		return err
	}
	until := time.Now().Add(duration)
	book, err := orders.Read(vfs.OS, dir)
	if err != nil {
		return err
	}
	// Shown with those that ran: begun by a program that was stopped, and not begun again.
	ran := slices.DeleteFunc(book.Orders, func(o orders.Order) bool {
		return o.State(time.Now().UTC()) != orders.Interrupted
	})
	var problems error
	for {
		begun, missed, err := claim(c, dir)
		var taken *vfs.LockedError
		if errors.As(err, &taken) && time.Now().Before(until) {
			err = nil // somebody else's order is under way: what is due waits for its end, or is missed
		}
		for _, o := range missed {
			problems = errors.Join(problems, farm.Refuse("farm-missed", "order",
				"order %d was missed: its time ended at %s",
				o.ID, o.First().Until.In(config.Location()).Format(time.RFC3339)))
			ran = append(ran, o)
		}
		for _, o := range begun {
			ended, failed := runOrder(command.Context(), c, dir, o)
			err = errors.Join(err, failed)
			if ended != nil {
				ran = append(ran, *ended)
				if last := ended.Last(); last.Done < len(o.First().Machines) {
					problems = errors.Join(problems, farm.Refuse("not-done", "order", "order %d: %d of %d machines: %s",
						o.ID,
						last.Done, len(o.First().Machines), last.Text))
				}
			}
		}
		if c.Audit != nil {
			err, c.Audit = errors.Join(err, c.Audit.Close()), nil
		}
		if err != nil || !time.Now().Before(until) {
			return errors.Join(err, showOrders(command, dir, ran, 0), problems)
		}
		select {
		case <-command.Context().Done():
			return errors.Join(showOrders(command, dir, ran, 0), problems)
		case <-time.After(min(ordersEvery, time.Until(until))):
		}
	}
}

// claim begins in the book what is due, with the trail open for it. The trail is held while orders go out and not
// between them: who must stop a machine at once does not wait for a day's orders to end.
func claim(c *control.Controller, dir string) (begun, missed []orders.Order, err error) {
	// Claimed in the book before anything is sent: an order is begun once, whoever runs this beside, and a crash leaves
	// it begun and not done.
	return orders.Claim(vfs.OS, dir, c.Who, time.Now().UTC(), func() (err error) {
		c.Audit, err = control.OpenAudit(dir)
		return err
	})
}

// runOrder gives one order that was begun and writes down how it ended.
func runOrder(ctx context.Context, c *control.Controller, dir string, o orders.Order) (*orders.Order, error) {
	inventory, err := fleet.OpenInventory(dir)
	if err != nil {
		return nil, err
	}
	var machines []*fleet.Machine
	gone := 0
	for _, id := range o.First().Machines {
		at := slices.IndexFunc(inventory.Machines, func(m fleet.Machine) bool { return m.ID == id })
		if at < 0 {
			gone++
			continue
		}
		machines = append(machines, &inventory.Machines[at])
	}
	giving := *c
	// Who let it out, and whose order it was: the audit trail names both.
	giving.Who = fmt.Sprintf("%s (order %d of %s)", c.Who, o.ID, o.First().Who)
	results, err := giving.Give(ctx, machines, *o.First().What)
	end := orders.Entry{Order: o.ID, At: time.Now().UTC(), Who: c.Who, Step: orders.Ended}
	watts := int64(0)
	for _, r := range results {
		if r.Done() {
			end.Done++
			watts += machines[slices.IndexFunc(machines, func(m *fleet.Machine) bool {
				return m.ID == r.Machine
			})].LoadWatts()
		} else if end.Text == "" {
			end.Text = r.Machine + ": " + r.Outcome
			end.Finding = farm.Found("of-machine", "machine", r.Machine).Because(r.Finding)
		}
	}
	end.DoneKW = (watts + 500) / 1000
	if gone > 0 && end.Text == "" {
		end.Finding = farm.Found("gone", "count", gone)
		end.Text = end.Finding.In(words.English)
	}
	if err != nil {
		end.Text, end.Finding = err.Error(), farm.FindingOf(err)
	}
	// A machine's words are a stranger's: cut, and whole characters again.
	end.Text = strings.ToValidUTF8(end.Text[:min(len(end.Text), 1000)], "")
	book, err := orders.Add(vfs.OS, dir, func(*orders.Book) ([]orders.Entry, error) { return []orders.Entry{end}, nil })
	if err != nil {
		return nil, err
	}
	return book.Find(o.ID)
}

// keepOrder writes an order down that does not go out at once.
func keepOrder(command *cobra.Command, dir string, e orders.Entry, machines []*fleet.Machine) error {
	e.At = time.Now().UTC()
	given, err := orders.Give(vfs.OS, dir, e, machines)
	if err != nil {
		return err
	}
	return showOrders(command, dir, []orders.Order{*given}, 0)
}

func newFarmOrdersCurtailCommand() *cobra.Command {
	var groups []string
	var terms orders.Terms
	var hoursOf string
	var dry bool
	command := &cobra.Command{
		Use:   "curtail HOURS.csv",
		Short: "Make the orders that keep machines to a plan of 'farm power schedule --hours'",
		Long: `Reads the hours of a plan (day, from, kwh) and makes the orders to sleep and wake that keep the
farm's load to it. --group names who may sleep, the first first; machines of no group go on. A machine that was
put to sleep rests for at least --rest, one that was woken runs for at least --run where there is power. Orders
go out with "farm orders run" when their hour comes, in steps of --step-kw, and are missed when they are later
than --grace. With four_eyes of farm.toml, another person confirms each above it.`,
		Example: "  aqsha farm power schedule site/power.toml --hours hours.csv\n" +
			"  aqsha farm orders curtail hours.csv --group ekibastuz/c2 --group ekibastuz/c1 --dry-run",
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir, config, machines, err := selected(command, hoursOf)
			if err != nil {
				return err
			}
			hours, err := readHours(args[0], config.Location())
			if err != nil {
				return err
			}
			// A plan is known by its file's name without the folder: read again from elsewhere it is the same plan,
			// whose orders are made once.
			terms.Groups, terms.Plan, terms.Now = groups, filepath.Base(args[0]), time.Now().UTC()
			if terms.Who, err = person(command, &config, false); err != nil {
				return err
			}
			planned, err := orders.Curtail(machines, hours, terms)
			if err != nil {
				return err
			}
			return keepPlan(command, dir, &config, planned, dry)
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&groups, "group", nil, "selector of machines that may sleep, the first first; may be repeated")
	flags.StringVar(&hoursOf, "site", "*", "selector of the machines whose load the plan is of")
	flags.DurationVar(&terms.MinRest, "rest", time.Hour, "least rest")
	flags.DurationVar(&terms.MinRun, "run", time.Hour, "least run")
	flags.DurationVar(&terms.Grace, "grace", 10*time.Minute, "by how much an order may be late")
	flags.BoolVar(&dry, "dry-run", false, "show the orders, keep none")
	personFlags(command)
	return command
}

// keepPlan writes down the orders of a plan, or shows them alone.
func keepPlan(command *cobra.Command, dir string, config *records.Config, planned []orders.Entry, dry bool) error {
	for i := range planned {
		if planned[i].Second = config.NeedsSecond(len(planned[i].Machines)); planned[i].Second && !dry {
			who, err := person(command, config, true)
			if err != nil {
				return err
			}
			planned[i].Who = who
		}
	}
	// A plan that lets everything run needs no order, and there is nothing to keep.
	if dry || len(planned) == 0 {
		var list []orders.Order
		for i, e := range planned {
			e.Order = int64(i) + 1
			list = append(list, orders.Order{ID: e.Order, Entries: []orders.Entry{e}})
		}
		return showOrders(command, dir, list, 0)
	}
	book, err := orders.Add(vfs.OS, dir, func(b *orders.Book) ([]orders.Entry, error) {
		// Within the book's lock: a plan that is read twice, even at the same moment, makes its orders once.
		for i := range b.Orders {
			if b.Orders[i].First().Plan == planned[0].Plan {
				return nil, farm.Refuse("farm-plan-kept", "plan", "the orders of %s are there already, from %d on",
					planned[0].Plan, b.Orders[i].ID)
			}
		}
		for i := range planned {
			planned[i].Order = int64(len(b.Orders) + i + 1)
		}
		return planned, nil
	})
	if err != nil {
		return err
	}
	return showOrders(command, dir, book.Orders[len(book.Orders)-len(planned):], 0)
}

// readHours reads day, from and kwh of a plan's hours; several zones of one hour are added up.
func readHours(path string, zone *time.Location) ([]orders.Hour, error) {
	content, err := cli.ReadLimited(path, 4<<20)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	if err != nil {
		return nil, farm.Refuse("farm-bad-plan", "hours", "%s is not a table of hours: %v", path, err)
	}
	if len(rows) == 0 {
		return nil, farm.Refuse("farm-bad-plan", "hours", "%s is empty: want the columns day, from and kwh", path)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, name := range []string{"day", "from", "kwh"} {
		if _, ok := column[name]; !ok {
			return nil, farm.Refuse("farm-bad-plan", "hours", "%s has no column %q", path, name)
		}
	}
	var out []orders.Hour
	for i, row := range rows[1:] {
		from, err := time.ParseInLocation("2006-01-02 15:04", row[column["day"]]+" "+row[column["from"]], zone)
		energy, bad := strconv.ParseFloat(row[column["kwh"]], 64)
		if err != nil || bad != nil || !(energy >= 0 && energy < 1e9) {
			return nil, farm.Refuse("farm-bad-plan", "hours",
				"%s line %d: want a day as 2026-12-01, an hour as 18:00, "+
					"and kilowatt-hours from 0 on", path, i+2)
		}
		hour := orders.Hour{From: from, To: from.Add(time.Hour), KW: int64(math.Floor(energy))}
		// A file has a row for each zone of an hour; machines obey their sum.
		if n := len(out); n > 0 && out[n-1].From.Equal(hour.From) {
			out[n-1].KW += hour.KW
			continue
		}
		out = append(out, hour)
	}
	return out, nil
}

func newFarmOrdersAccountCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "account PLAN",
		Short: "What a curtailment's orders were to move, beside what was moved",
		Long: `For each time of a plan (the name of its file): the load that was to sleep and to be woken, and
that of the machines that were seen to do it, by their nameplates; what those of them that tell their watts drew
less or more over ten minutes after it than before, where a watch has stored it; and orders that were missed,
withdrawn or have not ended.`,
		Example: "  aqsha farm orders account hours.csv",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir, config, err := farmdir.Config(command)
			if err != nil {
				return err
			}
			book, err := orders.Read(vfs.OS, dir)
			if err != nil {
				return err
			}
			meter, closed, err := meterOf(dir)
			if err != nil {
				return err
			}
			rows := book.Account(args[0], time.Now().UTC(), meter)
			// What reading the samples came to is known once they are closed: an account of which one could not be read
			// is not shown.
			if err := closed(); err != nil {
				return err
			}
			if len(rows) == 0 {
				return farm.Refuse("farm-no-order", "plan", "no order is of a plan %q", args[0])
			}
			return cli.Show(command, rows, func(w io.Writer) {
				cli.Tabbed(w, func(tab io.Writer) {
					fmt.Fprintln(tab, cli.LanguageFor(command).Text("farm.account-columns"))
					for _, k := range rows {
						fmt.Fprintf(tab, "%s\t%d\t%d\t%.1f\t%d\t%d\t%.1f\t%d\t%d\n",
							farmdir.Moment(k.At, config.Location()), k.SleepKW, k.SleptKW,
							float64(k.SleptWatts)/1000, k.WakeKW, k.WokenKW, float64(k.WokenWatts)/1000, k.Missed,
							k.NotEnded)
					}
				})
			})
		},
	}
}

// meterOf reads what machines said of their watts; where no watch has run there is no meter. closed lets go of it and
// says what could not be read.
func meterOf(dir string) (meter orders.Meter, closed func() error, err error) {
	b, err := records.OpenReader(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, func() error { return nil }, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var failed error
	meter = func(machine string, from, to time.Time) (int64, bool) {
		watts, known, err := b.MeanWatts(machine, usage.At(from), usage.At(to))
		failed = errors.Join(failed, err)
		return watts, known
	}
	return meter, func() error { return errors.Join(failed, b.Close()) }, nil
}

// updateFlags are of ACTION update.
func updateFlags(command *cobra.Command, f *control.Firmware) {
	flags := command.Flags()
	flags.StringVar(&f.File, "file", "", "for ACTION update: the firmware")
	flags.StringVar(&f.SHA256, "sha256", "", "for ACTION update: the file's SHA-256")
	flags.StringVar(&f.Version, "firmware-version", "",
		"for ACTION update: what machines must tell afterwards, or a part of it")
	flags.IntVar(&f.Canaries, "canaries", 1, "for ACTION update: how many machines take it first")
	flags.DurationVar(&f.Healthy, "healthy", 30*time.Minute,
		"for ACTION update: how long canaries must be healthy before the rest")
}

// absolute is a file's path from the root, so that an order finds it from anywhere.
func absolute(f *control.Firmware) (*control.Firmware, error) {
	path, err := filepath.Abs(f.File)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	out := *f
	out.File = path
	return &out, nil
}
