package programcmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// NewOrderCommand makes the command "order".
func NewOrderCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "order", Short: "Purchase orders: milestones, acceptance, arbitration, split, retention, late penalty",
		Long: `The buyer puts the whole price into a contract (template order). Each delivery is accepted, or
disputed and decided, or taken as accepted when the buyer is silent; it is split between the seller
and a subcontractor, less what is retained until the warranty ends and a penalty by the day late.`,
	}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newOrderOpen(), newOrderShow(),
		newContractStep("order", "deliver", "deliver",
			"Deliver the next milestone, as the seller, with the delivery note", true),
		newContractStep("order", "accept", "accept", "Accept a delivery, as the buyer: it is paid", false),
		newContractStep("order", "collect", "collect", "Be paid after the buyer's silence or the arbiter's decision",
			false),
		newContractStep("order", "dispute", "dispute", "Dispute a delivery, as the buyer, with a document", true),
		newContractStep("order", "cancel", "cancel", "Cancel, as the buyer, when a delivery is overdue", false),
		newContractStep("order", "release", "release", "Pay out what was retained, after the warranty", false),
		newOrderAmount("decide", "decide", "Decide a dispute, as the arbiter: AMOUNT off this milestone"),
		newOrderAmount("warranty", "warranty_claim", "Decide a warranty claim, as the arbiter: AMOUNT of what was "+
			"retained to the buyer"))
	session.ChangesLedger(command, "open", "deliver", "accept", "collect", "dispute", "cancel", "release", "decide",
		"warranty")
	return command
}

// newOrderOpen makes "order open". The price is bounded so that the total of all milestones fits 64 bits; shares,
// retention and penalties are thousandths, which the template checks.
func newOrderOpen() *cobra.Command {
	command := &cobra.Command{
		Use: "open NAME", Short: "Order, as the buyer, and put the price in", Args: cobra.ExactArgs(1),
		Example: `  aqsha order open pumps --buyer farm --seller works --subcontractor foundry --arbiter court --milestones 3 --price 1000000 --due 30d --every 30d --share 250 --retention 50 --penalty 1
  aqsha order open lessons --buyer farm --seller works --subcontractor foundry --arbiter court --milestones 12 --price 20000 --due "each 1st" --every "each 1st"`,
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			parties, err := s.Resolve(cli.Flag(command, "buyer"), cli.Flag(command, "seller"),
				cli.Flag(command, "subcontractor"), cli.Flag(command, "arbiter"))
			if err != nil {
				return err
			}
			price, err := cli.AmountFlag(command, "price")
			if err != nil {
				return err
			}
			span := map[string]time.Duration{}
			for _, name := range []string{"inspect", "warranty"} {
				if span[name], err = cli.DurationFlag(command, name); err != nil {
					return err
				}
			}
			number := func(name string) int64 {
				n, _ := command.Flags().GetInt64(name)
				return n
			}
			milestones := number("milestones")
			if milestones < 1 || milestones > 100 || price <= 0 || price > (1<<62)/100 {
				return cli.Usage(fmt.Errorf("--milestones: want 1 to 100, and a price"))
			}
			first, every, last, err := milestoneDates(ctx, command, s, milestones)
			if err != nil {
				return err
			}
			// Beyond the last date by inspection, warranty and three months: a contract that ended before its parties
			// could act would pay by its end instead of by them.
			until := max(last, int64(s.Now())) + span["inspect"].Milliseconds() + span["warranty"].Milliseconds() +
				90*24*time.Hour.Milliseconds()
			purpose, err := purposeFlag(ctx, command, s)
			if err != nil {
				return err
			}
			named, err := s.MoneyNamed(ctx, purpose)
			if err != nil {
				return err
			}
			total := price * money.Tiyn(milestones)
			receipt, err := s.Create(ctx, wallet.NewContract{Template: "order", Name: args[0], By: parties[0],
				Parties: parties, Purpose: purpose, Paid: total, Terms: []token.Value{
					token.Int(milestones), token.Int(int64(price)), token.Int(first), token.Int(int64(every)),
					token.Int(number("share")), token.Int(number("retention")),
					token.Int(number("penalty")), token.Int(number("penalty-most")),
					token.Int(span["inspect"].Milliseconds()), token.Int(span["warranty"].Milliseconds()),
					token.Int(until), named,
				}})
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Count("result.order", int(milestones),
					"name", args[0], "amount", price.Format()))
		}),
	}
	addOrderFlags(command)
	return command
}

func addOrderFlags(command *cobra.Command) {
	requireFlags(command, [2]string{"buyer", "who pays"}, [2]string{"seller", "who delivers"},
		[2]string{"subcontractor", "who shares in the price"}, [2]string{"arbiter", "who decides disputes"},
		[2]string{"price", "tenge a milestone"})
	for _, f := range []struct {
		name  string
		value int64
		use   string
	}{{"milestones", 1, "how many"}, {"share", 0, "of the subcontractor, in thousandths"},
		{"retention", 0, "until the warranty ends, in thousandths"},
		{"penalty", 0, "a day late, in thousandths of the price"}, {"penalty-most", 100, "at most, in thousandths"}} {
		command.Flags().Int64(f.name, f.value, f.use)
	}
	command.Flags().String("due", "30d", "until the first milestone is due: a span, a date, or the next day of the "+
		"calendar (\"each 1st\")")
	command.Flags().String("every", "30d", "from one milestone to the next: a span, or a day of the calendar (\"each "+
		"1st\"); 0s, and all are due together")
	command.Flags().String("inspect", "7d", "in which the buyer answers")
	command.Flags().String("warranty", "365d", "after the last due time, until the retention is paid")
	command.Flags().String("purpose", "", "the marked money it is paid in; the purpose must admit the definition "+
		"(default: plain)")
}

// milestoneDates are when the first milestone of an order is due, how often the others are, and a time by which all
// are.
func milestoneDates(ctx context.Context, command *cobra.Command, s *session.Session,
	milestones int64) (first int64, every contract.Recurrence, last int64, err error) {
	at, err := cli.UntilFlag(command, "due", s.Now())
	if err != nil {
		return 0, 0, 0, err
	}
	first = int64(at)
	if span, none := cli.DurationFlag(command, "every"); none == nil && span == 0 {
		return first, 0, first, nil
	}
	if every, err = cli.RecurrenceFlag(command, "every", s.Now()); err != nil {
		return 0, 0, 0, err
	}
	if !every.Calendar() {
		return first, every, first + milestones*int64(every), nil
	}
	program, err := s.Template(ctx, "order")
	if err != nil {
		return 0, 0, 0, err
	}
	if !program.Definition.Recurs("every") {
		return 0, 0, 0, cli.Usage(fmt.Errorf("--every: %q: orders know days of the calendar from rules version 5 on, "+
			"which this network has not yet; write a span such as 30d", cli.Flag(command, "every")))
	}
	return first, every, first + milestones*31*24*time.Hour.Milliseconds(), nil // as its guard asks
}

func purposeFlag(ctx context.Context, command *cobra.Command, s *session.Session) (uint32, error) {
	name := cli.Flag(command, "purpose")
	if name == "" {
		return 0, nil
	}
	p, err := s.Purpose(ctx, name)
	return p.Number, err
}

// newOrderAmount makes a step of the arbiter's with an amount.
func newOrderAmount(verb, action, short string) *cobra.Command {
	command := &cobra.Command{
		Use: verb + " NAME AMOUNT", Short: short, Args: cobra.ExactArgs(2), Example: "  aqsha order " +
			verb + " pumps 150000 --by court",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0], cli.Flag(command, "by"))
			if err != nil {
				return err
			}
			amount, err := money.ParseTenge(args[1])
			if err != nil {
				return cli.Usage(err)
			}
			receipt, err := s.Call(ctx, wallet.Call{Contract: ids[0], By: ids[1], Action: action,
				Args: []token.Value{token.Int(int64(amount))}})
			return session.ShowDone(command, receipt, err, args[0]+": "+verb)
		}),
	}
	requireFlags(command, [2]string{"by", "the arbiter's wallet"})
	return command
}

func newOrderShow() *cobra.Command {
	command := newContractShow()
	command.Use, command.Short, command.Example = "show NAME", "Show how far an order is",
		"  aqsha order show pumps --json"
	return command
}
