package pursecmd

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet/purse"
)

// settled is what settling did.
type settled struct {
	Settled int `json:"settled"` // payments that the ledger took
	Known   int `json:"known"`   // that it had already
	Lost    int `json:"lost"`    // that came after their time
	// Of those that the ledger has: payments for which there is no money now.
	Waits       int              `json:"waits"`
	WaitsAmount money.Tiyn       `json:"waits_tiyn"`
	Convicted   []token.WalletID `json:"convicted"` // payers that have paid twice
}

// look asks the ledger what became of a payment that it has: whether it is paid, and whether its payer is convicted.
func (d *settled) look(ctx context.Context, s *session.Session, payment []byte) error {
	link, err := rules.DecodeLink(payment)
	if err != nil {
		return err
	}
	view, err := s.API.PurseLink(ctx, link.Purse, link.ID(s.Network))
	if err != nil {
		return err
	}
	if view.Link == api.LinkWaits {
		d.Waits++
		d.WaitsAmount += link.Amount
	}
	if view.Convicted && !slices.Contains(d.Convicted, link.Purse) {
		d.Convicted = append(d.Convicted, link.Purse)
	}
	return nil
}

// show prints what settling did, and ends with 4 while a payment waits.
func (d *settled) show(command *cobra.Command) error {
	err := cli.Show(command, d, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("purse.settled", "settled", d.Settled, "known", d.Known, "lost", d.Lost))
		if d.Waits > 0 {
			fmt.Fprintln(w, l.Text("purse.settled-waits", "count", d.Waits, "amount", d.WaitsAmount.Format()))
		}
		for _, id := range d.Convicted {
			fmt.Fprintln(w, l.Text("purse.settled-convicted", "id", id))
		}
	})
	if err == nil && d.Waits > 0 {
		return cli.ExitWith(cli.ExitUnknown)
	}
	return err
}

// newSettleCommand makes "purse settle". Each settlement is a transaction of its own: one that others brought before,
// or that came too late, keeps no other back.
func newSettleCommand() *cobra.Command {
	return &cobra.Command{
		Use: "settle", Short: "Bring the payments that the purse has received to the ledger",
		Long: `Each goes with what it rests on, so that none needs another's. Anybody who holds a payment may
bring it, in any order; twice does no harm. Within days is best: 30 days after a payer's purse has run out its
payments are worth nothing. A payment of a purse that has paid twice can wait: neither the purse nor its bank's bond
has the money for it, and it is not paid. Exit code 4 says that one waits.`,
		Example: "  aqsha purse settle --purse ./phone.json", Args: cobra.NoArgs,
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			phone := phoneOf(command)
			if _, err := standingOn(s, phone); err != nil {
				return err
			}
			all, err := phone.Settlements()
			if err != nil {
				return err
			}
			done := settled{Convicted: []token.WalletID{}}
			for _, links := range all {
				switch _, err := s.Do(ctx, &token.SettlePurses{Links: links}); fault.Code(err) {
				// Others may have brought it, as its payer's other payees do: that is no failure.
				case string(ledger.Duplicate):
					done.Known++
				case string(ledger.PurseOver):
					done.Lost++
				default:
					if err != nil {
						return err
					}
					done.Settled++
				}
			}
			// After all of them: what one brings can pay another.
			for _, links := range all {
				if err := done.look(ctx, s, links[len(links)-1]); err != nil {
					return err
				}
			}
			if err := s.TeachPurse(ctx, phone, false); err != nil {
				return err
			}
			return done.show(command)
		}),
	}
}

func newConvictCommand() *cobra.Command {
	return &cobra.Command{
		Use: "convict FILE", Short: "Submit the proof that a purse has paid twice",
		Long: `The proof is two payments of one purse that contradict each other, signed by its key: "purse
receive" writes it when it meets one. It needs nobody's signature besides; the purse is revoked by it.`,
		Example: "  aqsha purse convict ./conviction.txt", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			text, err := cli.ReadLimited(args[0], 4*token.MaxConviction)
			if err != nil {
				return err
			}
			proof, err := purse.FromText(string(text))
			if err != nil {
				return err
			}
			if _, err := rules.DecodeConviction(proof); err != nil {
				return err
			}
			receipt, err := s.Do(ctx, &token.ConvictPurse{Conviction: proof})
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.purse-convicted"))
		}),
	}
}

func newRevocationsCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "revocations", Short: "List convicted purses, and the bonds of the banks that certify purses",
		Long: `With --save FILE the revocation list is written, signed by the log's key, for devices without a network
("purse update --list"); with --filter its filter, for small devices. A node that has not the log's key signs none.`,
		Example: "  aqsha purse revocations\n  aqsha purse revocations --save ./revocations.txt", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if cli.Flag(command, "save") != "" {
				return session.OnLedger(saveRevocations)(command, args)
			}
			return session.ReadingLedger(showRevocations)(command, args)
		},
	}
	command.Flags().String("save", "", "file for the signed list")
	command.Flags().Bool("filter", false, "write the list's filter, less than two bytes an entry")
	return command
}

func saveRevocations(ctx context.Context, command *cobra.Command, s *session.Session, _ []string) error {
	filter, _ := command.Flags().GetBool("filter")
	view, err := s.API.Revocations(ctx, filter)
	if err != nil {
		return err
	}
	err = cli.WriteFile(cli.Flag(command, "save"), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, purse.Text(view.Message))
		return err
	})
	if err != nil {
		return err
	}
	return cli.Show(command, view, func(w io.Writer) {
		fmt.Fprintln(w, cli.LanguageFor(command).Text("purse.list-written", "count", view.Count, "bytes",
			len(view.Message)))
	})
}

func showRevocations(ctx context.Context, command *cobra.Command, s *session.Session, _ []string) error {
	view, err := s.API.Purses(ctx)
	if err != nil {
		return err
	}
	return cli.Show(command, view, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("purse.locked", "amount", view.Locked.Format()))
		for _, bond := range view.Bonds {
			fmt.Fprintln(w, "  ", l.Text("purse.bond", "bank", s.WalletName(bond.Intermediary), "amount",
				bond.Amount.Format(), "count", bond.Purses))
		}
		fmt.Fprintln(w, l.Text("purse.convicted", "count", len(view.Convicted)))
		for _, id := range view.Convicted {
			fmt.Fprintf(w, "   %s\n", id)
		}
	})
}

// newCloseCommand makes "purse close". It needs no key: who may close what is the ledger's to decide, by its time.
func newCloseCommand() *cobra.Command {
	return &cobra.Command{
		Use: "close [PURSE|BANK]", Short: "End a purse whose claim window is over; what is left returns to its owner",
		Long: `From 30 days after a purse's expiry anybody may end it: claims that wait are shared, the rest
goes back to the owner. Without an argument it is the purse of this device. A bank's name gives its bond back
when none of its purses is left.`,
		Example: "  aqsha purse close --purse ./phone.json", Args: cobra.MaximumNArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			var id token.WalletID
			if len(args) > 0 {
				named, err := s.WalletOf(args[0])
				if err != nil {
					return err
				}
				id = named
			} else {
				standing, err := standingOn(s, phoneOf(command))
				if err != nil {
					return err
				}
				id = standing.Purse
			}
			receipt, err := s.Do(ctx, &token.ClosePurse{Purse: id})
			return session.ShowDone(command, receipt, err, cli.LanguageFor(command).Text("result.purse-closed"))
		}),
	}
}
