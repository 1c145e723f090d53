package cashcmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/study"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
	cashwallet "github.com/aqsha/aqsha/wallet/notes"
)

// NewCashCommand makes the command "cash".
func NewCashCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "cash", Short: "Banknotes: run a cash office, hold, pay and check digital cash",
		Long: `Banknotes are blind-signed notes of a cash office, which sells them for tenge of the ledger, changes
them and buys them back. Payer and payee are anonymous, as with paper; withdrawal and deposit are payments of the
ledger. The office speaks the open Cashu protocol, so that other wallets work with it, and keeps a public log from
which anybody recounts what circulates. docs/cash.md says how it works, what it protects, and what it does not.

A wallet is a folder (--wallet): whoever has it, or its twelve words, has the notes.`,
	}
	datadir.AddLedgerFlags(command)
	command.PersistentFlags().String("wallet", "./aqsha-cash", "folder of the cash wallet")
	command.PersistentFlags().String("mint", os.Getenv("AQSHA_MINT"),
		"URL of the cash office, such as https://cash.example.kz/cash: for the first use, a wallet then knows its own (or AQSHA_MINT)")
	command.PersistentFlags().String("network", "",
		"network id of the ledger on which the office's keysets must be announced, for the first use (default: the office's word, which the wallet then holds to)")
	command.PersistentFlags().Bool("unannounced", false,
		"for the first use: take a mint whose keysets no ledger announces")
	command.AddCommand(newCashKeysCommand(), newCashUpCommand(), newCashWithdrawCommand(), newCashBalanceCommand(),
		newCashSendCommand(),
		newCashReceiveCommand(), newCashRequestCommand(), newCashPayCommand(), newCashDepositCommand(),
		newCashSettleCommand(),
		newCashCheckCommand(), newCashRestoreCommand(), newCashWordsCommand(), newCashSupplyCommand(),
		newCashVerifyCommand(), newCashBookedCommand(), newCashPrintCommand(), newCashStudyCommand())
	cli.ChangingVerbs(command, "withdraw", "send", "receive", "pay", "deposit", "settle", "print")
	return command
}

// openCash opens the cash wallet, making it if there is none and an office is named. What an earlier run has begun is
// ended first, where there is a network.
func openCash(command *cobra.Command, online bool) (*cashwallet.Wallet, error) {
	dir, mint := cli.Flag(command, "wallet"), strings.TrimRight(cli.Flag(command, "mint"), "/")
	if !cashwallet.Exists(vfs.OS, dir) {
		if mint == "" {
			return nil, cli.Usage(fmt.Errorf("no cash wallet in %s: name the office with --mint URL to begin one", dir))
		}
		if _, err := apicash.NewClient(mint); err != nil {
			return nil, cli.Usage(err)
		}
		words, err := newWords()
		if err != nil {
			return nil, err
		}
		if err := cashwallet.Create(vfs.OS, dir, words, placeOf(command, mint)); err != nil {
			return nil, err
		}
		fmt.Fprintln(command.ErrOrStderr(), "aqsha:", cli.LanguageFor(command).Text("cash.new-wallet", "dir", dir))
	}
	w, err := cashwallet.Open(vfs.OS, dir, dialingFor(command), func() uint64 { return uint64(time.Now().Unix()) })
	if err != nil {
		return nil, err
	}
	// A flag that was given and cannot be followed is refused: a wallet is of one office for ever.
	if mint != "" && mint != w.URL() && command.Flags().Changed("mint") {
		return nil, errors.Join(cli.Usage(fmt.Errorf("--mint: the wallet in %s is of %s", dir, w.URL())), w.Close())
	}
	if network := cli.Flag(command, "network"); network != "" && w.Network() != "" && network != w.Network() {
		return nil, errors.Join(cli.Usage(fmt.Errorf("--network: the wallet in %s is of the ledger %s", dir,
			w.Network())), w.Close())
	}
	if !online {
		return w, nil
	}
	// Before anything new is begun: notes of an unfinished operation are neither here nor there, and a new one could
	// choose them again.
	before, err := w.Recover(command.Context())
	for _, notice := range before.Notices {
		fmt.Fprintf(command.ErrOrStderr(), "aqsha: an operation of before: %s\n", errtext.Plain(notice.Error()))
	}
	if n := w.Begun(); n > 0 {
		fmt.Fprintln(command.ErrOrStderr(), "aqsha:", cli.LanguageFor(command).Text("cash.begun-before", "count", n))
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func placeOf(command *cobra.Command, mint string) cashwallet.Place {
	unannounced, _ := command.Flags().GetBool("unannounced")
	return cashwallet.Place{Mint: mint, Network: cli.Flag(command, "network"), Unannounced: unannounced}
}

// onLedgerOf has the cash wallet hold to the ledger on which a command pays: the office's announcements must be there.
func onLedgerOf(ctx context.Context, command *cobra.Command, s *session.Session) error {
	if command.Flags().Changed("network") {
		return nil
	}
	if unannounced, _ := command.Flags().GetBool("unannounced"); unannounced {
		return nil
	}
	network, err := s.API.Network(ctx)
	if err != nil {
		return err
	}
	return command.Flags().Set("network", network.Network.String())
}

// dialingFor reaches offices for a command, and says while one does not answer.
func dialingFor(command *cobra.Command) func(url string) (cashwallet.Mint, error) {
	return func(url string) (cashwallet.Mint, error) {
		client, err := apicash.NewClient(url)
		if err != nil {
			return nil, err
		}
		client.WhileWaiting(cli.Waiting(command))
		return client, nil
	}
}

func newWords() (string, error) {
	var entropy [16]byte
	if _, err := rand.Read(entropy[:]); err != nil {
		return "", err
	}
	return coin.Words(entropy)
}

// onCash makes a command's function from one that works on the cash wallet.
func onCash(online bool, act func(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet,
	args []string) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		if _, err := cli.LanguageOf(command); err != nil { // before notes move
			return err
		}
		w, err := openCash(command, online)
		if err != nil {
			return err
		}
		return errors.Join(act(command.Context(), command, w, args), w.Close())
	}
}

// amountFirst looks at the amount that is an argument before anything is opened, begun or asked for.
func amountFirst(at int, run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		if at < len(args) {
			if _, err := cashAmount(args[at]); err != nil {
				return err
			}
		}
		return run(command, args)
	}
}

func cashAmount(text string) (money.Tiyn, error) {
	amount, err := money.ParseTenge(text)
	if err == nil && amount <= 0 {
		err = errors.New("an amount is more than nothing")
	}
	if err != nil {
		return 0, cli.Usage(err)
	}
	return amount, nil
}

// readToken reads a token from an argument, or from stdin for "-": the text, or all frames of it in any order. What is
// read is bounded by what a token may be.
func readToken(command *cobra.Command, text string) (*coin.Token, error) {
	if text == "-" {
		raw, err := io.ReadAll(io.LimitReader(command.InOrStdin(), coin.MaxTokenText+1))
		if err != nil {
			return nil, err
		}
		text = string(raw)
	}
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(text)), "ur:") {
		var frames coin.Joiner
		for _, frame := range strings.Fields(text) {
			whole, done, err := frames.Add(frame)
			if err != nil {
				return nil, err
			}
			if done {
				return coin.DecodeToken(whole)
			}
		}
		return nil, cli.Usage(errors.New("frames are missing of the token"))
	}
	return coin.DecodeToken(text)
}

// oddAmount is the step that withdrawals have unless somebody wants otherwise, as the study recommends.
const oddAmount = study.Rounding

// newCashWithdrawCommand makes "cash withdraw". A crash costs nothing: outputs are on the disk before the payment goes
// out, and the payment carries the quote by which the next command finds it.
func newCashWithdrawCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "withdraw FROM AMOUNT", Short: "Buy banknotes with tenge of a ledger wallet",
		Long: `Pays the office's reserve from a ledger wallet whose key is here, and takes notes for it. The ledger
sees that FROM withdrew, not what becomes of the notes. Amounts are multiples of 500 tenge, so that many have the
same; --any-amount takes others.

An interrupted withdrawal is ended by the next command that uses the wallet.`,
		Example: "  aqsha cash withdraw aigerim 5000 --mint http://127.0.0.1:8430/cash", Args: cobra.ExactArgs(2),
		RunE: amountFirst(1, session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			from, amount, err := s.WalletAndAmount(args[0], args[1])
			if err != nil {
				return err
			}
			// Before anything is asked or opened: who withdraws an amount that nobody else does is known by it when he
			// pays.
			if odd, _ := command.Flags().GetBool("any-amount"); amount%oddAmount != 0 && !odd {
				return cli.Usage(fmt.Errorf("%s is no multiple of %s: you would be known by it; --any-amount takes "+
					"it all the same", amount.Format(), oddAmount.Format()))
			}
			if err := onLedgerOf(ctx, command, s); err != nil {
				return err
			}
			w, err := openCash(command, true)
			if err != nil {
				return err
			}
			// The wallet writes the outputs down before it pays for them: an end in between loses no money, and the
			// next command fetches the notes.
			return errors.Join(withdraw(ctx, command, s, w, from, amount), w.Close())
		})),
	}
	command.Flags().Bool("any-amount", false, "withdraw an amount that is no multiple of 500 tenge")
	return command
}

func newCashBalanceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "balance", Short: "What the cash wallet holds",
		Example: "  aqsha cash balance\n  aqsha cash balance --json", Args: cobra.NoArgs,
		RunE: onCash(false, func(_ context.Context, command *cobra.Command, w *cashwallet.Wallet, _ []string) error {
			b := w.Balance()
			return cli.Show(command, b, func(out io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(out, l.Count("cash.balance", count(b.Notes), "amount", b.Settled.Format()))
				if b.Unsettled > 0 {
					fmt.Fprintln(out, l.Text("cash.unsettled", "amount", b.Unsettled.Format()))
				}
				if b.Begun > 0 {
					fmt.Fprintln(out, l.Text("cash.begun", "amount", b.Begun.Format()))
				}
			})
		}),
	}
}

func count(notes map[money.Tiyn]int) (n int) {
	for _, c := range notes {
		n += c
	}
	return n
}

func newCashWordsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "words", Short: "Show the cash wallet's twelve words, which bring its notes back",
		Long: `Shows the twelve words (BIP 39) from which the wallet's secrets follow. Whoever has them has the notes:
write them on paper. Notes that were received offline and not yet settled, and those locked to a key, do not follow
from them.`,
		Example: "  aqsha cash words", Args: cobra.NoArgs,
		RunE: onCash(false, func(_ context.Context, command *cobra.Command, w *cashwallet.Wallet, _ []string) error {
			return cli.Show(command, map[string]string{"words": w.Words(), "mint": w.URL()},
				func(out io.Writer) { fmt.Fprintln(out, w.Words()) })
		}),
	}
}

// newCashRestoreCommand makes "cash restore". The wallet is made before the office is asked; when that fails, the same
// command without --words-file goes on.
func newCashRestoreCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "restore", Short: "Bring a cash wallet's notes back from its twelve words",
		Long: `Asks the office for what it signed for secrets of the words, and keeps what nobody has spent. With --words-file a new wallet is
made in --wallet, of the office --mint; without, the wallet that is there is completed.`,
		Example: "  aqsha cash restore --wallet new-phone --mint http://127.0.0.1:8430/cash --words-file words.txt",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if path := cli.Flag(command, "words-file"); path != "" {
				raw, err := cli.ReadLimited(path, 1<<12)
				if err != nil {
					return err
				}
				if _, err := coin.Seed(string(raw)); err != nil {
					return cli.Usage(err)
				}
				if cli.Flag(command, "mint") == "" {
					return cli.Usage(errors.New("name the office with --mint URL"))
				}
				if _, err := apicash.NewClient(strings.TrimRight(cli.Flag(command, "mint"), "/")); err != nil {
					return cli.Usage(err)
				}
				// From a file and not from the command line, where everybody on the machine could read the words.
				words := strings.Join(strings.Fields(string(raw)), " ")
				if err := cashwallet.Create(vfs.OS, cli.Flag(command, "wallet"), words, placeOf(command,
					strings.TrimRight(cli.Flag(command, "mint"), "/"))); err != nil {
					return err
				}
			}
			return onCash(true, func(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet,
				_ []string) error {
				back, err := w.Restore(ctx)
				if err != nil {
					return err
				}
				return cli.Show(command, map[string]any{"restored": back, "balance": w.Balance()}, func(out io.Writer) {
					fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.restored", "amount", back.Format(), "balance",
						w.Balance().Settled.Format()))
				})
			})(command, nil)
		},
	}
	command.Flags().String("words-file", "", "file with the twelve words")
	return command
}
