package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

func newWalletCommand() *cobra.Command {
	command := &cobra.Command{Use: "wallet", Short: "Wallets: open, change, re-key, freeze, seize, close"}
	addLedgerFlags(command)
	for _, c := range []*cobra.Command{walletNew(), walletUpdate(), walletRekey(), walletCancel(), walletClose(), walletTake(), walletFreeze(), walletUnfreeze(), walletSeize()} {
		addDraftFlag(c)
		command.AddCommand(c)
	}
	command.AddCommand(walletList(), walletShow(), walletHeld(), walletName())
	return command
}

func walletNew() *cobra.Command {
	command := &cobra.Command{
		Use: "new NAME", Short: "Open a wallet: its registrar signs, its new key proves possession",
		Example: `  aqsha wallet new aigerim --bank Halyk --tier person
  aqsha wallet new court --authority --tier state --role court
  aqsha wallet new timur --bank Halyk --public-key ed25519:8a88… --out timur.json   # the key is the customer's, who signs the draft`,
		Args: cobra.ExactArgs(1),
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			w := wallet.NewWallet{Name: args[0]}
			direct, _ := command.Flags().GetBool("authority")
			if bank := flag(command, "bank"); (bank != "") == direct {
				return usageError{fmt.Errorf("say who registers the wallet: --bank NAME or --authority")}
			} else if bank != "" {
				ids, err := s.resolve(bank)
				if err != nil {
					return err
				}
				w.Registrar = ids[0]
			}
			var err error
			if w.Tier, err = s.tier(ctx, flag(command, "tier")); err != nil {
				return err
			}
			w.Recovery, _ = command.Flags().GetBool("recovery")
			if text := flag(command, "public-key"); text != "" {
				if err := w.Key.UnmarshalText([]byte(text)); err != nil {
					return usageError{fmt.Errorf("--public-key: %w", err)}
				}
				if flag(command, "out") == "" {
					return usageError{errors.New("--public-key: the holder signs too: write a draft for him with --out FILE")}
				}
				if w.Recovery {
					return usageError{errors.New("--recovery: a recovery key is its holder's: he adds it himself")}
				}
			}
			readAttributes(command, &w.Attributes)
			receipt, err := s.Register(ctx, w)
			return showReceipt(command, receipt, err, "wallet %s is %s\n", args[0], token.RegisteredID(receipt.ID))
		}),
	}
	command.Flags().String("bank", "", "the bank that registers it")
	command.Flags().Bool("authority", false, "the central bank registers it directly")
	command.Flags().String("tier", "person", "name or number of its tier")
	command.Flags().String("public-key", "", "the customer's key, as he brings it (aqsha key new prints it); with --out")
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
		a.Region = flag(command, "region")
	}
	if command.Flags().Changed("role") {
		a.Role = flag(command, "role")
	}
}

// tier reads the name or number of a tier.
func (s *session) tier(ctx context.Context, text string) (uint8, error) {
	a, err := s.Client.Authority(ctx)
	if err != nil {
		return 0, err
	}
	names := make([]string, 0, len(a.Policy.Tiers))
	for i, t := range a.Policy.Tiers {
		if t.Name == text || fmt.Sprint(i) == text {
			return uint8(i), nil
		}
		names = append(names, t.Name)
	}
	return 0, usageError{fmt.Errorf("--tier %q: the policy has %s", text, strings.Join(names, ", "))}
}

// forWallet makes a command's function that works on the wallet its first argument names.
func forWallet(act func(ctx context.Context, command *cobra.Command, s *session, id token.WalletID, args []string) (node.Receipt, string, error)) func(*cobra.Command, []string) error {
	return onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
		ids, err := s.resolve(args[0])
		if err != nil {
			return err
		}
		receipt, said, err := act(ctx, command, s, ids[0], args)
		return showReceipt(command, receipt, err, "%s", said)
	})
}

// walletName is what a customer does whose bank opened a wallet for his key.
func walletName() *cobra.Command {
	return &cobra.Command{
		Use: "name NAME ID", Short: "Note a wallet's id under a name of yours: your own, which the key of that name opens, or a payee's",
		Example: "  aqsha wallet name me 8a884f3c…", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			var id token.WalletID
			if err := id.UnmarshalText([]byte(args[1])); err != nil {
				return usageError{fmt.Errorf("%q is not a wallet's id of 32 hexadecimal digits", args[1])}
			}
			book, err := openBook(command)
			if err != nil {
				return err
			}
			if err := book.Put(wallet.Name{Name: args[0], ID: id}); err != nil {
				return err
			}
			return show(command, map[string]any{"name": args[0], "id": id}, func(w io.Writer) { fmt.Fprintf(w, "%s is %s\n", args[0], id) })
		},
	}
}

func walletUpdate() *cobra.Command {
	command := &cobra.Command{
		Use: "update WALLET", Short: "Change tier and attributes; the registrar signs",
		Example: "  aqsha wallet update aigerim --tier business --category 5411", Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session, id token.WalletID, args []string) (node.Receipt, string, error) {
			var tier uint8
			if command.Flags().Changed("tier") {
				var err error
				if tier, err = s.tier(ctx, flag(command, "tier")); err != nil {
					return node.Receipt{}, "", err
				}
			}
			receipt, err := s.Update(ctx, id, func(t *uint8, a *token.Attributes) {
				if command.Flags().Changed("tier") {
					*t = tier
				}
				readAttributes(command, a)
			})
			return receipt, fmt.Sprintf("wallet %s is changed\n", args[0]), err
		}),
	}
	command.Flags().String("tier", "", "name or number of its new tier")
	addAttributeFlags(command)
	return command
}

func walletRekey() *cobra.Command {
	command := &cobra.Command{
		Use: "rekey WALLET", Short: "Give a wallet a new key",
		Long: `Give a wallet a new key. The recovery key (--by recovery) and the enforcement set (--by enforcement) do it at
once, and so does the old key (--by wallet) of a wallet that has no recovery key. The bank (--by intermediary), and
the old key of a wallet that has one, only after a delay, in which payments out are blocked and the old key or the
recovery key can cancel: nobody at the bank can take a wallet, and who has stolen its key cannot keep it.`,
		Example: `  aqsha wallet rekey marat --by recovery
  aqsha wallet rekey marat --by intermediary --key marat-new-phone`,
		Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session, id token.WalletID, args []string) (node.Receipt, string, error) {
			var by token.Role
			if err := by.UnmarshalText([]byte(flag(command, "by"))); err != nil {
				return node.Receipt{}, "", usageError{fmt.Errorf("--by: %w", err)}
			}
			name := flag(command, "key")
			if name == "" {
				var err error
				if name, err = s.FreshKeyName(id, args[0]); err != nil {
					return node.Receipt{}, "", err
				}
			}
			receipt, err := s.Rekey(ctx, id, by, name)
			said := fmt.Sprintf("wallet %s has the key %s\n", args[0], name)
			if err == nil && s.waits(ctx, id) {
				said = fmt.Sprintf("wallet %s waits for the key %s; payments out are blocked, the old key and the recovery key can cancel\n", args[0], name)
			}
			return receipt, said, err
		}),
	}
	command.Flags().String("by", "wallet", "who asks: wallet, recovery, intermediary, enforcement")
	command.Flags().String("key", "", "name of the new key, made if it is not here (default WALLET-new, or WALLET-new-2 and so on when that is taken)")
	return command
}

// waits says whether a new key or the closing of a wallet waits. Where it cannot be asked it does not say so.
func (s *session) waits(ctx context.Context, id token.WalletID) bool {
	view, err := s.Client.Wallet(ctx, id)
	return err == nil && view.Rekeying
}

func walletCancel() *cobra.Command {
	command := &cobra.Command{
		Use: "cancel WALLET", Aliases: []string{"cancel-rekey"}, Short: "Stop a new key or the closing that waits, with the present key or the recovery key",
		Example: "  aqsha wallet cancel marat\n  aqsha wallet cancel marat --by recovery", Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session, id token.WalletID, args []string) (node.Receipt, string, error) {
			var by token.Role
			if err := by.UnmarshalText([]byte(flag(command, "by"))); err != nil {
				return node.Receipt{}, "", usageError{fmt.Errorf("--by: %w", err)}
			}
			receipt, err := s.Cancel(ctx, id, by)
			return receipt, fmt.Sprintf("wallet %s stays as it is\n", args[0]), err
		}),
	}
	command.Flags().String("by", "wallet", "who signs: wallet or recovery")
	return command
}

func walletHeld() *cobra.Command {
	return &cobra.Command{
		Use: "held WALLET", Short: "Show what the rules hold for a wallet: paid beyond its limit, or after it was closed",
		Example: "  aqsha wallet held marat", Args: cobra.ExactArgs(1),
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			ids, err := s.resolve(args[0])
			if err != nil {
				return err
			}
			held, err := s.Client.Held(ctx, ids[0])
			if err != nil {
				return err
			}
			return show(command, held, func(w io.Writer) {
				fmt.Fprintf(w, "%s is held for %s, in %s\n", held.Balance.Format(), args[0], held.Holder)
				if held.Closed != nil {
					fmt.Fprintln(w, "the wallet is closed: its last key, or its last recovery key, says where it goes")
				}
			})
		}),
	}
}

func walletTake() *cobra.Command {
	command := &cobra.Command{
		Use: "take WALLET [AMOUNT]", Short: "Take what the rules hold for a wallet, all that fits one transaction or an amount",
		Long: `Take what the rules hold for a wallet. A contract's payout above what the wallet may hold waits for it, beyond the
contract's reach, and is taken in parts as the wallet has room again. What is paid to a closed wallet waits too: its
last key (--by wallet) or its last recovery key (--by recovery) says to which wallet it goes, or enforcement and the
bank together do (--by enforcement). Only these two move what the suspense wallets of rules version 1 hold: name the
suspense wallet with --suspense.`,
		Example: `  aqsha wallet take marat
  aqsha wallet take marat 5000 --to marat-new --by recovery
  aqsha wallet take 91ab… --suspense --by enforcement --to marat --out draft.json`, Args: cobra.RangeArgs(1, 2),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session, id token.WalletID, args []string) (node.Receipt, string, error) {
			amount, to, purpose, by := money.Tiyn(0), id, uint32(0), token.Role(0)
			if err := by.UnmarshalText([]byte(flag(command, "by"))); err != nil {
				return node.Receipt{}, "", usageError{fmt.Errorf("--by: %w", err)}
			}
			if len(args) == 2 {
				var err error
				if amount, err = money.ParseTenge(args[1]); err != nil {
					return node.Receipt{}, "", usageError{err}
				}
			}
			if text := flag(command, "purpose"); text != "" {
				p, err := s.Purpose(ctx, text)
				if err != nil {
					return node.Receipt{}, "", err
				}
				purpose = p.Number
			}
			name := args[0]
			if text := flag(command, "to"); text != "" {
				ids, err := s.resolve(text)
				if err != nil {
					return node.Receipt{}, "", err
				}
				to, name = ids[0], text
			}
			if suspense, _ := command.Flags().GetBool("suspense"); suspense {
				receipt, err := s.ReleaseSuspense(ctx, id, to, purpose, amount)
				return receipt, fmt.Sprintf("it went to %s\n", name), err
			}
			receipt, err := s.Release(ctx, id, to, by, purpose, amount)
			return receipt, fmt.Sprintf("it went to %s\n", name), err
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
		Long: `End an empty wallet: at once when its own key asks. When its bank asks (--by intermediary) only after a delay, in
which the wallet's key or its recovery key can cancel, and not while a contract names the wallet.`,
		Example: "  aqsha wallet close marat\n  aqsha wallet close marat --by intermediary", Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session, id token.WalletID, args []string) (node.Receipt, string, error) {
			var by token.Role
			if err := by.UnmarshalText([]byte(flag(command, "by"))); err != nil {
				return node.Receipt{}, "", usageError{fmt.Errorf("--by: %w", err)}
			}
			receipt, err := s.Close(ctx, id, by)
			said := fmt.Sprintf("wallet %s is closed\n", args[0])
			if err == nil && s.waits(ctx, id) {
				said = fmt.Sprintf("wallet %s closes after the delay, if it is empty then; its key and its recovery key can cancel\n", args[0])
			}
			return receipt, said, err
		}),
	}
	command.Flags().String("by", "wallet", "who signs: wallet or intermediary")
	return command
}

func walletFreeze() *cobra.Command {
	command := &cobra.Command{
		Use: "freeze WALLET", Short: "Stop a wallet under a case; the enforcement set signs",
		Example: `  aqsha wallet freeze marat --case "court 12/2026" --mode debits`, Args: cobra.ExactArgs(1),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session, id token.WalletID, args []string) (node.Receipt, string, error) {
			mode, ok := map[string]token.FreezeMode{"debits": token.FreezeDebits, "all": token.FreezeAll}[flag(command, "mode")]
			if !ok {
				return node.Receipt{}, "", usageError{fmt.Errorf("--mode %q: want debits or all", flag(command, "mode"))}
			}
			receipt, err := s.Freeze(ctx, id, mode, flag(command, "case"))
			return receipt, fmt.Sprintf("wallet %s is frozen (%s)\n", args[0], flag(command, "mode")), err
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
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session, id token.WalletID, args []string) (node.Receipt, string, error) {
			receipt, err := s.Freeze(ctx, id, token.NotFrozen, flag(command, "case"))
			return receipt, fmt.Sprintf("wallet %s is free\n", args[0]), err
		}),
	}
	addCaseFlag(command)
	return command
}

func walletSeize() *cobra.Command {
	command := &cobra.Command{
		Use: "seize WALLET AMOUNT COURT", Short: "Take an amount from a frozen wallet to a court's wallet",
		Long: `Takes money out of a frozen wallet under the freeze's case. What is left over stays there, frozen.
Marked money is taken with --purpose, of one purpose at a time: the mark ends on what the court has and stays on the rest.`,
		Example: `  aqsha wallet seize marat 5000 court --case "court 12/2026"
  aqsha wallet seize school 5000 court --purpose meals --case "court 12/2026"`, Args: cobra.ExactArgs(3),
		RunE: forWallet(func(ctx context.Context, command *cobra.Command, s *session, id token.WalletID, args []string) (node.Receipt, string, error) {
			amount, err := money.ParseTenge(args[1])
			if err != nil {
				return node.Receipt{}, "", usageError{err}
			}
			court, err := s.resolve(args[2])
			if err != nil {
				return node.Receipt{}, "", err
			}
			purpose := uint32(0)
			if text := flag(command, "purpose"); text != "" {
				p, err := s.Purpose(ctx, text)
				if err != nil {
					return node.Receipt{}, "", err
				}
				purpose = p.Number
			}
			receipt, err := s.Seize(ctx, id, court[0], purpose, amount, flag(command, "case"))
			return receipt, fmt.Sprintf("%s of wallet %s went to %s\n", amount.Format(), args[0], args[2]), err
		}),
	}
	addCaseFlag(command)
	command.Flags().String("purpose", "", "take money that is marked with this purpose, by name or number")
	return command
}

func walletList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the wallets whose names are in the data directory", Example: "  aqsha wallet list", Args: cobra.NoArgs,
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, _ []string) error {
			names, err := s.Book.Names()
			if err != nil {
				return err
			}
			type line struct {
				Name string `json:"name"`
				api.WalletView
			}
			lines := []line{}
			for _, n := range names {
				if view, err := s.Client.Wallet(ctx, n.ID); err == nil {
					lines = append(lines, line{n.Name, view})
				}
			}
			return show(command, lines, func(w io.Writer) {
				table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "NAME\tID\tBALANCE\tTOKENS\tSTATE")
				for _, l := range lines {
					fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", l.Name, l.ID, l.Balance.Format(), l.Tokens, stateOf(l.WalletView))
				}
				table.Flush()
			})
		}),
	}
}

// stateOf says in words what is special about a wallet.
func stateOf(w api.WalletView) string {
	var words []string
	if w.Treasury {
		words = append(words, "treasury")
	}
	switch w.Frozen {
	case token.FreezeDebits:
		words = append(words, "debits frozen")
	case token.FreezeAll:
		words = append(words, "frozen")
	}
	if w.Held {
		words = append(words, "holds money for another wallet")
	}
	if w.Rekey.Closes() {
		words = append(words, "closes at "+time.UnixMilli(int64(w.Rekey.DueMillis)).Format(time.DateTime))
	} else if w.Rekeying {
		words = append(words, "new key from "+time.UnixMilli(int64(w.Rekey.DueMillis)).Format(time.DateTime))
	}
	if len(words) == 0 {
		return "active"
	}
	return strings.Join(slices.Compact(words), ", ")
}

func walletShow() *cobra.Command {
	return &cobra.Command{
		Use: "show WALLET", Short: "Show a wallet: balance, tier, limits used, state", Example: "  aqsha wallet show aigerim --json", Args: cobra.ExactArgs(1),
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			ids, err := s.resolve(args[0])
			if err != nil {
				return err
			}
			view, err := s.Client.Wallet(ctx, ids[0])
			if err != nil {
				return err
			}
			a, err := s.Client.Authority(ctx)
			if err != nil {
				return err
			}
			held, err := s.Client.Held(ctx, ids[0])
			if err != nil {
				return err
			}
			return show(command, view, func(w io.Writer) {
				describeWallet(w, s, view, a.Policy)
				if held.Balance != 0 {
					fmt.Fprintf(w, "%s more is held for it: paid beyond its limit; aqsha wallet take %s\n", held.Balance.Format(), args[0])
				}
			})
		}),
	}
}

func describeWallet(w io.Writer, s *session, view api.WalletView, policy token.Policy) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	fmt.Fprintf(table, "id\t%s\nregistrar\t%s\nkey\t%s\nstate\t%s\nbalance\t%s in %d tokens\n",
		view.ID, s.Book.NameOf(view.Registrar), view.Key, stateOf(view), view.Balance.Format(), view.Tokens)
	if a := view.Attributes; a != (token.Attributes{}) {
		fmt.Fprintf(table, "attributes\tcategory %d, region %q, role %q\n", a.Category, a.Region, a.Role)
	}
	if len(view.Testimonies) > 0 {
		fmt.Fprintf(table, "vouched\t%s\n", plain(strings.Join(view.Testimonies, ", ")))
	}
	tier, ok := policy.Tier(view.Tier)
	if view.Treasury || !ok {
		return
	}
	limit := func(most money.Tiyn) string {
		if most == 0 {
			return "no limit"
		}
		return most.Format()
	}
	paid, payments := view.PaidToday, view.PaymentsToday
	if view.Day != policy.Day(s.Now()) {
		paid, payments = 0, 0
	}
	fmt.Fprintf(table, "tier\t%s\npaid today\t%s in %d payments\nat once\t%s\na day\t%s\nheld\t%s\n",
		tier.Name, paid.Format(), payments, limit(tier.PaymentMost), limit(tier.DayMost), limit(tier.BalanceMost))
}
