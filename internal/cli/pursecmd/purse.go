package pursecmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/ledger"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/purse"
	"github.com/aqsha/aqsha/words"
)

// NewPurseCommand makes the command "purse".
func NewPurseCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "purse", Short: "Offline purses: pay from device to device with no network on either side",
		Long: `A purse is a device's key with money set aside on the ledger. Two purses pay each other without
a network: over a pipe, a connection of their own, or files. Without secure hardware double spending cannot be
prevented; it is always detected, proved by two of the crook's own signatures, bounded by limits, and paid for
by a rule, never by new money. docs/OFFLINE.md says how.

The purse is a file (--purse). It is never copied or restored: a copy that pays is a clone, and convicts its
owner.`,
	}
	datadir.AddLedgerFlags(command)
	command.PersistentFlags().String("purse", "./aqsha-purse.json", "file of the purse on this device")
	command.AddCommand(newBondCommand(), newOpenCommand(), newCertifyCommand(), newUpdateCommand(), newFundCommand(),
		newPayCommand(), newGiveUpCommand(), newReceiveCommand(), newShowCommand(), newSettleCommand(),
		newConvictCommand(), newRevocationsCommand(), newCloseCommand(), newSimulateCommand(), newOpenersCommand(),
		newOpeningsCommand())
	session.ChangesLedger(command, "bond", "fund")
	cli.ChangingVerbs(command, "open", "pay", "give-up", "receive", "settle", "convict", "close")
	return command
}

func phoneOf(command *cobra.Command) *purse.Phone {
	now := func() uint64 { return uint64(time.Now().UnixMilli()) }
	return purse.Open(vfs.OS, cli.Flag(command, "purse"), now, rand.Reader)
}

func newBondCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "bond BANK", Short: "Set a bank's money aside for what its purses' owners defraud",
		Long: `Adds --amount to the bank's bond and makes the key BANK-certifier, made here if it is not there
yet, the one by which it certifies purses. The bond pays what is claimed of a purse beyond what it had, up to
the purse's limit of all payments; it comes back when none of the bank's purses is left (aqsha purse close
BANK).`,
		Example: "  aqsha purse bond Halyk --amount 100000", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			bank, err := s.WalletOf(args[0])
			if err != nil {
				return err
			}
			amount, err := cli.AmountFlag(command, "amount")
			if err != nil {
				return err
			}
			receipt, err := s.BondPurses(ctx, bank, amount)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.purse-bond", "amount", amount.Format(), "bank", args[0]))
		}),
	}
	command.Flags().String("amount", "0", "tenge to add")
	return command
}

func newOpenCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "open OWNER", Short: "Open a purse on this device, with a deposit out of a wallet",
		Long: `Makes the purse's file with a key of its own and opens the purse on the ledger. The owner's bank
signs too: its keys have to be here. Where openers were announced it seals the owner's name for them (--name).
What the purse's limits allow is what a payee believes without a network, and the most that the bank's bond pays
for it.`,
		Example: "  aqsha purse open aigerim --deposit 5000 --purse ./phone.json", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(openPurse),
	}
	command.Flags().String("deposit", "0", "tenge to set aside")
	command.Flags().String("payment", "20000", "most of one payment, in tenge")
	command.Flags().String("offline", "100000", "most of all payments, in tenge")
	command.Flags().Int("hops", rules.MaxHops, "most links of a chain, 1 to 5")
	command.Flags().Int("age-hours", rules.MaxAgeHours, "how old money may be when it is paid on, 1 to 168")
	command.Flags().String("name", "", "the owner's name, as the bank checked it: sealed for the openers")
	command.Flags().Int("days", 90, "how long the purse lasts, 1 to 365")
	return command
}

// openPurse makes the purse's file first and the purse after: its key is on the disk before money is set aside for it.
// When the ledger has refused it the file goes; when it is not known it stays, since the deposit may be in it.
func openPurse(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
	owner, err := s.WalletOf(args[0])
	if err != nil {
		return err
	}
	view, err := s.API.Wallet(ctx, owner)
	if err != nil {
		return err
	}
	t := token.OpenPurse{Intermediary: view.Registrar, Owner: owner, Class: uint8(rules.Software)}
	if t.Deposit, err = cli.AmountFlag(command, "deposit"); err != nil {
		return err
	}
	if t.Limits.Payment, err = cli.AmountFlag(command, "payment"); err != nil {
		return err
	}
	if t.Limits.Offline, err = cli.AmountFlag(command, "offline"); err != nil {
		return err
	}
	hops, _ := command.Flags().GetInt("hops")
	age, _ := command.Flags().GetInt("age-hours")
	days, _ := command.Flags().GetInt("days")
	if hops < 1 || hops > rules.MaxHops || age < 1 || age > rules.MaxAgeHours || days < 1 || days > 365 {
		return cli.Usage(fmt.Errorf("--hops 1 to %d, --age-hours 1 to %d, --days 1 to 365", rules.MaxHops,
			rules.MaxAgeHours))
	}
	t.Limits.Hops, t.Limits.AgeHours = uint8(hops), uint16(age)
	t.ExpiryMillis = s.Now() + uint64(days)*86_400_000
	phone := phoneOf(command)
	if _, err := phone.New(s.Network); err != nil {
		return err
	}
	device, err := phone.Signer()
	if err != nil {
		return err
	}
	t.Key = device.Public()
	if t.Sealed, err = sealName(ctx, s, &t, cli.Flag(command, "name")); err != nil {
		return errors.Join(err, phone.Discard())
	}
	receipt, err := s.OpenPurse(ctx, t, device)
	if cli.NothingDone(err) {
		// The same command may come again. Where it is not known what was done the key stays: it may have the deposit.
		return errors.Join(err, phone.Discard())
	}
	if err != nil {
		return err
	}
	id := token.RegisteredID(receipt.ID)
	if err = s.TeachPurse(ctx, phone, false); err == nil {
		err = certify(ctx, s, phone, id)
	}
	if err != nil { // the deposit is set aside: no refusal of whatever came after may say that nothing was done
		return &api.UnansweredError{Cause: fmt.Errorf("purse %s is open with its deposit of %s, and its certificate "+
			"is not on this device yet (%w): 'aqsha purse update' takes in what the bank's 'aqsha purse certify %s' "+
			"prints", id, t.Deposit.Format(), err, id)}
	}
	return cli.Show(command, map[string]any{"purse": id, "receipt": receipt}, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Count("purse.open", days, "id", id, "amount", t.Deposit.Format()))
		fmt.Fprintln(w, "  ", l.Text("purse.transaction", "id", receipt.ID))
	})
}

// sealName seals the owner's name, if there is one, under the openers' last key.
func sealName(ctx context.Context, s *session.Session, t *token.OpenPurse, name string) (token.Octets, error) {
	if name == "" {
		return nil, nil // where it is needed the ledger says so
	}
	all, err := s.API.Purses(ctx)
	if err != nil {
		return nil, err
	}
	if len(all.Openers) == 0 {
		return nil, token.Errorf(ledger.UnknownOpeners, "name", "no openers were announced")
	}
	last := len(all.Openers)
	seal, err := sealed.New(rand.Reader, &all.Openers[last-1], &sealed.Purse{Network: s.Network,
		Intermediary: t.Intermediary, Owner: t.Owner, Device: t.Key, KeyNumber: uint32(last)}, name)
	if err != nil {
		return nil, err
	}
	return seal.Append(nil), nil
}

// standingOn reads a purse of the ledger's own network: another ledger's word about banks and purses is none for it.
func standingOn(s *session.Session, phone *purse.Phone) (purse.Standing, error) {
	standing, err := phone.Standing()
	if err == nil && standing.Network != s.Network {
		err = token.Errorf(datadir.WrongNetwork, "purse", "the purse is of network %s, the ledger of %s",
			standing.Network, s.Network)
	}
	return standing, err
}

// certificateOf certifies a purse as the ledger knows it, by its bank's key in this keyring.
func certificateOf(ctx context.Context, s *session.Session, id token.WalletID) ([]byte, error) {
	view, err := s.API.Purse(ctx, id)
	if err != nil {
		return nil, err
	}
	c := view.Certificate()
	certifier, err := s.Keyring.Key(s.CertifierName(c.Intermediary))
	if err != nil {
		return nil, err
	}
	err = c.Sign(s.Network, certifier)
	return c.Append(nil), err
}

// certify has a purse certified by its bank's key in this keyring, and takes the certificate in.
func certify(ctx context.Context, s *session.Session, phone *purse.Phone, id token.WalletID) error {
	certificate, err := certificateOf(ctx, s, id)
	if err != nil {
		return err
	}
	return phone.Certify(certificate)
}

func newCertifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "certify PURSE", Short: "Print a purse's certificate, signed by its bank's certifying key",
		Example: "  aqsha purse certify 6c1f0e52d0a94b7fb1c1f3c5a7d9e2b4", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			id, err := s.WalletOf(args[0])
			if err != nil {
				return err
			}
			certificate, err := certificateOf(ctx, s, id)
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"purse": id, "certificate": purse.Text(certificate)},
				func(w io.Writer) { fmt.Fprintln(w, purse.Text(certificate)) })
		}),
	}
}

func newUpdateCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "update [CERTIFICATE]", Short: "Learn certifying keys and revoked purses, and take a certificate in",
		Long: `A device does this whenever it has a network: what it has not learned it believes of nobody, and
whom it does not know to be revoked it takes money of. The revocation list is signed by the log's key and checked;
--filter takes its filter, for a device that has little room: a false alarm of it only sends the payer online. With
--list FILE it takes in, without a network, a list that somebody carried here ("purse revocations --save"). With a
certificate's text, as "purse certify" prints it, the purse has that one from then on.`,
		Example: "  aqsha purse update --purse ./phone.json\n" +
			"  aqsha purse update --list ./revocations.txt --purse ./phone.json",
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if cli.Flag(command, "list") == "" {
				return session.ReadingLedger(updateOnline)(command, args)
			}
			if len(args) > 0 {
				return cli.Usage(errors.New("--list needs no ledger, and takes no certificate in"))
			}
			return updateByList(command)
		},
	}
	command.Flags().Bool("filter", false, "keep the list's filter, less than two bytes an entry")
	command.Flags().String("list", "", "file of a revocation list that was carried here; no node is asked")
	command.MarkFlagsMutuallyExclusive("filter", "list")
	return command
}

// updateOnline teaches the phone what the ledger knows, and then takes the certificate in, which is checked by what it
// has learned.
func updateOnline(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
	phone := phoneOf(command)
	if _, err := standingOn(s, phone); err != nil {
		return err
	}
	filter, _ := command.Flags().GetBool("filter")
	if err := s.TeachPurse(ctx, phone, filter); err != nil {
		return err
	}
	if len(args) > 0 {
		certificate, err := purse.FromText(args[0])
		if err != nil {
			return err
		}
		if err := phone.Certify(certificate); err != nil {
			return err
		}
	}
	return showPurse(command, phone)
}

// updateByList takes a carried list in.
func updateByList(command *cobra.Command) error {
	text, err := cli.ReadLimited(cli.Flag(command, "list"), 2*(16*rules.MaxRevoked+128)+2)
	if err != nil {
		return err
	}
	list, err := purse.FromText(string(text))
	if err != nil {
		return err
	}
	phone := phoneOf(command)
	if err := phone.Revoke(list); err != nil {
		return err
	}
	return showPurse(command, phone)
}

// newFundCommand makes "purse fund". The money is set aside when the certificate is taken in; without that the payee
// believes the smaller deposit, and nothing is lost.
func newFundCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "fund AMOUNT", Short: "Add to the purse's deposit out of a wallet",
		Long: `Sets more aside for the purse. Payees believe the larger deposit by a certificate: it is taken
in at once where the bank's certifying key is here, and otherwise by "purse update" with what the bank's "purse
certify" prints.`,
		Example: "  aqsha purse fund 1000 --from aigerim --purse ./phone.json", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			from, amount, err := s.WalletAndAmount(cli.Flag(command, "from"), args[0])
			if err != nil {
				return err
			}
			phone := phoneOf(command)
			standing, err := standingOn(s, phone)
			if err != nil {
				return err
			}
			if amount == 0 {
				return token.Errorf(token.AmountZero, "amount", "an amount is positive")
			}
			receipt, err := s.FundPurse(ctx, from, standing.Purse, amount)
			if err == nil {
				// The money is set aside, whatever becomes of the certificate: a failure would have it set aside again.
				if kept := certify(ctx, s, phone, standing.Purse); kept != nil {
					l := cli.LanguageFor(command)
					fmt.Fprintln(command.ErrOrStderr(), "warning: "+l.Text("purse.keeps-certificate", "why",
						errtext.Plain(kept.Error())))
				}
			}
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.purse-funded", "amount", amount.Format()))
		}),
	}
	command.Flags().String("from", "", "wallet that pays")
	return command
}

func newShowCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "show", Short: "Show the purse on this device, or with --owner what the ledger has of it",
		Long: `Without --owner nothing is asked of anybody. With --owner WALLET, whose key is here, the node says what
is in the purse on the ledger, and of the payments that came there which are paid and which wait.`,
		Example: "  aqsha purse show --purse ./phone.json\n  aqsha purse show --owner aigerim --purse ./phone.json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if cli.Flag(command, "owner") != "" {
				return session.ReadingLedger(showAccount)(command, args)
			}
			return showPurse(command, phoneOf(command))
		},
	}
	command.Flags().String("owner", "", "wallet that the purse was opened out of: ask the ledger")
	return command
}

// shownLinks is how many payments "show --owner" lists.
const shownLinks = 20

// showAccount shows what the ledger has of the purse.
func showAccount(ctx context.Context, command *cobra.Command, s *session.Session, _ []string) error {
	owner, err := s.WalletOf(cli.Flag(command, "owner"))
	if err != nil {
		return err
	}
	// Which purse it is says the phone, what it has says the ledger: the two differ until the purse has settled.
	standing, err := standingOn(s, phoneOf(command))
	if err != nil {
		return err
	}
	a, err := s.API.PurseAccount(ctx, owner, standing.Purse, shownLinks)
	if err != nil {
		return err
	}
	return cli.Show(command, a, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("purse.ledger", "id", a.ID, "amount", a.Lock.Format()))
		fmt.Fprintln(w, "  ", l.Text("purse.ledger-account", "deposit", a.Deposit.Format(), "came", a.KnownIn.Format(),
			"paid", a.Known.Format(), "count", a.Count))
		if a.Convicted {
			fmt.Fprintln(w, "  ", l.Text("purse.ledger-convicted", "amount", a.Bonded.Format()))
		}
		for i := range a.Links {
			link := &a.Links[i]
			said := []any{"number", link.Number, "amount", link.Amount.Format(), "payee", s.WalletName(link.Payee)}
			if link.Paid {
				fmt.Fprintln(w, "  ", l.Text("purse.link-paid", said...))
			} else {
				fmt.Fprintln(w, "  ", l.Text("purse.link-waits", said...))
			}
		}
		fmt.Fprintln(w, "  ", l.Text("purse.returns", "at", terminal.Moment(a.Ends)))
	})
}

func showPurse(command *cobra.Command, phone *purse.Phone) error {
	s, err := phone.Standing()
	if err != nil {
		return err
	}
	return cli.Show(command, s, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("purse.funds", "id", s.Purse, "amount", s.Funds.Format()))
		if s.Convicted {
			fmt.Fprintln(w, "  ", l.Text("purse.self-convicted"))
		}
		fmt.Fprintln(w, "  ", l.Count("purse.account", s.Held, "deposit", s.Deposit.Format(), "received",
			s.Received.Format(), "paid", s.Paid.Format()))
		fmt.Fprintln(w, "  ", l.Text("purse.limits", "once", s.Limits.MaxPayment.Format(), "all",
			s.Limits.MaxOffline.Format()))
		showList(w, l, &s)
		if s.Pending {
			fmt.Fprintln(w, "  ", l.Text("purse.pending"))
		}
		if s.GivenUp > 0 {
			fmt.Fprintln(w, "  ", l.Count("purse.many-given-up", s.GivenUp))
		}
	})
}

// showList says which revocation list a purse has, and whether it is stale.
func showList(w io.Writer, l words.Language, s *purse.Standing) {
	if s.ListMillis == 0 {
		fmt.Fprintln(w, "  ", staleWords(l, s))
		return
	}
	pairs := []any{"count", s.Revoked, "at", terminal.Moment(s.ListMillis)}
	known := l.Text("purse.by-list", pairs...)
	if s.ListFilter {
		known = l.Text("purse.by-filter", pairs...)
	}
	if !s.ListSigned {
		known += " " + l.Text("purse.unsigned")
	}
	fmt.Fprintln(w, "  ", known)
	if s.ListStale {
		fmt.Fprintln(w, "  ", staleWords(l, s))
	}
}

// staleWords say what a stale list, or none, leaves open.
func staleWords(l words.Language, s *purse.Standing) string {
	if s.ListMillis == 0 {
		return l.Text("purse.no-list")
	}
	return l.Text("purse.stale-list")
}
