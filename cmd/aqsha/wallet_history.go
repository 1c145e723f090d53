package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

func newHistoryCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "history WALLET", Short: "What touched a wallet, the latest first",
		Long: `What touched a wallet, the latest first: when (in the network's time), what, how much came or went, with whom,
for which purpose, and the remark. Others are called what the data directory calls them, or by their ids; remarks are as
their writers left them, with what does not print escaped. --lang says it in English, Kazakh or Russian.`,
		Example: "  aqsha history aigerim --limit 10\n  aqsha history aigerim --lang kk", Args: cobra.ExactArgs(1),
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			l, err := languageOf(command)
			if err != nil {
				return err
			}
			ids, err := s.resolve(args[0])
			if err != nil {
				return err
			}
			limit, _ := command.Flags().GetInt("limit")
			before, _ := command.Flags().GetUint64("before")
			network, err := s.Client.Network(ctx)
			if err != nil {
				return err
			}
			h, err := s.Client.History(ctx, ids[0], before, limit, network.Head.Size)
			if err != nil {
				return err
			}
			purposes, err := s.purposeNames(ctx, h)
			if err != nil {
				return err
			}
			return show(command, h, func(w io.Writer) {
				table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
				for _, line := range h.Lines {
					what, rest := s.historyLine(l, ids[0], line, purposes)
					fmt.Fprintf(table, "%d\t%s\t%s\t%s\t  %s\n", line.Index, moment(line.TimeMillis), what, line.Net.Format(), rest)
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
	addLedgerFlags(command)
	command.Flags().Int("limit", 50, "most lines, up to 500")
	command.Flags().Uint64("before", 0, "only entries before this one")
	return command
}

// historyLine says what one entry was, and with whom, for which purpose and with which remark.
func (s *session) historyLine(l words.Language, own token.WalletID, line api.HistoryLine, purposes map[uint32]string) (what, rest string) {
	if line.System != nil {
		return line.System.Kind.String(), ""
	}
	if line.Transaction == nil {
		return "", ""
	}
	parts := []string{s.otherSide(l, own, line.Transaction)}
	for _, number := range purposesIn(line.Transaction) {
		name, known := purposes[number]
		if !known {
			name = fmt.Sprint(number)
		}
		parts = append(parts, l.Text("history.purpose", "name", plain(name)))
	}
	parts = append(parts, plain(memoText(line.Transaction)))
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	return l.Text("kind." + line.Transaction.Body.Kind().String()), strings.Join(parts, "  ")
}

// memoText is a payment's remark, where it is open.
func memoText(tx *token.Transaction) string {
	switch t := tx.Body.(type) {
	case *token.Transfer:
		return t.Memo.Text()
	case *token.MarkedTransfer:
		return t.Memo.Text()
	}
	return ""
}

// purposesIn are the purposes that a payment's money is of or becomes, each once.
func purposesIn(tx *token.Transaction) (numbers []uint32) {
	t, ok := tx.Body.(*token.MarkedTransfer)
	if !ok {
		return nil
	}
	for _, o := range t.Outputs {
		for _, number := range []uint32{o.From, o.Becomes} {
			if number != 0 && !slices.Contains(numbers, number) {
				numbers = append(numbers, number)
			}
		}
	}
	return numbers
}

// purposeNames are the names of the purposes that a history speaks of; nothing is asked where it speaks of none.
func (s *session) purposeNames(ctx context.Context, h api.History) (map[uint32]string, error) {
	if !slices.ContainsFunc(h.Lines, func(line api.HistoryLine) bool {
		return line.Transaction != nil && len(purposesIn(line.Transaction)) > 0
	}) {
		return nil, nil
	}
	list, err := s.Client.Purposes(ctx)
	if err != nil {
		return nil, err
	}
	names := map[uint32]string{}
	for _, p := range list {
		names[p.Number] = p.Name
	}
	return names, nil
}

// partyName is what the reader calls a wallet.
func (s *session) partyName(l words.Language, id token.WalletID) string {
	if id == token.Authority {
		return l.Text("history.central-bank")
	}
	return s.Book.NameOf(id)
}

func more(l words.Language, n int) string {
	if n <= 0 {
		return ""
	}
	return " " + l.Count("history.more", n)
}

// otherSide names with whom a wallet dealt in a transfer: by the reader's own name for him, else by his id.
func (s *session) otherSide(l words.Language, own token.WalletID, tx *token.Transaction) string {
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
			return l.Text("history.from", "name", s.partyName(l, t.Wallet))
		}
		return l.Text("history.to", "name", s.partyName(l, t.Court))
	case *token.Create:
		return l.Text("history.contract", "name", s.partyName(l, token.RegisteredID(tx.ID())))
	case *token.Act:
		return l.Text("history.contract", "name", s.partyName(l, t.Contract)) + ": " + plain(t.Action)
	case *token.Transfer:
		parties, payers = t.Parties, t.Payers
	case *token.MarkedTransfer:
		parties = t.Parties
	case *token.Issue:
		return l.Text("history.from", "name", l.Text("history.central-bank"))
	default:
		return ""
	}
	direction, others := "history.from", parties[:payers]
	if slices.Contains(others, own) {
		direction, others = "history.to", parties[payers:]
	}
	if len(others) == 0 {
		return ""
	}
	return l.Text(direction, "name", s.partyName(l, others[0])) + more(l, len(others)-1)
}
