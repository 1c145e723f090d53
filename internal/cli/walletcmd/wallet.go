package walletcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// NewWalletCommand makes the command "wallet".
func NewWalletCommand() *cobra.Command {
	command := &cobra.Command{Use: "wallet", Short: "Wallets: open, change, re-key, freeze, seize, close"}
	datadir.AddLedgerFlags(command)
	for _, c := range []*cobra.Command{walletNew(), walletUpdate(), walletRekey(), walletCancel(), walletClose(),
		walletTake(), walletFreeze(), walletUnfreeze(), walletSeize()} {
		session.AddDraftFlag(c)
		command.AddCommand(c)
	}
	command.AddCommand(walletApply(), walletList(), walletShow(), walletHeld(), walletName())
	return command
}

// walletNew makes "wallet new". A key that is the customer's is never here: then a draft is written that he signs.
func walletNew() *cobra.Command {
	command := &cobra.Command{
		Use: "new NAME", Short: "Open a wallet: its registrar signs, its new key proves possession",
		Example: `  aqsha wallet new aigerim --bank Halyk --tier person
  aqsha wallet new court --authority --tier state --role court
  aqsha wallet new timur --bank Halyk --public-key ed25519:8a88… --out timur.json   # the key is the customer's, who signs the draft`,
		Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			w := wallet.NewWallet{Name: args[0]}
			direct, _ := command.Flags().GetBool("authority")
			if bank := cli.Flag(command, "bank"); (bank != "") == direct {
				return cli.Usage(fmt.Errorf("say who registers the wallet: --bank NAME or --authority"))
			} else if bank != "" {
				ids, err := s.Resolve(bank)
				if err != nil {
					return err
				}
				w.Registrar = ids[0]
			}
			var err error
			if w.Tier, err = s.Tier(ctx, cli.Flag(command, "tier")); err != nil {
				return err
			}
			w.Recovery, _ = command.Flags().GetBool("recovery")
			if text := cli.Flag(command, "public-key"); text != "" {
				if err := w.Key.UnmarshalText([]byte(text)); err != nil {
					return cli.Usage(fmt.Errorf("--public-key: %w", err))
				}
				if cli.Flag(command, "out") == "" {
					return cli.Usage(
						errors.New("--public-key: the holder signs too: write a draft for him with --out FILE"))
				}
				// A recovery key re-keys at once: made here it would be the bank's, over a wallet that is not.
				if w.Recovery {
					return cli.Usage(errors.New("--recovery: a recovery key is its holder's: he adds it himself"))
				}
			}
			readAttributes(command, &w.Attributes)
			receipt, err := s.Register(ctx, w)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.wallet", "name", args[0], "id", token.RegisteredID(receipt.ID)))
		}),
	}
	command.Flags().String("bank", "", "the bank that registers it")
	command.Flags().Bool("authority", false, "the central bank registers it directly")
	command.Flags().String("tier", "person", "name or number of its tier")
	command.Flags().String("public-key", "",
		"the customer's key, as he brings it (aqsha key new prints it); with --out")
	command.Flags().Bool("recovery", false, "make a recovery key too (NAME-recovery)")
	addAttributeFlags(command)
	return command
}

func addAttributeFlags(command *cobra.Command) {
	command.Flags().Uint16("category", 0, "merchant category (ISO 18245)")
	command.Flags().String("region", "", "region (ISO 3166-2), such as KZ-35")
	command.Flags().String("role", "", "what the holder is: person, merchant, farm, court")
}

// readAttributes takes over the attributes that were given.
func readAttributes(command *cobra.Command, a *token.Attributes) {
	if command.Flags().Changed("category") {
		a.Category, _ = command.Flags().GetUint16("category")
	}
	if command.Flags().Changed("region") {
		a.Region = cli.Flag(command, "region")
	}
	if command.Flags().Changed("role") {
		a.Role = cli.Flag(command, "role")
	}
}

// walletApply is the applicant's side. The key is made before the bank is asked and kept under the name, so that the
// command, interrupted, goes on with the same application.
func walletApply() *cobra.Command {
	command := &cobra.Command{
		Use: "apply NAME", Short: "Ask a bank for a wallet: the key is made here, the bank signs, and the key signs " +
			"what it signed",
		Long: `Makes a key here, asks the bank over the node for a wallet of it, and waits until the bank has signed
the registration, which the key then signs and hands in. Interrupted, the same command asks again with the same key.`,
		Example: "  aqsha wallet apply timur --bank 1c2d… --node https://tenge.example.kz --data me",
		Args:    cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(cli.Flag(command, "bank"))
			if err != nil {
				return err
			}
			receipt, err := s.Apply(ctx, args[0], ids[0])
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.wallet", "name", args[0], "id", token.RegisteredID(receipt.ID)))
		}),
	}
	command.Flags().String("bank", "", "the bank: its id, or its name here")
	_ = command.MarkFlagRequired("bank")
	return command
}

// forWallet makes a command's function that works on the wallet its first argument names.
func forWallet(act func(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID,
	args []string) (node.Receipt, string, error)) func(*cobra.Command, []string) error {
	return session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
		ids, err := s.Resolve(args[0])
		if err != nil {
			return err
		}
		receipt, said, err := act(ctx, command, s, ids[0], args)
		return session.ShowDone(command, receipt, err, said)
	})
}

// walletName is what a customer does whose bank opened a wallet for his key.
func walletName() *cobra.Command {
	return &cobra.Command{
		Use: "name NAME ID", Short: "Note a wallet's id under a name of yours: your own, which the key of that name " +
			"opens, or a payee's",
		Example: "  aqsha wallet name timur 8a884f3c…", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			var id token.WalletID
			if err := id.UnmarshalText([]byte(args[1])); err != nil {
				return cli.Usage(fmt.Errorf("%q is not a wallet's id of 32 hexadecimal digits", args[1]))
			}
			keyring, err := datadir.OpenKeyring(command)
			if err != nil {
				return err
			}
			// As a wallet that is opened here is called: a name that reads as a number, as a word of a command's own or
			// as somebody else's would have the wrong one paid.
			if err := keyring.Fresh(args[0]); err != nil {
				return err
			}
			if err := keyring.Put(wallet.Name{Name: args[0], ID: id}); err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"name": args[0], "id": id}, func(w io.Writer) {
				fmt.Fprintf(w, "%s = %s\n", args[0], id)
			})
		},
	}
}

func walletUpdate() *cobra.Command {
	command := &cobra.Command{
		Use: "update WALLET", Short: "Change tier and attributes; the registrar signs",
		Example: "  aqsha wallet update aigerim --tier business --category 5411", Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID,
			args []string) (node.Receipt, string, error) {
			var tier uint8
			if command.Flags().Changed("tier") {
				var err error
				if tier, err = s.Tier(ctx, cli.Flag(command, "tier")); err != nil {
					return node.Receipt{}, "", err
				}
			}
			receipt, err := s.Update(ctx, id, func(t *uint8, a *token.Attributes) {
				if command.Flags().Changed("tier") {
					*t = tier
				}
				readAttributes(command, a)
			})
			return receipt, cli.LanguageFor(command).Text("result.wallet-changed", "name", args[0]), err
		}),
	}
	command.Flags().String("tier", "", "name or number of its new tier")
	addAttributeFlags(command)
	return command
}

// walletRekey makes "wallet rekey". The new key is kept here under a name that is free before it is sent: an answer
// that is lost leaves it, and with it the wallet.
func walletRekey() *cobra.Command {
	command := &cobra.Command{
		Use: "rekey WALLET", Short: "Give a wallet a new key",
		Long: `Give a wallet a new key. The recovery key (--by recovery) and the enforcement set (--by enforcement) do
it at once, and so does the old key (--by wallet) of a wallet that has no recovery key. The bank (--by intermediary),
and the old key of a wallet that has one, only after a delay, in which payments out are blocked and the old key or the
recovery key can cancel: nobody at the bank can take a wallet, and who has stolen its key cannot keep it.

A cash office's reserve gets a new key from the issue set alone (--by issue), after the delay, in which it pays
nothing and the issue set alone can cancel: whoever has stolen the office's key can stop nothing.`,
		Example: `  aqsha wallet rekey marat --by recovery
  aqsha wallet rekey reserve --by issue --key office-new --out draft.json
  aqsha wallet rekey marat --by intermediary --key marat-new-phone
  aqsha wallet rekey timur --by intermediary --public-key ed25519:8a88… --out paper.json   # the key is the customer's, whose phone signs the draft`,
		Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID,
			args []string) (node.Receipt, string, error) {
			var by token.Role
			if err := by.UnmarshalText([]byte(cli.Flag(command, "by"))); err != nil {
				return node.Receipt{}, "", cli.Usage(fmt.Errorf("--by: %w", err))
			}
			if text := cli.Flag(command, "public-key"); text != "" {
				return rekeyTo(ctx, command, s, id, by, text)
			}
			name := cli.Flag(command, "key")
			if name == "" {
				var err error
				// Never a name that is taken: the old key still signs until the new one is in force, and may be needed
				// to cancel it.
				if name, err = s.FreshKeyName(id, args[0]); err != nil {
					return node.Receipt{}, "", err
				}
			}
			receipt, err := s.Rekey(ctx, id, by, name)
			l := cli.LanguageFor(command)
			said := l.Text("result.wallet-key", "name", args[0], "key", name)
			if err == nil && waits(ctx, s, id) {
				said = l.Text("result.wallet-key-waits", "name", args[0], "key", name, "who", whoCancels(l, by))
			}
			return receipt, said, err
		}),
	}
	command.Flags().String("by", "wallet", "who asks: wallet, recovery, intermediary, enforcement; of a cash "+
		"office's reserve: issue")
	command.Flags().String("public-key", "", "the customer's new key, as his phone shows it; with --out")
	command.Flags().String("key", "", "name of the new key, made if it is not here (default WALLET-new, or "+
		"WALLET-new-2 and so on when that is taken)")
	return command
}

// whoCancels names who can stop what somebody has asked for.
func whoCancels(l words.Language, by token.Role) string {
	if by == token.RoleIssue {
		return l.Text("result.cancel-issue")
	}
	return l.Text("result.cancel-keys")
}

// rekeyTo drafts a new key whose holder is elsewhere.
func rekeyTo(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID, by token.Role,
	text string) (node.Receipt, string, error) {
	var key token.PublicKey
	if err := key.UnmarshalText([]byte(text)); err != nil {
		return node.Receipt{}, "", cli.Usage(fmt.Errorf("--public-key: %w", err))
	}
	switch {
	case cli.Flag(command, "out") == "":
		return node.Receipt{}, "", cli.Usage(errors.New("--public-key: the holder signs too: write a draft for him " +
			"with --out FILE"))
	case cli.Flag(command, "key") != "":
		return node.Receipt{}, "", cli.Usage(errors.New("--public-key and --key name two new keys: give one"))
	}
	receipt, err := s.RekeyTo(ctx, id, by, key)
	return receipt, "", err
}

// waits says whether a new key or the closing of a wallet waits. Where it cannot be asked it does not say so.
func waits(ctx context.Context, s *session.Session, id token.WalletID) bool {
	view, err := s.API.Wallet(ctx, id)
	return err == nil && view.Rekeying
}

func walletCancel() *cobra.Command {
	command := &cobra.Command{
		Use: "cancel WALLET", Aliases: []string{"cancel-rekey"},
		Short: "Stop a new key or the closing that waits, with the present key or the recovery key",
		Long: `Stop a new key or the closing that waits. The wallet's present key does it, or its recovery key (--by
recovery); of a cash office's reserve, the issue set alone (--by issue).`,
		Example: "  aqsha wallet cancel marat\n  aqsha wallet cancel marat --by recovery\n  aqsha wallet cancel " +
			"reserve --by issue --out draft.json", Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID,
			args []string) (node.Receipt, string, error) {
			var by token.Role
			if err := by.UnmarshalText([]byte(cli.Flag(command, "by"))); err != nil {
				return node.Receipt{}, "", cli.Usage(fmt.Errorf("--by: %w", err))
			}
			receipt, err := s.Cancel(ctx, id, by)
			return receipt, cli.LanguageFor(command).Text("result.wallet-stays", "name", args[0]), err
		}),
	}
	command.Flags().String("by", "wallet", "who signs: wallet or recovery; of a cash office's reserve: issue")
	return command
}

func walletHeld() *cobra.Command {
	return &cobra.Command{
		Use:     "held WALLET",
		Short:   "Show what the rules hold for a wallet: paid beyond its limit, or after it was closed",
		Example: "  aqsha wallet held marat", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0])
			if err != nil {
				return err
			}
			held, err := s.API.Held(ctx, ids[0])
			if err != nil {
				return err
			}
			return cli.Show(command, held, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("result.wallet-held", "amount", held.Balance.Format(), "name", args[0], "holder",
					held.Holder))
				if held.Closed != nil {
					fmt.Fprintln(w, l.Text("result.wallet-held-closed"))
				}
			})
		}),
	}
}

// walletTake makes "wallet take". Without an amount it is all that fits one transaction, without --to it goes to the
// wallet that it is held for.
func walletTake() *cobra.Command {
	command := &cobra.Command{
		Use:   "take WALLET [AMOUNT]",
		Short: "Take what the rules hold for a wallet, all that fits one transaction or an amount",
		Long: `Take what the rules hold for a wallet. A contract's payout above what the wallet may hold waits for it,
beyond the contract's reach, and is taken in parts as the wallet has room again. What is paid to a closed wallet waits
too: its last key (--by wallet) or its last recovery key (--by recovery) says to which wallet it goes, or enforcement
and the bank together do (--by enforcement). Only these two move what the suspense wallets of rules version 1 hold:
name the suspense wallet with --suspense.`,
		Example: `  aqsha wallet take marat
  aqsha wallet take marat 5000 --to marat-new --by recovery
  aqsha wallet take 91ab… --suspense --by enforcement --to marat --out draft.json`, Args: cobra.RangeArgs(1, 2),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID,
			args []string) (node.Receipt, string, error) {
			// Nothing stands for all that fits one transaction, and the wallet itself for where it goes.
			amount, to, purpose, by := money.Tiyn(0), id, uint32(0), token.Role(0)
			if err := by.UnmarshalText([]byte(cli.Flag(command, "by"))); err != nil {
				return node.Receipt{}, "", cli.Usage(fmt.Errorf("--by: %w", err))
			}
			if len(args) == 2 {
				var err error
				if amount, err = money.ParseTenge(args[1]); err != nil {
					return node.Receipt{}, "", cli.Usage(err)
				}
			}
			if text := cli.Flag(command, "purpose"); text != "" {
				p, err := s.Purpose(ctx, text)
				if err != nil {
					return node.Receipt{}, "", err
				}
				purpose = p.Number
			}
			name := args[0]
			if text := cli.Flag(command, "to"); text != "" {
				ids, err := s.Resolve(text)
				if err != nil {
					return node.Receipt{}, "", err
				}
				to, name = ids[0], text
			}
			if suspense, _ := command.Flags().GetBool("suspense"); suspense {
				receipt, err := s.ReleaseSuspense(ctx, id, to, purpose, amount)
				return receipt, cli.LanguageFor(command).Text("result.wallet-went", "name", name), err
			}
			receipt, err := s.Release(ctx, id, to, by, purpose, amount)
			return receipt, cli.LanguageFor(command).Text("result.wallet-went", "name", name), err
		}),
	}
	command.Flags().String("by", "wallet", "who signs: wallet, recovery, or enforcement (with the bank)")
	command.Flags().String("to", "", "wallet that it goes to (default: the wallet itself)")
	command.Flags().String("purpose", "", "take money that is marked with this purpose, by name or number")
	command.Flags().Bool("suspense", false, "WALLET is a suspense wallet of rules version 1")
	return command
}

func walletClose() *cobra.Command {
	command := &cobra.Command{
		Use: "close WALLET", Short: "End an empty wallet",
		Long: `End an empty wallet: at once when its own key asks. When its bank asks (--by intermediary) only after a
delay, in which the wallet's key or its recovery key can cancel, and not while a contract names the wallet. A cash
office's reserve is closed by the issue set alone (--by issue), after the delay.`,
		Example: "  aqsha wallet close marat\n  aqsha wallet close marat --by intermediary\n  aqsha wallet close " +
			"reserve --by issue --out draft.json", Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID,
			args []string) (node.Receipt, string, error) {
			var by token.Role
			if err := by.UnmarshalText([]byte(cli.Flag(command, "by"))); err != nil {
				return node.Receipt{}, "", cli.Usage(fmt.Errorf("--by: %w", err))
			}
			receipt, err := s.Close(ctx, id, by)
			l := cli.LanguageFor(command)
			said := l.Text("result.wallet-closed", "name", args[0])
			if err == nil && waits(ctx, s, id) {
				said = l.Text("result.wallet-closes", "name", args[0], "who", whoCancels(l, by))
			}
			return receipt, said, err
		}),
	}
	command.Flags().String("by", "wallet", "who signs: wallet or intermediary; of a cash office's reserve: issue")
	return command
}

func walletFreeze() *cobra.Command {
	command := &cobra.Command{
		Use: "freeze WALLET", Short: "Stop a wallet under a case; the enforcement set signs",
		Example: `  aqsha wallet freeze marat --case "court 12/2026" --mode debits`, Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID,
			args []string) (node.Receipt, string, error) {
			mode, ok := map[string]token.FreezeMode{"debits": token.FreezeDebits,
				"all": token.FreezeAll}[cli.Flag(command, "mode")]
			if !ok {
				return node.Receipt{}, "",
					cli.Usage(fmt.Errorf("--mode %q: want debits or all", cli.Flag(command, "mode")))
			}
			receipt, err := s.Freeze(ctx, id, mode, cli.Flag(command, "case"))
			return receipt, cli.LanguageFor(command).Text("result.wallet-frozen", "name", args[0], "mode",
				cli.Flag(command, "mode")), err
		}),
	}
	command.Flags().String("mode", "debits", "debits (it may receive) or all")
	addCaseFlag(command)
	return command
}

func addCaseFlag(command *cobra.Command) {
	command.Flags().String("case", "", "case reference")
	_ = command.MarkFlagRequired("case")
}

func walletUnfreeze() *cobra.Command {
	command := &cobra.Command{
		Use: "unfreeze WALLET", Short: "End a freeze, under the same case",
		Example: `  aqsha wallet unfreeze marat --case "court 12/2026"`, Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID,
			args []string) (node.Receipt, string, error) {
			receipt, err := s.Freeze(ctx, id, token.NotFrozen, cli.Flag(command, "case"))
			return receipt, cli.LanguageFor(command).Text("result.wallet-free", "name", args[0]), err
		}),
	}
	addCaseFlag(command)
	return command
}

func walletSeize() *cobra.Command {
	command := &cobra.Command{
		Use: "seize WALLET AMOUNT COURT", Short: "Take an amount from a frozen wallet to a court's wallet",
		Long: `Takes money out of a frozen wallet under the freeze's case. What is left over stays there, frozen.
Marked money is taken with --purpose, of one purpose at a time: the mark ends on what the court has and stays on the
rest.`,
		Example: `  aqsha wallet seize marat 5000 court --case "court 12/2026"
  aqsha wallet seize school 5000 court --purpose meals --case "court 12/2026"`, Args: cobra.ExactArgs(3),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session.Session, id token.WalletID,
			args []string) (node.Receipt, string, error) {
			amount, err := money.ParseTenge(args[1])
			if err != nil {
				return node.Receipt{}, "", cli.Usage(err)
			}
			court, err := s.Resolve(args[2])
			if err != nil {
				return node.Receipt{}, "", err
			}
			// Plain money unless one purpose is named: what a court takes loses its mark, so that it is never taken
			// beside plain money unseen.
			purpose := uint32(0)
			if text := cli.Flag(command, "purpose"); text != "" {
				p, err := s.Purpose(ctx, text)
				if err != nil {
					return node.Receipt{}, "", err
				}
				purpose = p.Number
			}
			receipt, err := s.Seize(ctx, id, court[0], purpose, amount, cli.Flag(command, "case"))
			return receipt, cli.LanguageFor(command).Text("result.wallet-seized", "amount", amount.Format(), "name",
				args[0],
				"court", args[2]), err
		}),
	}
	addCaseFlag(command)
	command.Flags().String("purpose", "", "take money that is marked with this purpose, by name or number")
	return command
}

func walletList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the wallets whose names are in the data directory", Example: "  aqsha wallet list",
		Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			names, err := s.Keyring.Names()
			if err != nil {
				return err
			}
			lines, err := namedWallets(ctx, s.API, names)
			if err != nil {
				return err
			}
			return cli.Show(command, lines, func(w io.Writer) {
				l, table := cli.LanguageFor(command), tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, l.Text("result.wallet-columns"))
				for _, one := range lines {
					fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", one.Name, one.ID, one.Balance.Format(), one.Tokens,
						stateOf(l, one.WalletView))
				}
				table.Flush()
			})
		}),
	}
}

// namedWallet is a wallet under the name that it has here.
type namedWallet struct {
	Name string `json:"name"`
	api.WalletView
}

// namedWallets reads the wallets among names. Names are borne by contracts and agencies too, and by wallets of others,
// which who asks may not see: these are left out. Whatever else goes wrong is said: a list with gaps would read as
// money that is gone.
func namedWallets(ctx context.Context, client *api.Client, names []wallet.Name) ([]namedWallet, error) {
	list := []namedWallet{}
	for _, n := range names {
		view, err := client.Wallet(ctx, n.ID)
		var problem *api.Problem
		switch {
		case err == nil:
			list = append(list, namedWallet{n.Name, view})
		case !errors.As(err, &problem) || !slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden,
			http.StatusNotFound}, problem.Status):
			return nil, err
		}
	}
	return list, nil
}

// stateOf says in words what is special about a wallet, all of it, in the order of its weight.
func stateOf(l words.Language, w api.WalletView) string {
	var all []string
	if w.Treasury {
		all = append(all, l.Text("result.state-treasury"))
	}
	switch w.Frozen {
	case token.FreezeDebits:
		all = append(all, l.Text("result.state-debits-frozen"))
	case token.FreezeAll:
		all = append(all, l.Text("result.state-frozen"))
	}
	if w.Held {
		all = append(all, l.Text("result.state-holds"))
	}
	if w.Rekey.Closes() {
		all = append(all, l.Text("result.state-closes", "at", dueText(w)))
	} else if w.Rekeying {
		all = append(all, l.Text("result.state-rekeys", "at", dueText(w)))
	}
	if len(all) == 0 {
		return l.Text("result.state-active")
	}
	return strings.Join(slices.Compact(all), ", ")
}

// dueText is when a new key or the closing of a wallet takes effect.
func dueText(w api.WalletView) string {
	return terminal.Moment(w.Rekey.DueMillis)
}

// walletShow makes "wallet show". It reads three times, and what it shows need not be of one height.
func walletShow() *cobra.Command {
	return &cobra.Command{
		Use: "show WALLET", Short: "Show a wallet: balance, tier, limits used, state",
		Example: "  aqsha wallet show aigerim --json", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0])
			if err != nil {
				return err
			}
			view, err := s.API.Wallet(ctx, ids[0])
			if err != nil {
				return err
			}
			a, err := s.API.Authority(ctx)
			if err != nil {
				return err
			}
			// Beside the balance and not in it: what waits cannot be spent yet.
			held, err := s.API.Held(ctx, ids[0])
			if err != nil {
				return err
			}
			return cli.Show(command, view, func(w io.Writer) {
				l := cli.LanguageFor(command)
				describeWallet(w, l, s.WalletNameIn(l, view.Registrar), view, &a.Authority, s.Now())
				if held.Balance != 0 {
					fmt.Fprintln(w, l.Text("result.shown-waiting", "amount", held.Balance.Format(), "name", args[0]))
				}
			})
		}),
	}
}

// describeWallet shows a wallet in a language, with what its tier allows and what it has paid on the day of now, in
// Unix milliseconds.
func describeWallet(w io.Writer, l words.Language, registrar string, view api.WalletView, a *ledger.Authority,
	now uint64) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	row := func(label string, value any) { fmt.Fprintf(table, "%s\t%v\n", label, value) }
	row(l.Text("result.shown-id"), view.ID)
	row(l.Text("result.shown-registrar"), registrar)
	row(l.Text("result.shown-key"), view.Key)
	row(l.Text("result.shown-state"), stateOf(l, view))
	row(l.Text("result.shown-balance"), l.Count("result.shown-tokens", int(view.Tokens), "amount",
		view.Balance.Format()))
	if a := view.Attributes; a != (token.Attributes{}) {
		row(l.Text("result.shown-attributes"), l.Text("result.shown-attribute-values", "category", a.Category, "region",
			strconv.Quote(a.Region), "role", strconv.Quote(a.Role)))
	}
	if len(view.Testimonies) > 0 {
		row(l.Text("result.shown-vouched"), terminal.Plain(strings.Join(view.Testimonies, ", ")))
	}
	policy := &a.Policy
	paid, payments := view.PaidToday, view.PaymentsToday
	// Counters are of the day of the last payment: today nothing was paid yet.
	if view.Day != policy.Day(now) {
		paid, payments = 0, 0
	}
	if reserve := a.Reserve(view.ID); reserve != nil {
		describeReserve(table, l, reserve, policy, paid)
		return
	}
	tier, ok := policy.Tier(view.Tier)
	if view.Treasury || !ok {
		return
	}
	limit := func(most money.Tiyn) string {
		if most == 0 {
			return l.Text("result.no-limit")
		}
		return most.Format()
	}
	row(l.Text("result.shown-tier"), tier.Name)
	row(l.Text("result.shown-paid"), l.Count("result.shown-payments", int(payments), "amount", paid.Format()))
	row(l.Text("result.shown-once"), limit(tier.MaxPayment))
	row(l.Text("result.shown-day"), limit(tier.MaxDay))
	row(l.Text("result.shown-held"), limit(tier.MaxBalance))
}

// describeReserve shows what is particular of a wallet that backs banknotes: it has no tier's limits.
func describeReserve(w io.Writer, l words.Language, r *ledger.CashReserve, policy *token.Policy, paid money.Tiyn) {
	row := func(label, value string) { fmt.Fprintf(w, "%s\t%s\n", label, value) }
	row(l.Text("reserve.backs"), l.Text("reserve.backs-text", "count", len(r.Keysets), "origin",
		terminal.Plain(r.Origin)))
	row(l.Text("reserve.log-key"), terminal.Plain(r.LogKey))
	if r.Stamp.Size > 0 {
		row(l.Text("reserve.log-state"), l.Text("reserve.log-state-text", "size", r.Stamp.Size, "at",
			terminal.Moment(r.Stamp.Millis)))
	}
	row(l.Text("reserve.paid"), l.Text("reserve.paid-text", "paid", paid.Format(), "most",
		policy.ReserveDay().Format()))
	if policy.MaxReserve != 0 {
		row(l.Text("reserve.held"), l.Text("reserve.held-text", "most", policy.MaxReserve.Format()))
	}
	row(l.Text("reserve.changed"), l.Text("reserve.changed-text"))
}
