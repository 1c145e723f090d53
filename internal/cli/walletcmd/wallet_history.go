package walletcmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// NewHistoryCommand makes the command "history".
func NewHistoryCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "history WALLET", Short: "What touched a wallet, the latest first",
		Long: `What touched a wallet, the latest first: when (in the network's time), what, how much came or went,
with whom, for which purpose, and the remark. Others are called what the data directory calls them, or by their ids;
remarks are as their writers left them, with what does not print escaped. --lang says it in English, Kazakh or
Russian.`,
		Example: "  aqsha history aigerim --limit 10\n  aqsha history aigerim --lang kk", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			l, err := cli.LanguageOf(command)
			if err != nil {
				return err
			}
			limit, _ := command.Flags().GetInt("limit")
			if limit < 1 {
				return cli.Usage(fmt.Errorf("--limit: want 1 line or more"))
			}
			ids, err := s.Resolve(args[0])
			if err != nil {
				return err
			}
			before, _ := command.Flags().GetUint64("before")
			// The size first, and history read at least as far: what was just answered by another node is in it.
			network, err := s.API.Network(ctx)
			if err != nil {
				return err
			}
			h, err := s.API.History(ctx, ids[0], before, limit, network.Head.Size)
			if err != nil {
				return err
			}
			purposes, err := s.PurposeNames(ctx, h)
			if err != nil {
				return err
			}
			return cli.Show(command, h, func(w io.Writer) {
				table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
				for _, line := range h.Lines {
					what, rest := historyLine(s, l, ids[0], line, purposes)
					fmt.Fprintf(table, "%d\t%s\t%s\t%s\t  %s\n", line.Index, terminal.Moment(line.TimeMillis), what,
						line.Net.Format(), rest)
				}
				table.Flush()
				fmt.Fprint(w, l.Text("history.size", "size", h.Size))
				if h.Next != 0 {
					fmt.Fprint(w, l.Text("history.next", "before", h.Next))
				}
				fmt.Fprintln(w)
			})
		}),
	}
	datadir.AddLedgerFlags(command)
	command.Flags().Int("limit", 50, "most lines, up to 500")
	command.Flags().Uint64("before", 0, "only entries before this one")
	return command
}

// historyLine says what one entry was, and with whom, for which purpose and with which remark.
func historyLine(s *session.Session, l words.Language, own token.WalletID, line api.HistoryLine,
	purposes map[uint32]string) (what, rest string) {
	if line.System != nil {
		return session.KindText(l, line.System.Kind.String()), ""
	}
	if line.Transaction == nil {
		return "", ""
	}
	parts := []string{otherSide(s, l, own, line.Transaction)}
	for _, number := range session.PurposesIn(line.Transaction) {
		name, known := purposes[number]
		if !known {
			name = fmt.Sprint(number)
		}
		parts = append(parts, l.Text("history.purpose", "name", terminal.Plain(name)))
	}
	parts = append(parts, terminal.Plain(memoText(line.Transaction)))
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	return l.Text("kind." + line.Transaction.Body.Kind().String()), strings.Join(parts, "  ")
}

// memoText is a payment's remark, where it is open.
func memoText(tx *token.Transaction) string {
	switch t := tx.Body.(type) {
	case *token.Transfer:
		return t.Memo.Text()
	case *token.EarmarkedTransfer:
		return t.Memo.Text()
	}
	return ""
}

// partyName is what the reader calls a wallet.
func partyName(s *session.Session, l words.Language, id token.WalletID) string {
	if id == token.Authority {
		return l.Text("history.central-bank")
	}
	return s.Keyring.NameOf(id)
}

func more(l words.Language, n int) string {
	if n <= 0 {
		return ""
	}
	return " " + l.Count("history.more", n)
}

// otherSide names with whom a wallet dealt in a transfer: by the reader's own name for him, else by his id.
func otherSide(s *session.Session, l words.Language, own token.WalletID, tx *token.Transaction) string {
	if tx == nil {
		return ""
	}
	var parties []token.WalletID
	payers := 1
	switch t := tx.Body.(type) {
	case *token.Redeem:
		return l.Text("history.to", "name", l.Text("history.central-bank"))
	case *token.Seize:
		if t.Court == own {
			return l.Text("history.from", "name", partyName(s, l, t.Wallet))
		}
		return l.Text("history.to", "name", partyName(s, l, t.Court))
	case *token.Create:
		return l.Text("history.contract", "name", partyName(s, l, token.RegisteredID(tx.ID())))
	case *token.Act:
		return l.Text("history.contract", "name", partyName(s, l, t.Contract)) + ": " + terminal.Plain(t.Action)
	case *token.Transfer:
		parties, payers = t.Parties, t.Payers
	case *token.EarmarkedTransfer:
		parties = t.Parties
	case *token.Issue:
		return l.Text("history.from", "name", l.Text("history.central-bank"))
	default:
		return ""
	}
	// Of several the first is named and the rest counted. Change that comes back to a payer makes him no payee: payers
	// stand before payees in the list.
	direction, others := "history.from", parties[:payers]
	if slices.Contains(others, own) {
		direction, others = "history.to", parties[payers:]
	}
	if len(others) == 0 {
		return ""
	}
	return l.Text(direction, "name", partyName(s, l, others[0])) + more(l, len(others)-1)
}
