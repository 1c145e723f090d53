package walletcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// NewIssueCommand makes the command "issue".
func NewIssueCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "issue BANK AMOUNT…", Short: "Issue tenge to a bank's treasury, a token per amount; the issue set signs",
		Example: "  aqsha issue Halyk 1000000 500000", Args: cobra.MinimumNArgs(2),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0])
			if err != nil {
				return err
			}
			var amounts []money.Tiyn
			var total money.Tiyn
			for _, text := range args[1:] {
				amount, err := money.ParseTenge(text)
				if err != nil {
					return cli.Usage(err)
				}
				amounts, total = append(amounts, amount), total+amount
			}
			receipt, err := s.Issue(ctx, ids[0], amounts...)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.issued", "amount", total.Format(), "bank", args[0]))
		}),
	}
	datadir.AddLedgerFlags(command)
	session.AddDraftFlag(command)
	return command
}

// NewRedeemCommand makes the command "redeem".
func NewRedeemCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "redeem BANK AMOUNT", Short: "Destroy tenge of a bank's treasury; the treasury and the issue set sign",
		Example: "  aqsha redeem Halyk 250000", Args: cobra.ExactArgs(2),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, amount, err := s.WalletAndAmount(args[0], args[1])
			if err != nil {
				return err
			}
			receipt, err := s.Redeem(ctx, ids, amount)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.redeemed", "amount", amount.Format(), "bank", args[0]))
		}),
	}
	datadir.AddLedgerFlags(command)
	session.AddDraftFlag(command)
	return command
}

// NewPayCommand makes the command "pay".
func NewPayCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "pay FROM TO AMOUNT | pay FROM --batch FILE.csv",
		Short: "Pay, one payment or many from a CSV file",
		Long: `Pay from a wallet whose key is here. Any number of processes may pay from one wallet at
once: each gets tokens that no other is using, or waits for change.

With --idempotency-key, a payment is made once for that key however often the command is run; the
same key for another payment is refused. The data directory remembers the keys (payments/): run it in one directory.
A copy of the data directory that was made before the payment knows nothing of it, and pays for itself.

A batch file has a header of the columns to and amount, and of id, memo, purpose, mark and document
(SHA-256) those that are needed; --memo, --memo-for, --purpose, --mark and --document hold for every row
without a column of its own. Each payment is signed and journalled before it is sent
(FILE.csv.journal), so that an interrupted batch, run again, pays nobody twice: rows are known by
their id, else by their contents. The data directory remembers too what each payer paid (payments/): a
row with an id is paid once, whatever its file is called; rows without ids that were paid, or begun, from
another file are refused (exit code 3) unless a new --batch-name says that they are others. A batch whose rows were
all paid is not paid again (exit code 3); next month's, with the same rows, has another --batch-name, or ids.`,
		Example: `  aqsha pay aigerim shop 1500.50 --memo "bread and milk"
  aqsha pay aigerim shop 1500.50 --idempotency-key order-4711
  aqsha pay treasury school 50000 --mark meals
  aqsha pay school canteen 700 --purpose meals
  aqsha pay aigerim pharmacy 4500 --purpose any
  aqsha pay farm --batch salaries.csv --batch-name 2026-12`,
		Args: func(command *cobra.Command, args []string) error {
			want := 3
			if cli.Flag(command, "batch") != "" {
				want = 1
			}
			if len(args) != want {
				return cli.Usage(fmt.Errorf("want FROM TO AMOUNT, or FROM --batch FILE.csv"))
			}
			return checkPayFlags(command)
		},
		RunE: func(command *cobra.Command, args []string) error {
			pay := func(ctx context.Context, s *session.Session) error {
				s = s.Drafting(command)
				switch {
				case cli.Flag(command, "batch") != "":
					return payBatch(ctx, command, s, args[0], cli.Flag(command, "batch"))
				case cli.Flag(command, "idempotency-key") != "":
					return payOnce(ctx, command, s, args)
				}
				return payOne(ctx, command, s, args)
			}
			hashed, _ := command.Flags().GetBool("memo-hash") // prints a salt, which must not be printed twice
			if cli.Flag(command, "batch") != "" || cli.Flag(command, "out") != "" || hashed {
				return session.WithSession(command, false, pay)
			}
			return session.WithPayer(command, pay)
		},
	}
	datadir.AddLedgerFlags(command)
	session.AddDraftFlag(command)
	addPayFlags(command)
	return command
}

func addPayFlags(command *cobra.Command) {
	command.Flags().String("memo", "", "a remark of up to 256 bytes, readable by whoever may read entries")
	command.Flags().String("memo-for", "", "encrypt the memo to this age recipient (age1…) of the payee")
	command.Flags().Bool("memo-hash", false, "put only a salted hash of the memo on the ledger, and print the salt")
	command.Flags().String("purpose", "", "pay with money marked for this purpose; any: with whatever becomes plain "+
		"by it, the soonest ending first, then plain money")
	command.Flags().String("mark", "", "mark plain tenge for this purpose by the payment")
	command.Flags().String("document", "", "with --purpose or --mark: file whose SHA-256 is attached, or the 64 "+
		"digits of the hash")
	command.Flags().String("idempotency-key", "",
		"make this payment once for this key, however often the command is run")
	command.Flags().String("batch", "", "CSV file with many payments")
	command.Flags().String("journal", "", "journal of the batch (default FILE.csv.journal)")
	command.Flags().String("batch-name", "", "tells a batch from another with the same rows, such as 2026-12")
	command.Flags().Bool("only-new", false, "pay those rows alone that were not paid in a batch that is complete")
}

// checkPayFlags refuses flags that would have no effect.
func checkPayFlags(command *cobra.Command) error {
	without := func(what string, names ...string) error {
		for _, name := range names {
			if command.Flags().Changed(name) {
				return cli.Usage(fmt.Errorf("--%s does not apply %s", name, what))
			}
		}
		return nil
	}
	// A script whose variable is empty must not pay without the protection that it asked for.
	for _, name := range []string{"idempotency-key", "purpose", "mark", "document", "memo-for", "batch", "batch-name",
		"journal", "out"} {
		if f := command.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
			return cli.Usage(fmt.Errorf("--%s: is empty; leave it out or give it a value", name))
		}
	}
	switch {
	case command.Flags().Changed("idempotency-key") && cli.Flag(command, "idempotency-key") == "":
		return cli.Usage(errors.New("--idempotency-key: empty: it would pay each time; give a key of 1 to 200 bytes, " +
			"or leave it out"))
	case cli.Flag(command, "purpose") != "" && cli.Flag(command, "mark") != "":
		return cli.Usage(errors.New("--purpose or --mark, not both"))
	case cli.Flag(command, "batch") != "":
		return without("to a batch", "memo-hash", "idempotency-key", "out")
	case cli.Flag(command, "document") != "" && cli.Flag(command, "purpose") == "" && cli.Flag(command, "mark") == "":
		return cli.Usage(errors.New("--document belongs to marked money: give --purpose or --mark"))
	case cli.Flag(command, "idempotency-key") != "":
		if err := without("with --idempotency-key", "out"); err != nil {
			return err
		}
		if err := without("with --idempotency-key, since its salt is drawn anew each time", "memo-hash"); err != nil {
			return err
		}
	}
	return without("without --batch", "journal", "batch-name", "only-new")
}

// payOne makes one payment.
func payOne(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
	from, amount, err := s.WalletAndAmount(args[0], args[2])
	if err != nil {
		return err
	}
	to, err := s.Resolve(args[1])
	if err != nil {
		return err
	}
	memo, err := memoOf(command)
	if err != nil {
		return err
	}
	if cli.Flag(command, "purpose") != "" || cli.Flag(command, "mark") != "" {
		return payEarmarked(ctx, command, s, wallet.EarmarkedPayment{From: from, To: to[0], Amount: amount, Memo: memo},
			args)
	}
	receipt, err := s.Pay(ctx, from, to[0], amount, memo)
	return session.ShowDone(command, receipt, err,
		cli.LanguageFor(command).Text("result.paid", "from", args[0], "amount", amount.Format(), "to", args[1]))
}

// payEarmarked pays marked money, or marks.
func payEarmarked(ctx context.Context, command *cobra.Command, s *session.Session, p wallet.EarmarkedPayment,
	args []string) error {
	purpose, earmark := cli.Flag(command, "purpose"), cli.Flag(command, "mark")
	p.Earmark = earmark != ""
	var err error
	if p.Any = purpose == anyPurpose; !p.Any {
		if p.Purpose, err = s.Purpose(ctx, purpose+earmark); err != nil {
			return err
		}
	}
	if p.Document, err = session.DocumentOf(command); err != nil {
		return err
	}
	receipt, becomes, err := s.PayEarmarked(ctx, p)
	l, pairs := cli.LanguageFor(command), []any{"from", args[0], "amount", p.Amount.Format(), "to", args[1]}
	if becomes != 0 {
		return session.ShowDone(command, receipt, err,
			l.Text("result.paid-purpose", append(pairs, "purpose", becomes)...))
	}
	return session.ShowDone(command, receipt, err, l.Text("result.paid-plain", pairs...))
}

// anyPurpose is no purpose's name: the rules refuse it.
const anyPurpose = "any"

// memoOf makes the memo in the form that was asked for. Of a hashed one the salt is printed on stderr, once: without
// it nobody can show later what the hash is of.
func memoOf(command *cobra.Command) (token.Memo, error) {
	text, recipient := cli.Flag(command, "memo"), cli.Flag(command, "memo-for")
	hash, _ := command.Flags().GetBool("memo-hash")
	switch {
	case text == "" && (recipient != "" || hash):
		return token.Memo{}, cli.Usage(errors.New("--memo-for and --memo-hash need --memo"))
	case len(text) > token.MaxMemo:
		return token.Memo{}, cli.Usage(fmt.Errorf("--memo: %d bytes, at most %d", len(text), token.MaxMemo))
	case recipient != "" && hash:
		return token.Memo{}, cli.Usage(errors.New("--memo-for or --memo-hash, not both"))
	case recipient != "":
		memo, err := wallet.EncryptMemo(text, recipient)
		if err != nil {
			return memo, cli.Usage(fmt.Errorf("--memo-for: %w", err))
		}
		return memo, nil
	case hash:
		memo, salt, err := wallet.HashMemo(text)
		if err == nil {
			fmt.Fprintf(command.ErrOrStderr(), "salt of the memo, for the payee: %x\n", salt)
		}
		return memo, err
	}
	return token.Plain(text), nil
}

// earmarkedPart is how much of a balance carries a purpose.
type earmarkedPart struct {
	Purpose uint32     `json:"purpose"`
	Name    string     `json:"name"`
	Amount  money.Tiyn `json:"amount"`
}

// maxTokens is how many tokens of a wallet one answer lists at most.
const maxTokens = 4096

// earmarkedOf adds up what of a wallet's newest tokens carries a purpose, by number.
func earmarkedOf(ctx context.Context, s *session.Session, id token.WalletID) (parts []earmarkedPart, err error) {
	tokens, err := s.API.Tokens(ctx, id, maxTokens)
	for _, t := range tokens.Tokens {
		number := t.Asset.Purpose
		if number == 0 {
			continue
		}
		at, known := slices.BinarySearchFunc(parts, number, func(p earmarkedPart, n uint32) int {
			return cmp.Compare(p.Purpose, n)
		})
		if !known {
			parts = slices.Insert(parts, at, earmarkedPart{Purpose: number})
		}
		parts[at].Amount += t.Amount
	}
	return parts, err
}

// NewBalanceCommand makes the command "balance".
func NewBalanceCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "balance WALLET…", Short: "What wallets hold, at the last durable block",
		Example: "  aqsha balance aigerim shop", Args: cobra.MinimumNArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args...)
			if err != nil {
				return err
			}
			type line struct {
				Name      string          `json:"name"`
				ID        token.WalletID  `json:"id"`
				Balance   money.Tiyn      `json:"balance"`
				Tokens    uint32          `json:"tokens"`
				Earmarked []earmarkedPart `json:"marked,omitempty"`
				Size      uint64          `json:"size"`
			}
			var lines []line
			names := map[uint32]string{}
			for i, id := range ids {
				view, err := s.API.Wallet(ctx, id)
				if err != nil {
					return err
				}
				earmarked, err := earmarkedOf(ctx, s, id)
				if err != nil {
					return err
				}
				// Names of purposes are asked for once, and only when some wallet has marked money: most have none.
				if len(earmarked) > 0 && len(names) == 0 {
					if names, err = s.NamesOfPurposes(ctx); err != nil {
						return err
					}
				}
				for j, m := range earmarked {
					earmarked[j].Name = names[m.Purpose]
				}
				lines = append(lines, line{args[i], id, view.Balance, view.Tokens, earmarked, view.Size})
			}
			return cli.Show(command, lines, func(w io.Writer) {
				l := cli.LanguageFor(command)
				for _, one := range lines {
					fmt.Fprintf(w, "%s  %s\n", one.Name, one.Balance.Format())
					for _, m := range one.Earmarked {
						fmt.Fprintln(w, " ", l.Text("result.balance-marked", "amount", m.Amount.Format(), "purpose",
							m.Purpose, "name", terminal.Plain(m.Name)))
					}
				}
			})
		}),
	}
	datadir.AddLedgerFlags(command)
	return command
}

// NewSupplyCommand makes the command "supply".
func NewSupplyCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "supply", Short: "Tenge issued, redeemed and live", Example: "  aqsha supply --json", Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			supply, err := s.API.Supply(ctx)
			if err != nil {
				return err
			}
			return cli.Show(command, supply, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("result.supply", "issued", supply.Issued.Format(),
					"redeemed", supply.Redeemed.Format(), "live", supply.Live.Format(), "tokens", supply.Tokens,
					"wallets", supply.Wallets, "size", supply.Size))
			})
		}),
	}
	datadir.AddLedgerFlags(command)
	return command
}
