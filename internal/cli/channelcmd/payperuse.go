package channelcmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/scenario"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// NewPayPerUseCommand makes the command "pay-per-use".
func NewPayPerUseCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "pay-per-use", Short: "Buy power by the kilowatt-hour: a meter signs, a contract bills",
		Long: `The customer puts a deposit into a contract (template metered); the meter, a wallet of its own,
signs its readings; the supplier bills by them; the customer accepts, or disputes and the arbiter
decides. docs/uses/pay-per-use.md says what happens if somebody vanishes.`,
	}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newUseOpen(), newUseRead(), newUseCheck(), newUseBill(), newUseShow(),
		newUseStep("accept", "Pay the bill, as the customer", 0, false),
		newUseStep("dispute", "Dispute the bill, as the customer; --document is what is wrong", 0, true),
		newUseStep("claim", "Ask the arbiter, as the supplier, when the meter's word cannot be had", 1, true),
		newUseStep("collect", "Collect an undisputed bill after the window, as the supplier", 1, false),
		newUseStep("leave", "End the contract, as the supplier: the rest returns to the customer", 1, false),
		newUseAmount("decide", "decide", "Decide a dispute, as the arbiter: the supplier has AMOUNT", 3, false),
		newUseAmount("top-up", "top_up", "Add to the deposit, as the customer", 0, true))
	session.ChangesLedger(command, "open", "bill", "accept", "dispute", "claim", "collect", "leave", "decide", "top-up")
	return command
}

func newUseOpen() *cobra.Command {
	command := &cobra.Command{
		Use: "open NAME", Short: "Put a deposit in and agree on a tariff", Args: cobra.ExactArgs(1),
		Long: `Put a deposit in and agree on a tariff. All parties are wallets, the meter too: "aqsha wallet new meter-7
--bank BANK --tier business" makes one, whose key signs the readings; a key alone, of "aqsha key new", is no party.`,
		Example: "  aqsha pay-per-use open power-2026 --customer farm --supplier power --meter meter-7 --arbiter " +
			"court --deposit 50000000 --cap 40000000 --watts 3000000",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			parties, err := s.Resolve(cli.Flag(command, "customer"), cli.Flag(command, "supplier"),
				cli.Flag(command, "meter"), cli.Flag(command, "arbiter"))
			if err != nil {
				return err
			}
			deposit, err := cli.AmountFlag(command, "deposit")
			if err != nil {
				return err
			}
			most, err := cli.AmountFlag(command, "cap")
			if err != nil {
				return err
			}
			var spans [3]time.Duration
			for i, name := range []string{"window", "judge", "since"} {
				if spans[i], err = cli.DurationFlag(command, name); err != nil {
					return err
				}
			}
			ends, err := cli.UntilFlag(command, "for", s.Now())
			if err != nil {
				return err
			}
			now := time.UnixMilli(int64(s.Now()))
			// The tariff of today, written into the contract: one that is announced later changes no contract that was
			// agreed on.
			tariff, err := params.PowerTariffAt(cli.Flag(command, "tariff"), params.DateOf(now))
			if err != nil {
				return cli.Usage(err)
			}
			watts, _ := command.Flags().GetInt64("watts")
			receipt, err := s.Create(ctx, wallet.NewContract{Template: "metered", Name: args[0], By: parties[0],
				Parties: parties, Paid: deposit,
				Terms: scenario.MeteredTerms(tariff, meter.Registers{}, now.Add(-spans[2]), watts, most, spans[0],
					spans[1], time.UnixMilli(int64(ends)))})
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.meter", "name", args[0], "deposit", deposit.Format(), "most",
					most.Format()))
		}),
	}
	for _, f := range [][2]string{{"customer", "who buys"}, {"supplier", "who sells"}, {"meter", "the meter's wallet"},
		{"arbiter", "who decides disputes"}, {"deposit", "tenge to put in"}, {"cap", "most tenge of one bill"}} {
		command.Flags().String(f[0], "", f[1])
		_ = command.MarkFlagRequired(f[0])
	}
	command.Flags().String("tariff", "story", "the tariff's name in params")
	command.Flags().Int64("watts", 5_000_000, "the most that the line carries: faster registers are not believed")
	command.Flags().String("since", "0s", "how long ago counting began")
	command.Flags().String("window", "72h", "how long the customer can dispute a bill")
	command.Flags().String("judge", "720h", "how long the arbiter has")
	command.Flags().String("for", "366d",
		"how long the contract lasts: a span, a date, or until the next day of the calendar (\"each 1st\")")
	return command
}

// readingsFile is a line a reading, and the last with the meter's signature.
type readingLine struct {
	meter.Reading
	Chain     *token.Hash      `json:"chain,omitempty"`
	Signature *token.Signature `json:"signature,omitempty"`
}

const maxReadings = 32 << 20 // bytes: two hundred thousand readings

// meterNamed is a contract of metered delivery.
func meterNamed(ctx context.Context, s *session.Session, name string) (wallet.Meter, error) {
	ids, err := s.Resolve(name)
	if err != nil {
		return wallet.Meter{}, err
	}
	return s.Meter(ctx, ids[0])
}

// newUseRead: readings are chained by their hashes, so that one signature, of the last, is over all.
// writeReadings writes a meter's readings, a line each. The last alone is signed: the chain of hashes before it is
// under the same signature, and a meter signs slowly.
func writeReadings(path string, readings []meter.Reading, chain token.Hash, signature token.Signature) error {
	return cli.WriteFile(path, func(to io.Writer) error {
		w := bufio.NewWriter(to)
		encoder := json.NewEncoder(w)
		for i, r := range readings {
			line := readingLine{Reading: r}
			if i == len(readings)-1 {
				line.Chain, line.Signature = &chain, &signature
			}
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
		return w.Flush()
	})
}

// newUseRead makes "pay-per-use read". A seed gives the same load again; times are the ledger's.
func newUseRead() *cobra.Command {
	command := &cobra.Command{
		Use: "read NAME", Short: "Be a meter (simulated): write signed readings, one a minute",
		Args: cobra.ExactArgs(1),
		Long: `A simulated meter: the readings are made up from a load that varies, and are as a meter's in
everything else. Each is chained to the one before by its hash; the last is signed by the meter's key.`,
		Example: "  aqsha pay-per-use read power-2026 --minutes 43200 --load 2500000 --out readings.jsonl",
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			m, err := meterNamed(ctx, s, args[0])
			if err != nil {
				return err
			}
			key, err := s.Keyring.Key(s.Keyring.NameOf(m.Parties[2]))
			if err != nil {
				return err
			}
			minutes, _ := command.Flags().GetInt("minutes")
			load, _ := command.Flags().GetInt64("load")
			every, err := cli.DurationFlag(command, "every")
			if err != nil {
				return err
			}
			seed, _ := command.Flags().GetUint64("seed")
			tariff, err := params.PowerTariffAt(cli.Flag(command, "tariff"),
				params.DateOf(time.UnixMilli(int64(s.Now()))))
			if err != nil {
				return cli.Usage(err)
			}
			readings, tally, err := scenario.Readings(m, tariff, minutes, every, load, rand.New(rand.NewPCG(seed, 0)))
			if err != nil {
				return cli.Usage(err)
			}
			last := readings[len(readings)-1]
			signature, err := key.Sign(meter.Digest(s.Network, m.Contract, &last, tally.Chain))
			if err != nil {
				return err
			}
			if err := writeReadings(cli.Flag(command, "out"), readings, tally.Chain, signature); err != nil {
				return err
			}
			// That it is simulated is said by the result and by no line of the file: in all else it is a meter's.
			return cli.Show(command, map[string]any{"readings": len(readings),
				"wh": last.Registers.Total() - m.Registers.Total(), "simulated": true}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("meter.simulated", "count", len(readings), "kwh",
					(last.Registers.Total()-m.Registers.Total())/1000, "file", cli.Flag(command, "out")))
			})
		}),
	}
	command.Flags().Int("minutes", 60, "how many readings")
	command.Flags().Int64("load", 2_000_000, "mean load in watts")
	command.Flags().String("every", "1m", "time between readings")
	command.Flags().Uint64("seed", 1, "of the load's variation")
	command.Flags().String("tariff", "story", "the tariff whose zones the meter's clock knows")
	command.Flags().String("out", "readings.jsonl", "file to write")
	return command
}

// readReadings checks a file of readings against a contract: chain, order, plausibility, signature. One signature at
// the end is enough, as the chain is over all before it; a file that was cut has none that fits.
func readReadings(path string, s *session.Session, m wallet.Meter,
	key token.PublicKey) (last readingLine, count int, err error) {
	from, err := os.Open(path)
	if err != nil {
		return last, 0, err
	}
	defer from.Close()
	tally := meter.Tally{Watts: m.Watts, Last: meter.Reading{AtMillis: m.At, Registers: m.Registers}}
	decoder := json.NewDecoder(io.LimitReader(from, maxReadings))
	decoder.DisallowUnknownFields()
	for {
		var line readingLine
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return last, 0, cli.Usage(fmt.Errorf("%s: reading %d: %w", path, tally.Count+1, err))
		}
		if refused := tally.Add(line.Reading); refused != nil {
			return last, 0, fmt.Errorf("reading %d: %w", tally.Count+1, refused)
		}
		last = line
	}
	if last.Chain == nil || last.Signature == nil || *last.Chain != tally.Chain ||
		!token.Verify(key, meter.Digest(s.Network, m.Contract, &last.Reading, tally.Chain), last.Signature) {
		return last, 0, token.Errorf(meter.Unsigned, "signature",
			"the last reading is not signed by the meter over the chain of all before it")
	}
	return last, tally.Count, nil
}

// Usage is what check prints.
type Usage struct {
	Readings int             `json:"readings"`
	Wh       int64           `json:"wh"`
	Zones    meter.Registers `json:"zones_wh"`
	Bill     money.Tiyn      `json:"bill"`
}

// judged reads a contract and a file of readings, and computes the bill as the contract will, by the key that the
// meter's wallet has now.
func judged(ctx context.Context, s *session.Session, name, path string) (wallet.Meter, readingLine, Usage, error) {
	ids, err := s.Resolve(name)
	if err != nil {
		return wallet.Meter{}, readingLine{}, Usage{}, err
	}
	m, err := s.Meter(ctx, ids[0])
	if err != nil {
		return m, readingLine{}, Usage{}, err
	}
	w, err := s.API.Wallet(ctx, m.Parties[2])
	if err != nil {
		return m, readingLine{}, Usage{}, err
	}
	last, count, err := readReadings(path, s, m, w.Key)
	if err != nil {
		return m, last, Usage{}, err
	}
	u := Usage{Readings: count, Wh: last.Registers.Total() - m.Registers.Total()}
	for zone := range u.Zones {
		u.Zones[zone] = last.Registers[zone] - m.Registers[zone]
	}
	bill, refused := m.Tariff.Bill(m.Registers, last.Registers, m.Cap)
	if refused != nil {
		return m, last, u, refused
	}
	u.Bill = bill
	return m, last, u, nil
}

func newUseCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check NAME READINGS", Short: "Check readings and compute the bill, as anybody who has them",
		Args:    cobra.ExactArgs(2),
		Example: "  aqsha pay-per-use check power-2026 readings.jsonl",
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			_, _, u, err := judged(ctx, s, args[0], args[1])
			if err != nil {
				return err
			}
			return cli.Show(command, u, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("meter.checked", "count", u.Readings, "wh", u.Wh, "day",
					u.Zones[0], "peak", u.Zones[1], "night", u.Zones[2], "bill", u.Bill.Format()))
			})
		}),
	}
}

func newUseBill() *cobra.Command {
	return &cobra.Command{
		Use:     "bill NAME READINGS",
		Short:   "Present the last signed reading, as the supplier; the contract computes the bill",
		Args:    cobra.ExactArgs(2),
		Example: "  aqsha pay-per-use bill power-2026 readings.jsonl",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			m, last, u, err := judged(ctx, s, args[0], args[1])
			if err != nil {
				return err
			}
			receipt, err := s.Bill(ctx, m.Contract, m.Parties[1], last.Reading, *last.Chain, *last.Signature)
			return session.ShowDone(command, receipt, err, cli.LanguageFor(command).Count("result.meter-bill",
				u.Readings, "wh", u.Wh, "amount", u.Bill.Format()))
		}),
	}
}

// meterStep calls an action as one of the parties.
func meterStep(ctx context.Context, command *cobra.Command, s *session.Session, name string, party int,
	call wallet.Call) error {
	ids, err := s.Resolve(name)
	if err != nil {
		return err
	}
	m, err := s.Meter(ctx, ids[0])
	if err != nil {
		return err
	}
	call.Contract, call.By = ids[0], m.Parties[party]
	receipt, err := s.Call(ctx, call)
	return session.ShowDone(command, receipt, err, name+": "+call.Action)
}

func newUseStep(action, short string, party int, document bool) *cobra.Command {
	command := &cobra.Command{
		Use: action + " NAME", Short: short, Args: cobra.ExactArgs(1),
		Example: "  aqsha pay-per-use " + action + " power-2026",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			call := wallet.Call{Action: action}
			if document {
				var err error
				if call.Document, err = session.DocumentOf(command); err != nil {
					return err
				}
			}
			return meterStep(ctx, command, s, args[0], party, call)
		}),
	}
	if document {
		command.Example += " --document letter.txt"
		command.Flags().String("document", "", "file whose SHA-256 is attached, or the 64 digits of the hash")
		_ = command.MarkFlagRequired("document")
	}
	return command
}

// newUseAmount is an action with an amount: an argument, or what is paid in.
func newUseAmount(verb, action, short string, party int, paysIn bool) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME AMOUNT", Short: short, Args: cobra.ExactArgs(2),
		Example: "  aqsha pay-per-use " + verb + " power-2026 1250000",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			amount, err := money.ParseTenge(args[1])
			if err != nil {
				return cli.Usage(err)
			}
			call := wallet.Call{Action: action, Paid: amount}
			if !paysIn {
				call.Args, call.Paid = []token.Value{token.Int(int64(amount))}, 0
			}
			return meterStep(ctx, command, s, args[0], party, call)
		}),
	}
}

func newUseShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show what the ledger says: registers, bill, deposit", Args: cobra.ExactArgs(1),
		Example: "  aqsha pay-per-use show power-2026 --json",
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			m, err := meterNamed(ctx, s, args[0])
			if err != nil {
				return err
			}
			return cli.Show(command, m, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("meter.registers", "registers", m.Registers, "at", terminal.Moment(m.At), "held",
					m.Held.Format()))
				if m.Due != 0 {
					bill := []string{"bill", "bill-disputed", "bill-claimed"}[m.Open]
					fmt.Fprintln(w, l.Text("meter."+bill, "amount", m.Billed.Format(), "at", terminal.Moment(m.Due)))
				}
			})
		}),
	}
}
