package controlcmd

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/repair"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// NewFarmTicketsCommand is the noun "tickets": the list of repairs.
func NewFarmTicketsCommand() *cobra.Command {
	var all, earned bool
	var board, by string
	command := &cobra.Command{
		Use:   "tickets [SELECTOR]",
		Short: "List repairs: what is open, what a board went through, how often things fail, what mending earned",
		Long: `Lists open tickets; with --all closed ones too. --board follows a hash board by its serial number through
all machines. --by model, rack or part shows failures, the mean hours between them, and what they cost: hours in
which a machine was broken do not count, nor tickets whose outcome is nothing-found. --earned says of each closed
ticket what the account of losses shows: the part of the nameplate lost before and after it (at most a week each), and
what the difference was worth since, less its electricity.`,
		Example: "  aqsha farm tickets\n  aqsha farm tickets --board NGSBYNBCJJBCE0123\n" +
			"  aqsha farm tickets --by model --json\n  aqsha farm tickets ekibastuz/c1 --all --earned",
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			book, err := repair.Read(vfs.OS, dir)
			if err != nil {
				return err
			}
			inventory, err := fleet.OpenInventory(dir)
			if err != nil {
				return err
			}
			if by != "" {
				return showFailures(command, book, inventory, args, by)
			}
			// A board's tickets are shown with the closed ones: it is its story that is wanted, and most of it is over.
			tickets := book.Tickets
			if board != "" {
				tickets, all = book.OfBoard(board), true
			}
			if len(args) == 1 {
				if tickets, err = ticketsOf(tickets, inventory, args[0]); err != nil {
					return err
				}
			}
			tickets = slices.DeleteFunc(slices.Clone(tickets), func(t repair.Ticket) bool {
				return !all && !earned && !t.Open()
			})
			// After the selectors: the account of losses is read for each ticket, which takes a while for a whole farm.
			if earned {
				return showEarned(command, tickets)
			}
			return showTickets(command, tickets)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&all, "all", false, "closed ones too")
	flags.BoolVar(&earned, "earned", false, "what closed ones have earned")
	flags.StringVar(&board, "board", "", "those of this hash board, by its serial number")
	flags.StringVar(&by, "by", "", "failures by model, rack or part")
	command.MarkFlagsMutuallyExclusive("by", "earned")
	command.MarkFlagsMutuallyExclusive("by", "board")
	return command
}

// ticketsOf are those of machines that a selector means. A machine that left the fleet is meant by its identity.
func ticketsOf(tickets []repair.Ticket, inventory *fleet.Inventory, selector string) ([]repair.Ticket, error) {
	meant := func(id string) bool { return id == selector }
	if !slices.ContainsFunc(tickets, func(t repair.Ticket) bool { return t.Machine == selector }) {
		machines, err := inventory.Select(selector)
		if err != nil {
			return nil, err
		}
		meant = func(id string) bool {
			return slices.ContainsFunc(machines, func(m *fleet.Machine) bool { return m.ID == id })
		}
	}
	var out []repair.Ticket
	for _, t := range tickets {
		if meant(t.Machine) {
			out = append(out, t)
		}
	}
	return out, nil
}

func showTickets(command *cobra.Command, tickets []repair.Ticket) error {
	if tickets == nil {
		// An empty list, not null, for programs that read it.
		tickets = []repair.Ticket{}
	}
	_, config, err := farmdir.Config(command)
	if err != nil {
		return err
	}
	language, err := cli.LanguageOf(command)
	if err != nil {
		return err
	}
	return cli.Show(command, tickets, func(w io.Writer) {
		if len(tickets) == 0 {
			fmt.Fprintln(w, language.Text("farm.no-ticket"))
		}
		for _, t := range tickets {
			end := language.Text("farm.ticket-open")
			if !t.Open() {
				end = language.Text("ticket-outcome."+string(t.Outcome), "at",
					farmdir.Moment(t.Closed, config.Location()))
			}
			fmt.Fprintln(w, language.Text("farm.ticket", "id", t.ID, "machine", terminal.Plain(t.Machine), "rack",
				terminal.Plain(t.Rack), "kind", language.Text("alert-kind."+string(t.Kind)), "at",
				farmdir.Moment(t.Since, config.Location()), "end", end,
				"cost", t.CostTiyn.Format()))
			if t.Codes != "" {
				fmt.Fprintf(w, "    %s\n", terminal.Plain(faults.Text(t.Codes, string(language))))
			}
			for _, e := range t.Entries {
				fmt.Fprintf(w, "    %s %s %s\n", farmdir.Moment(e.At, config.Location()),
					terminal.Plain(e.Who),
					terminal.Plain(entryText(language, e)))
			}
		}
	})
}

// entryText is what a step of a ticket says.
func entryText(l words.Language, e repair.Entry) string {
	text := l.Text("ticket-step." + string(e.Step))
	for _, part := range []string{e.Text, e.Part, e.Board} {
		if part != "" {
			text += ", " + part
		}
	}
	if e.Cost != 0 {
		text += ", " + e.Cost.Format()
	}
	return text
}

func showFailures(command *cobra.Command, book *repair.Book, inventory *fleet.Inventory, args []string,
	by string) error {
	machines := inventory.Machines
	if len(args) == 1 {
		selected, err := inventory.Select(args[0])
		if err != nil {
			return err
		}
		// The hours of machines that never failed count as well: without them every model would seem to fail more often
		// than it does.
		machines = nil
		for _, m := range selected {
			machines = append(machines, *m)
		}
	}
	failures, err := book.Failures(machines, by, time.Now())
	if err != nil {
		return err
	}
	return cli.Show(command, failures, func(w io.Writer) {
		cli.Tabbed(w, func(tab io.Writer) {
			fmt.Fprintf(tab, "%s\t%s\n", strings.ToUpper(by), cli.LanguageFor(command).Text("farm.failures-columns"))
			for _, f := range failures {
				between := "-"
				if f.MTBF >= 0 {
					between = strconv.FormatInt(f.MTBF, 10)
				}
				fmt.Fprintf(tab, "%s\t%d\t%d\t%d\t%s\t%s\n", terminal.Plain(f.Name), f.Machines, f.Hours, f.Failures,
					between,
					f.Cost.Format())
			}
		})
	})
}

// showEarned sums what repairs were worth, over closed tickets with an hour accounted for after them; the others are
// counted, and not taken for nothing.
func showEarned(command *cobra.Command, tickets []repair.Ticket) error {
	b, err := farmdir.Open(command)
	if err != nil {
		return err
	}
	defer b.Close()
	rows, missing := []repair.Earned{}, 0
	for i := range tickets {
		if tickets[i].Open() {
			continue
		}
		e, known, err := repair.EarnedBy(command.Context(), b, &tickets[i])
		if err != nil {
			return err
		}
		if known {
			rows = append(rows, e)
		} else {
			missing++
		}
	}
	var sum money.Tiyn
	for _, e := range rows {
		sum += e.Net
	}
	result := struct {
		Tickets []repair.Earned `json:"tickets"`
		Unknown int             `json:"unknown"` // closed tickets of which less than an hour is accounted for
		Net     money.Tiyn      `json:"net_tiyn"`
	}{rows, missing, sum}
	return cli.Show(command, result, func(w io.Writer) {
		cli.Tabbed(w, func(tab io.Writer) {
			fmt.Fprintln(tab, cli.LanguageFor(command).Text("farm.earned-columns"))
			for _, e := range rows {
				fmt.Fprintf(tab, "%d\t%s\t%s\t%d\t%s\t%s\n", e.Ticket, percent(e.LostBefore), percent(e.LostAfter),
					e.Hours,
					e.Earned.Format(), e.Net.Format())
			}
		})
		fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.earned", "sum", sum.Format(), "missing", missing))
	})
}

// percent shows parts per million.
func percent(ppm int64) string { return fmt.Sprintf("%d.%02d %%", ppm/10_000, ppm/100%100) }

// step are the flags of what is said of a ticket.
type step struct{ board, part, cost, text string }

func (s *step) register(command *cobra.Command, text string) {
	flags := command.Flags()
	flags.StringVar(&s.board, "board", "", "serial number of the hash board")
	flags.StringVar(&s.part, "part", "", "what was or will be changed, such as fan")
	flags.StringVar(&s.cost, "cost", "", "in tenge; below zero to set right what was noted")
	if text != "" {
		flags.StringVar(&s.text, "note", "", text)
	}
}

// entry is what the flags say, now and by who gives the command.
func (s *step) entry(what repair.Step) (e repair.Entry, err error) {
	e = repair.Entry{At: time.Now().UTC(), Who: farmdir.Operator(), Step: what, Board: s.board, Part: s.part,
		Text: s.text}
	if s.cost != "" {
		if e.Cost, err = money.ParseTenge(s.cost); err != nil {
			return e, cli.Usage(fmt.Errorf("--cost: %w", err))
		}
	}
	return e, nil
}

// NewFarmTicketCommand is the noun "ticket": the steps of one repair.
func NewFarmTicketCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "ticket",
		Short: "Open a repair, note what is done, close it",
		Long: `A ticket is a machine's failure: its alert, board, parts, cost, and what was done. Every step is a line of
tickets.jsonl in the farm's folder and stays. 'aqsha farm tickets' lists them.`,
		Example: "  aqsha farm ticket open ekibastuz/c1\n  aqsha farm ticket close 17 repaired --note \"fan changed\"",
	}
	command.AddCommand(newFarmTicketOpenCommand(), newFarmTicketNoteCommand(), newFarmTicketCloseCommand())
	return command
}

func newFarmTicketOpenCommand() *cobra.Command {
	var s step
	var kind string
	command := &cobra.Command{
		Use:   "open SELECTOR",
		Short: "Open a ticket for each alert that holds, or for what was seen",
		Long: `Opens a ticket for every alert that holds for these machines and has none, with its codes and since when it
holds. With --kind only for that kind; of one machine also when no alert holds, as of what somebody saw.`,
		Example: "  aqsha farm ticket open ekibastuz/c1/r2\n" +
			"  aqsha farm ticket open SMTTYRHBDJAAI0001 --kind board --board NGSBYNBCJJBCE0123 --json",
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if kind != "" && !slices.Contains(alert.Kinds, alert.Kind(kind)) {
				return cli.Usage(fmt.Errorf("--kind: %q is no kind of alert", kind))
			}
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			first, err := s.entry(repair.Opened)
			if err != nil {
				return err
			}
			inventory, err := fleet.OpenInventory(dir)
			if err != nil {
				return err
			}
			// The alerts are read, the tickets numbered and written under the book's lock: two people who open at once
			// open one ticket, not two.
			opened, err := repair.Open(&records.Records{Dir: dir, Fleet: inventory}, args[0], alert.Kind(kind), first)
			if err != nil {
				return err
			}
			return showTickets(command, opened)
		},
	}
	command.Flags().StringVar(&kind, "kind", "", "of this kind of alert")
	s.register(command, "what was seen")
	return command
}

func newFarmTicketNoteCommand() *cobra.Command {
	var s step
	command := &cobra.Command{
		Use:   "note TICKET [TEXT]",
		Short: "Note what is done, which part or board, what it cost",
		Example: "  aqsha farm ticket note 17 \"fan ordered\" --part fan --cost 4500\n" +
			"  aqsha farm ticket note 17 --board NGSBYNBCJJBCE0123",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 2 {
				s.text = args[1]
			}
			e, err := s.entry(repair.Noted)
			if err != nil {
				return err
			}
			return takeStep(command, args[0], e)
		},
	}
	s.register(command, "")
	return command
}

func newFarmTicketCloseCommand() *cobra.Command {
	var s step
	command := &cobra.Command{
		Use:     "close TICKET OUTCOME",
		Short:   "Close a ticket: repaired, replaced, scrapped or nothing-found",
		Long:    `Closes a ticket. What was nothing-found counts as no failure.`,
		Example: "  aqsha farm ticket close 17 repaired --note \"fan changed\" --part fan --cost 4500",
		Args:    cli.ExactArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var outcomes []string
			if len(args) == 1 {
				for _, o := range repair.Outcomes {
					outcomes = append(outcomes, string(o))
				}
			}
			return outcomes, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(command *cobra.Command, args []string) error {
			e, err := s.entry(repair.Closed)
			if err != nil {
				return err
			}
			e.Outcome = repair.Outcome(args[1])
			return takeStep(command, args[0], e)
		},
	}
	s.register(command, "what was done")
	return command
}

// takeStep adds a step to a ticket.
func takeStep(command *cobra.Command, number string, e repair.Entry) (err error) {
	if e.Ticket, err = strconv.ParseInt(number, 10, 64); err != nil {
		return cli.Usage(fmt.Errorf("%q is no ticket's number", number))
	}
	dir, err := farmdir.Of(command, false)
	if err != nil {
		return err
	}
	book, err := repair.Add(vfs.OS, dir, func(*repair.Book) ([]repair.Entry, error) { return []repair.Entry{e}, nil })
	if err != nil {
		return err
	}
	t, err := book.Find(e.Ticket)
	if err != nil {
		return err
	}
	return showTickets(command, []repair.Ticket{*t})
}
