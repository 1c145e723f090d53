package cashcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/spf13/cobra"
	"rsc.io/qr"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	cashwallet "github.com/aqsha/aqsha/wallet/notes"
	"github.com/aqsha/aqsha/words"
)

// mintPatience is how long a withdrawal waits for the office to see its payment.
const mintPatience = 30 * time.Second

// withdraw pays for notes and takes them.
func withdraw(ctx context.Context, command *cobra.Command, s *session.Session, w *cashwallet.Wallet,
	from token.WalletID, amount money.Tiyn) error {
	op, err := w.Request(ctx, amount)
	if err != nil {
		return err
	}
	p, err := cash.ParsePayRequest(op.Request)
	if err != nil {
		return err
	}
	if err := w.Paid(op); err != nil {
		return err
	}
	if _, err := s.Pay(ctx, from, p.Wallet, amount, token.Plain(p.Memo)); err != nil {
		var unanswered *api.UnansweredError
		if !errors.As(err, &unanswered) {
			return errors.Join(err, w.Unpaid(op)) // refused: nothing was paid
		}
		return err
	}
	for until := time.Now().Add(mintPatience); ; {
		err := w.Take(ctx, op)
		var refused *cash.Refusal
		if err == nil {
			return cli.Show(command, map[string]any{"withdrawn": amount, "balance": w.Balance()}, func(out io.Writer) {
				fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.withdrew", "amount", amount.Format(), "balance",
					w.Balance().Settled.Format()))
			})
		}
		if !errors.As(err, &refused) {
			return paidFor(amount, err)
		}
		if refused.Code != cash.QuoteUnpaid {
			return err
		}
		if time.Now().After(until) {
			return paidFor(amount, errors.New("the office has not seen the payment yet"))
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			return paidFor(amount, ctx.Err())
		}
		w.Poke(ctx, op)
	}
}

// paidFor is the error of a withdrawal whose payment is in the ledger and whose notes are not here yet. Whatever kept
// them, money has moved: the office knows for what.
func paidFor(amount money.Tiyn, cause error) error {
	return &api.UnansweredError{Cause: fmt.Errorf("%s were paid for notes that have not come (%w): 'aqsha cash "+
		"settle' takes them", amount.Format(), cause)}
}

func newCashSendCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "send AMOUNT", Short: "Make a token of notes to give away",
		Long: `Prints a token (Cashu V4): whoever has it has the money. Notes are changed at the office first, so that
their history says nothing of the wallet; --offline gives notes as they are, if some make the amount exactly. --lock
makes notes that only the holder of a key can spend (NUT-11). --qr FILE draws a code as PNG; a token too large for one
is refused by name: --ur prints frames for an animated code.`,
		Example: "  aqsha cash send 1250\n  aqsha cash send 500 --offline --memo bread\n  aqsha cash send 5000 --qr note.png", Args: cobra.ExactArgs(1),
	}
	flags := command.Flags()
	flags.String("memo", "", "a text to go with the token")
	flags.Bool("offline", false, "give notes as they are, without the office")
	flags.String("lock", "", "public key (66 hexadecimal digits) whose holder alone can spend the notes")
	flags.String("qr", "", "write a code to scan to this PNG file")
	flags.Bool("ur", false, "print frames of an animated code (NUT-16)")
	command.RunE = func(command *cobra.Command, args []string) error {
		offline, _ := command.Flags().GetBool("offline")
		// Before notes are taken, as the amount is.
		if err := memoFits(command); err != nil {
			return err
		}
		if path := cli.Flag(command, "qr"); path != "" {
			if folder, err := os.Stat(filepath.Dir(path)); err != nil || !folder.IsDir() {
				return cli.Usage(fmt.Errorf("--qr: there is no folder %s", filepath.Dir(path)))
			}
		}
		return amountFirst(0, onCash(!offline, runCashSend))(command, args)
	}
	return command
}

// memoFits refuses a text that would go with notes and that no wallet reads.
func memoFits(command *cobra.Command) error {
	if n := utf8.RuneCountInString(cli.Flag(command, "memo")); n > coin.MaxMemo {
		return cli.Usage(fmt.Errorf("--memo: %d characters, at most %d", n, coin.MaxMemo))
	}
	return nil
}

// runCashSend makes a token and prints it, last of all: it is the money. Whatever fails after the notes left the
// wallet either prints it all the same or leaves it to settle --reclaim.
func runCashSend(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet, args []string) error {
	amount, err := cashAmount(args[0])
	if err != nil {
		return err
	}
	offline, _ := command.Flags().GetBool("offline")
	var lock *coin.Lock
	if key := cli.Flag(command, "lock"); key != "" {
		if lock = (&coin.Lock{Kind: cash.P2PK, Data: strings.ToLower(key)}); offline {
			return cli.Usage(errors.New("--lock needs the office: it cannot go with --offline"))
		}
		if refused := cash.CheckKey(lock.Data); refused != nil {
			return cli.Usage(fmt.Errorf("--lock: %s", refused.Rule))
		}
	}
	t, err := w.Send(ctx, amount, cli.Flag(command, "memo"), offline, lock)
	if err != nil {
		return err
	}
	text, err := t.Encode(true)
	if err != nil {
		return err
	}
	if path := cli.Flag(command, "qr"); path != "" {
		code, err := qr.Encode(text, qr.L)
		if err != nil {
			fmt.Fprintln(command.OutOrStdout(), text) // the money is in it
			return fmt.Errorf("the token of %d characters is too large for one code: --ur makes frames of it: %w",
				len(text), err)
		}
		if err := durable.Replace(vfs.OS, path, code.PNG()); err != nil {
			fmt.Fprintln(command.OutOrStdout(), text)
			return err
		}
	}
	if frames, _ := command.Flags().GetBool("ur"); frames {
		list, err := coin.Frames(text, 150)
		if err != nil {
			return err
		}
		return cli.Show(command, map[string]any{"frames": list, "token": text}, func(out io.Writer) {
			fmt.Fprintln(out, strings.Join(list, "\n"))
		})
	}
	return cli.Show(command, map[string]any{"token": text, "amount": amount, "notes": len(t.Proofs)},
		func(out io.Writer) { fmt.Fprintln(out, text) })
}

// newCashReceiveCommand makes "cash receive". The payee of --to-wallet is resolved before the notes are changed: a
// name that nobody knows must not be found out with the money in between.
func newCashReceiveCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "receive TOKEN|-", Short: "Take a token: its notes become this wallet's",
		Long: `Changes the token's notes at the office into new ones at once, so that whoever gave them cannot spend
them any more. "-" reads the token, or frames of one, from stdin. --offline verifies, without a network, that each
note was signed by an announced key, and keeps them as unsettled: genuine, not yet known to be unspent; they are safe
if they are locked to this wallet's key. --to-wallet pays the money on into a ledger wallet.`,
		Example: "  aqsha cash receive cashuB...\n  aqsha cash receive - --offline\n  aqsha cash receive cashuB... " +
			"--to-wallet shop", Args: cobra.ExactArgs(1),
	}
	command.Flags().Bool("offline", false, "verify without the office, and settle later")
	command.Flags().String("to-wallet", "", "pay the money into this ledger wallet")
	command.MarkFlagsMutuallyExclusive("offline", "to-wallet")
	command.RunE = func(command *cobra.Command, args []string) error {
		offline, _ := command.Flags().GetBool("offline")
		t, err := readToken(command, args[0])
		if err != nil {
			return err
		}
		// Before the notes are taken: a payee whom nobody knows, or who asks for another amount, would be found out
		// when they are this wallet's already.
		if to := cli.Flag(command, "to-wallet"); to != "" {
			if _, err := payee(command, to, coin.Total(t.Proofs), t.Memo); err != nil {
				return err
			}
		}
		if !command.Flags().Changed("mint") && !cashwallet.Exists(vfs.OS, cli.Flag(command, "wallet")) {
			// a first wallet is of the office that the first token names
			if err := command.Flags().Set("mint", t.Mint); err != nil {
				return err
			}
		}
		return onCash(!offline, func(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet,
			_ []string) error {
			if offline {
				return receiveOffline(command, w, t)
			}
			return receive(ctx, command, w, t)
		})(command, args)
	}
	return command
}

// receive changes the token's notes for the wallet's own, at once, and pays them on if asked. An office that signs
// nothing more still redeems: then the token itself pays, without notes of this wallet between.
func receive(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet, t *coin.Token) error {
	key, err := w.LockKey()
	if err != nil {
		return err
	}
	sign := func(notes []cash.Proof) error { return coin.SignNotes(key, notes) }
	to := cli.Flag(command, "to-wallet")
	amount, err := w.Receive(ctx, t, sign)
	if to != "" && errors.Is(err, cashwallet.SignsNothingError{}) { // it redeems all the same
		request, err := payee(command, to, coin.Total(t.Proofs), t.Memo)
		if err != nil {
			return err
		}
		op, err := w.PayToken(ctx, t, request, sign)
		if err != nil {
			return err
		}
		return showPaid(command, w, to, op)
	}
	if err != nil {
		return err
	}
	if to != "" {
		return payFromCash(ctx, command, w, to, amount, t.Memo)
	}
	return cli.Show(command, map[string]any{"received": amount, "memo": t.Memo, "balance": w.Balance()},
		func(out io.Writer) {
			fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.received", "amount", amount.Format(), "balance",
				w.Balance().Settled.Format()))
		})
}

// receiveOffline keeps what cannot be asked for: genuine by their proofs, unspent only if they are locked to this
// wallet.
func receiveOffline(command *cobra.Command, w *cashwallet.Wallet, t *coin.Token) error {
	key, err := w.LockKey()
	if err != nil {
		return err
	}
	locked, err := w.ReceiveOffline(t, publicHex(key))
	if err != nil {
		return err
	}
	amount := coin.Total(t.Proofs)
	return cli.Show(command, map[string]any{"unsettled": amount, "locked": locked, "balance": w.Balance()},
		func(out io.Writer) {
			if locked {
				fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.locked", "amount", amount.Format()))
				return
			}
			fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.offline", "amount", amount.Format()))
		})
}

func publicHex(key *btcec.PrivateKey) string {
	return fmt.Sprintf("%x", key.PubKey().SerializeCompressed())
}

func newCashRequestCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "request AMOUNT", Short: "Ask to be paid in cash: a request for other wallets (NUT-18)",
		Long: `Prints a payment request (creqA, or creqB with --creqb) of this wallet's office. With --lock the payer
is asked to lock the notes to this wallet's key: then they can be accepted offline.`,
		Example: "  aqsha cash request 1250 --memo lunch\n  aqsha cash request 1250 --lock --creqb",
		Args:    cobra.ExactArgs(1),
		RunE: amountFirst(0, onCash(false, func(_ context.Context, command *cobra.Command, w *cashwallet.Wallet,
			args []string) error {
			amount, err := cashAmount(args[0])
			if err == nil {
				err = memoFits(command)
			}
			if err != nil {
				return err
			}
			// Single: the payer's wallet pays it once. Only this office's notes, since those of another are another's
			// debt.
			r := &coin.Request{Amount: uint64(amount), Unit: cash.Unit, Single: true, Mints: []string{w.URL()},
				Description: cli.Flag(command, "memo")}
			if lock, _ := command.Flags().GetBool("lock"); lock {
				key, err := w.LockKey()
				if err != nil {
					return err
				}
				r.Lock = &coin.Lock{Kind: cash.P2PK, Data: publicHex(key)}
			}
			encode := r.EncodeA
			if b, _ := command.Flags().GetBool("creqb"); b {
				encode = r.EncodeB
			}
			text, err := encode()
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"request": text, "amount": amount}, func(out io.Writer) {
				fmt.Fprintln(out, text)
			})
		})),
	}
	command.Flags().String("memo", "", "what it is for")
	command.Flags().Bool("lock", false, "have the notes locked to this wallet's key")
	command.Flags().Bool("creqb", false, "print the form for codes (NUT-26)")
	return command
}

// payee reads who is to be paid: an id, a name of the data directory, or a payment request of the ledger.
func payee(command *cobra.Command, text string, amount money.Tiyn, memo string) (string, error) {
	if strings.HasPrefix(text, "aqsha:") {
		p, err := cash.ParsePayRequest(text)
		if err != nil {
			return "", cli.Usage(err)
		}
		if amount != 0 && p.Amount != amount {
			return "", cli.Usage(fmt.Errorf("the request is for %s, not %s", p.Amount.Format(), amount.Format()))
		}
		return text, nil
	}
	p := cash.PayRequest{Amount: amount, Memo: memo}
	if err := p.Wallet.UnmarshalText([]byte(text)); err == nil {
		return p.String(), nil
	}
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return "", err
	}
	if p.Wallet, err = keyring.Resolve(text); err != nil {
		return "", err
	}
	return p.String(), nil
}

// payFromCash pays a ledger wallet from the notes; what of the payment is not known yet, the next command ends.
func payFromCash(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet, to string, amount money.Tiyn,
	memo string) error {
	request, err := payee(command, to, amount, memo)
	if err != nil {
		return err
	}
	op, err := w.Pay(ctx, request)
	if err != nil {
		return err
	}
	return showPaid(command, w, to, op)
}

func showPaid(command *cobra.Command, w *cashwallet.Wallet, to string, op *cashwallet.Operation) error {
	return cli.Show(command, map[string]any{"paid": op.Amount, "to": to, "balance": w.Balance()}, func(out io.Writer) {
		fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.paid", "amount", op.Amount.Format(), "to", to, "balance",
			w.Balance().Settled.Format()))
	})
}

func newCashPayCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "pay WALLET AMOUNT", Short: "Pay a ledger wallet with banknotes: the payee is on record, the payer is not",
		Long: `The office takes notes and pays WALLET from its reserve: a name of the data directory, a wallet's id,
or a payment request (aqsha:WALLET?amount=…), for which AMOUNT must be the same. The notes are pending until the
ledger has the payment, or can never have it; then they are this wallet's again.`,
		Example: "  aqsha cash pay canteen 1250 --memo lunch", Args: cobra.ExactArgs(2),
		RunE: amountFirst(1, onCash(true, func(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet,
			args []string) error {
			amount, err := cashAmount(args[1])
			if err != nil {
				return err
			}
			return payFromCash(ctx, command, w, args[0], amount, cli.Flag(command, "memo"))
		})),
	}
	command.Flags().String("memo", "", "remark of the payment, on the ledger")
	return command
}

func newCashDepositCommand() *cobra.Command {
	return &cobra.Command{
		Use: "deposit WALLET [AMOUNT]", Short: "Pay banknotes into a ledger wallet: all of them, or an amount",
		Example: "  aqsha cash deposit aigerim\n  aqsha cash deposit aigerim 2000", Args: cobra.RangeArgs(1, 2),
		RunE: amountFirst(1, onCash(true, func(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet,
			args []string) error {
			amount := w.Balance().Settled
			if len(args) == 2 {
				var err error
				if amount, err = cashAmount(args[1]); err != nil {
					return err
				}
			}
			if amount == 0 {
				return &cashwallet.TooLittleError{Want: 1}
			}
			return payFromCash(ctx, command, w, args[0], amount, "")
		})),
	}
}

// How often, and how long apart, what is still on its way is asked for by "cash settle".
const (
	settleTries = 10
	settleEvery = 300 * time.Millisecond
)

// newCashSettleCommand makes "cash settle". It exits with 4 while something is on its way: run again, it ends it.
func newCashSettleCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "settle", Short: "End what was begun, and change what was received offline",
		Long: `Sends interrupted operations again, changes notes that were received offline into this wallet's own,
and with --reclaim takes back tokens that were sent and that nobody has taken, and asks the office which notes are
unspent: those that another wallet of the same words has spent leave this one, and those that only that one knew come
in. Exit code 3 says that notes received offline had been spent by whoever gave them: they are lost; 4 that something
is still on its way.`,
		Example: "  aqsha cash settle\n  aqsha cash settle --reclaim", Args: cobra.NoArgs,
		RunE: onCash(false, func(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet, _ []string) error {
			before, err := w.Recover(ctx)
			// the office looks at the ledger each second
			for tries := 0; err == nil && w.Begun() > 0 && tries < settleTries; tries++ {
				select {
				case <-time.After(settleEvery):
				case <-ctx.Done():
					return ctx.Err()
				}
				before, err = w.Recover(ctx)
			}
			for _, notice := range before.Notices {
				fmt.Fprintf(command.ErrOrStderr(), "aqsha: %s\n", errtext.Plain(notice.Error()))
			}
			if n := w.Begun(); err != nil && n > 0 {
				return &api.UnansweredError{Cause: fmt.Errorf("%d operations of before have not ended: %w", n, err)}
			}
			if err != nil {
				return err
			}
			return showSettled(ctx, command, w)
		}),
	}
	command.Flags().Bool("reclaim", false, "take back tokens that nobody has taken")
	return command
}

// showSettled changes what was received offline and, with --reclaim, holds the wallet against the office.
func showSettled(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet) error {
	key, err := w.LockKey()
	if err != nil {
		return err
	}
	settled, lost, err := w.Settle(ctx, func(notes []cash.Proof) error { return coin.SignNotes(key, notes) })
	if err != nil {
		return err
	}
	var back, found, gone money.Tiyn
	if reclaim, _ := command.Flags().GetBool("reclaim"); reclaim {
		if back, err = w.Reclaim(ctx); err != nil {
			return err
		}
		if found, gone, err = w.Recheck(ctx); err != nil {
			return err
		}
	}
	b := w.Balance()
	err = cli.Show(command, map[string]any{"settled": settled, "lost": lost, "reclaimed": back, "found": found,
		"gone": gone, "balance": b},
		func(out io.Writer) {
			l := cli.LanguageFor(command)
			fmt.Fprintln(out, l.Text("cash.settled", "amount", settled.Format(), "balance", b.Settled.Format()))
			if lost > 0 {
				fmt.Fprintln(out, l.Text("cash.lost", "amount", lost.Format()))
			}
			if back > 0 {
				fmt.Fprintln(out, l.Text("cash.back", "amount", back.Format()))
			}
			if found > 0 {
				fmt.Fprintln(out, l.Text("cash.found", "amount", found.Format()))
			}
			if gone > 0 {
				fmt.Fprintln(out, l.Text("cash.gone", "amount", gone.Format()))
			}
		})
	switch {
	case err != nil:
		return err
	// Lost money outweighs what is on its way: the next run says the latter again, and not the former.
	case lost > 0:
		return cli.ExitWith(cli.ExitRefused)
	case w.Begun() > 0:
		return cli.ExitWith(cli.ExitUnknown)
	}
	return nil
}

// stateText is a note's state, which an office gives in the words of NUT-07, in a reader's language.
func stateText(l words.Language, state string) string {
	switch cash.State(state) {
	case cash.StateUnspent, cash.StatePending, cash.StateSpent:
		return l.Text("cash-state." + strings.ToLower(state))
	}
	return terminal.Plain(state)
}

// newCashCheckCommand makes "cash check". It exits with 3 when a note is not unspent. Nothing is taken: between the
// check and a payment the giver may spend it.
func newCashCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check TOKEN|CODE|-", Short: "Say of a token, or of a printed note's outer code, whether it is genuine " +
			"and unspent, without taking it",
		Example: "  aqsha cash check cashuB...\n  aqsha cash check aqshanote1...", Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if coin.IsOuter(args[0]) {
				return onCash(false, func(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet,
					args []string) error {
					return checkOuter(ctx, command, w, args[0])
				})(command, args)
			}
			t, err := readToken(command, args[0])
			if err != nil {
				return err
			}
			return onCash(false, func(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet,
				_ []string) error {
				states, genuine, err := w.Check(ctx, t)
				if err != nil {
					return err
				}
				type line struct {
					Amount  money.Tiyn `json:"amount"`
					State   string     `json:"state"`
					Genuine bool       `json:"genuine"` // as far as it can be checked without the office
				}
				var lines []line
				good := true
				for i, n := range t.Proofs {
					lines = append(lines, line{money.Tiyn(n.Amount), states[i], genuine[i] == nil})
					good = good && states[i] == string(cash.StateUnspent)
				}
				err = cli.Show(command, map[string]any{"notes": lines, "amount": coin.Total(t.Proofs)},
					func(out io.Writer) {
						l := cli.LanguageFor(command)
						for i, one := range lines {
							proof := l.Text("cash-state.genuine")
							if genuine[i] != nil {
								proof = genuine[i].Error()
							}
							fmt.Fprintf(out, "%-14s %-8s %s\n", one.Amount.Format(), stateText(l, one.State), proof)
						}
					})
				if err == nil && !good {
					return cli.ExitWith(cli.ExitRefused)
				}
				return err
			})(command, args)
		},
	}
}
