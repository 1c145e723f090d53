package programcmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/trace"
	"github.com/aqsha/aqsha/words"
)

// NewTraceCommand makes the command "trace".
func NewTraceCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "trace TOKEN|PURPOSE|CONTRACT", Short: "Follow money forwards and backwards through the log, and draw it",
		Long: `Reads the whole log and follows a token, all money that ever carried a purpose, or all that a
contract ever held: forwards to where it went and backwards to where it came from, so many
transactions away. Where tokens were merged, all that came out is reached from all that went in.`,
		Example: "  aqsha trace railway --svg railway.svg\n  aqsha trace house --backwards 2 --forwards 2 --json",
		Args:    cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			t, err := follow(ctx, command, s, args[0])
			if err != nil {
				return err
			}
			names, err := purposeNames(ctx, s)
			if err != nil {
				return err
			}
			// Drawn before anything is shown: a result that names a drawing which could not be written would be
			// believed.
			if path := cli.Flag(command, "svg"); path != "" {
				if err := writeSVG(path, t, trace.Drawing{Title: "Trace of " + args[0], Wallet: s.WalletName,
					Purpose: func(number uint32) string { return names(words.English, number) }}); err != nil {
					return err
				}
			}
			return cli.Show(command, t, func(w io.Writer) {
				l := cli.LanguageFor(command)
				describeTrace(s, w, l, t, func(number uint32) string { return names(l, number) })
			})
		}),
	}
	datadir.AddLedgerFlags(command)
	command.Flags().String("svg", "", "file to draw into")
	command.Flags().Int("forwards", 1, "transactions to follow from where the money left")
	command.Flags().Int("backwards", 1, "transactions to follow from where it came")
	return command
}

// purposeNames names marks. A purpose that has ended may have made room for another; its old money is still followed.
func purposeNames(ctx context.Context, s *session.Session) (func(words.Language, uint32) string, error) {
	names, err := s.NamesOfPurposes(ctx)
	return func(l words.Language, number uint32) string {
		if number == 0 {
			return l.Text("trace.plain")
		}
		if name, ok := names[number]; ok {
			return name
		}
		return l.Text("trace.purpose", "number", number)
	}, err
}

// readGraph reads the whole log, up to the size that it has at the beginning, and holds the graph of all its tokens in
// memory. The entries are the node's word: no root is compared.
func readGraph(ctx context.Context, command *cobra.Command, s *session.Session) (*trace.Graph, error) {
	supply, err := s.API.Supply(ctx)
	if err != nil {
		return nil, err
	}
	size := supply.Size
	g, number := trace.New(), uint64(0)
	bar := cli.Progress(command, int(size), "reading entries")
	defer func() { _ = bar.Finish() }()
	for data, err := range s.API.Entries(ctx, size) {
		if err != nil {
			return nil, err
		}
		e, err := ledger.DecodeEntry(append([]byte(nil), data...))
		if err != nil {
			return nil, err
		}
		if err := g.Add(number, &e); err != nil {
			return nil, err
		}
		if number++; number%1024 == 0 {
			_ = bar.Set64(int64(number))
		}
	}
	return g, nil
}

// follow finds what is meant: a token's id, a purpose, or a contract, in this order, before the log is read, which
// takes long.
func follow(ctx context.Context, command *cobra.Command, s *session.Session, what string) (*trace.Trace, error) {
	o := trace.Options{}
	o.Forwards, _ = command.Flags().GetInt("forwards")
	o.Backwards, _ = command.Flags().GetInt("backwards")
	if o.Forwards < 0 || o.Backwards < 0 {
		return nil, cli.Usage(errors.New("--forwards and --backwards are not negative"))
	}
	var id token.ID
	// What reads as a token's id, 64 hexadecimal digits, is taken for one.
	isToken := id.UnmarshalText([]byte(what)) == nil
	purpose, noPurpose := s.Purpose(ctx, what)
	var contract token.WalletID
	if !isToken && noPurpose != nil {
		ids, err := s.Resolve(what)
		if err != nil {
			return nil, token.Errorf(node.NotFound, "trace", "%q is no token's id, no purpose and no contract here",
				what)
		}
		contract = ids[0]
	}
	g, err := readGraph(ctx, command, s)
	switch {
	case err != nil:
		return nil, err
	case isToken:
		t, ok := g.Of(id, o)
		if !ok {
			return nil, token.Errorf(node.NotFound, "trace", "no token %s was ever made", id)
		}
		return t, nil
	case noPurpose == nil:
		return g.Earmarked(purpose.Number, o), nil
	}
	return g.Contract(contract, o), nil
}

func writeSVG(path string, t *trace.Trace, d trace.Drawing) error {
	return cli.WriteFile(path, func(to io.Writer) error {
		w := bufio.NewWriter(to)
		return errors.Join(t.SVG(w, d), w.Flush())
	})
}

// maxLines bounds what is printed for people; --json has all.
const maxLines = 200

func describeTrace(s *session.Session, w io.Writer, l words.Language, t *trace.Trace, purposes func(uint32) string) {
	fmt.Fprintln(w, l.Text("trace.head", "events", t.Events, "tokens", t.Edges))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, l.Text("trace.columns"))
	for i, f := range t.Flows {
		if i == maxLines {
			fmt.Fprintln(table, l.Count("result.and-more", len(t.Flows)-i))
			break
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", terminal.Plain(s.WalletNameIn(l, f.From)),
			terminal.Plain(s.WalletNameIn(l, f.To)), f.Amount.Format(), f.Times, terminal.Plain(purposes(f.Purpose)))
	}
	table.Flush()
	describePlaces(s, w, l, t.Places, purposes)
}

func describePlaces(s *session.Session, w io.Writer, l words.Language, places []trace.Place,
	purposes func(uint32) string) {
	fmt.Fprintln(w, l.Text("trace.places"))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, p := range places {
		if i == maxLines {
			fmt.Fprintln(table, " ", l.Count("result.and-more", len(places)-i))
			break
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", terminal.Plain(s.WalletNameIn(l, p.Wallet)), p.Amount.Format(),
			terminal.Plain(purposes(p.Purpose)))
	}
	table.Flush()
}
