package channelcmd

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
)

// NewChannelCommand makes the command "channel".
func NewChannelCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "channel", Short: "Payment channels: one opening, one closing, signed vouchers between",
		Long: `Money is put into a contract (template channel); the sender signs vouchers for growing totals,
each of which may carry a hash chain of ticks; the receiver closes with the last. Vouchers travel
as JSON, by any way. docs/uses/micropayments.md says what happens if somebody vanishes.`,
	}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newChannelOpen(), newChannelPay(), newChannelAccept(), newChannelClose(), newChannelFinal(),
		newChannelSettle(),
		newChannelTopUp(), newChannelKeep(), newChannelExport(), newChannelWatch(), newChannelShow(),
		newChannelStep("leave",
			"Leave, or revoke the device: nothing after it counts, the receiver has the window to claim", "sender"),
		newChannelStep("finish", "After the window, take back what is left", "sender"),
		newChannelStep("release", "Give everything back to the sender", "receiver"))
	session.ChangesLedger(command, "open", "close", "settle", "top-up", "leave", "finish", "release")
	cli.ChangingVerbs(command, "pay", "accept", "final")
	return command
}

func channelPath(command *cobra.Command, name, side string) string {
	return filepath.Join(cli.Flag(command, "data"), "channels", name+"."+side+".json")
}

// newChannelOpen: the file is written after the transaction. Its seed is only for hash chains that are begun later: a
// file that a crash has taken is made anew with another seed, and no money hangs on it.
func newChannelOpen() *cobra.Command {
	command := &cobra.Command{
		Use: "open NAME", Short: "Open a channel and put the deposit in", Args: cobra.ExactArgs(1),
		Example: "  aqsha channel open stream --from aigerim --to shop --deposit 1000 --tick 0.01\n  aqsha channel " +
			"open charging --from owner --to charger --deposit 5000 --key car --day-most 2000",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(cli.Flag(command, "from"), cli.Flag(command, "to"))
			if err != nil {
				return err
			}
			if ids[0] == ids[1] {
				return cli.Usage(errors.New("--from and --to are one wallet: nobody is paid by such a channel"))
			}
			var amounts [3]money.Tiyn
			for i, name := range []string{"deposit", "tick", "day-most"} {
				if amounts[i], err = cli.AmountFlag(command, name); err != nil {
					return err
				}
			}
			window, err := cli.DurationFlag(command, "window")
			if err != nil {
				return err
			}
			ends, err := cli.UntilFlag(command, "for", s.Now())
			if err != nil {
				return err
			}
			keyName := cli.Flag(command, "key")
			if keyName == "" {
				keyName = cli.Flag(command, "from")
			}
			key, err := s.Keyring.Key(keyName)
			if errors.Is(err, fs.ErrNotExist) {
				return cli.Usage(fmt.Errorf("--key: %w", err))
			}
			if err != nil {
				return err
			}
			public := key.Public()
			receipt, err := s.Create(ctx, wallet.NewContract{Template: "channel", Name: args[0], By: ids[0],
				Parties: ids, Paid: amounts[0], Terms: []token.Value{
					token.Bytes(public[:]), token.Int(int64(amounts[1])), token.Int(int64(amounts[2])),
					token.Int(window.Milliseconds()), token.Int(int64(ends)),
				}})
			// A draft has its id already: the file is kept beside it, so that the channel can be paid through once
			// others have signed.
			if err != nil && !errors.Is(err, wallet.ErrDrafted) {
				return err
			}
			f := channels.File{Channel: channel.ID{Network: s.Network, Contract: token.RegisteredID(receipt.ID)},
				Key: keyName, Seed: &token.Hash{}, Paid: new(money.Tiyn)}
			if _, err := rand.Read(f.Seed[:]); err != nil {
				return err
			}
			// After the ledger has it, since its id is the contract's. Cut off in between, the deposit comes back when
			// the channel ends: the seed was shown to nobody.
			kept := channels.Update(channelPath(command, args[0], "sender"),
				func(there *channels.File) error { *there = f; return nil })
			if kept != nil {
				return kept
			}
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.channel", "name", args[0], "id", f.Channel.Contract, "amount",
					amounts[0].Format()))
		}),
	}
	addOpenFlags(command)
	return command
}

// addOpenFlags are what a channel is opened with.
func addOpenFlags(command *cobra.Command) {
	command.Flags().String("from", "", "the sender's wallet")
	command.Flags().String("to", "", "the receiver's wallet")
	command.Flags().String("deposit", "", "tenge to put in")
	for _, name := range []string{"from", "to", "deposit"} {
		_ = command.MarkFlagRequired(name)
	}
	command.Flags().String("tick", "", "tenge of a tick of the hash chains")
	command.Flags().String("day-most", "", "most tenge a day, counted until the sender leaves")
	command.Flags().String("key", "", "key that signs vouchers, such as a device's (default: the sender's)")
	command.Flags().String("window", "24h", "how long the receiver can claim after the sender has left")
	command.Flags().String("for", "30d",
		"how long the channel lasts: a span, a date, or until the next day of the calendar (\"each 1st\")")
}

// sender takes up the sender's side of a channel.
func sender(ctx context.Context, s *session.Session, f channels.File, paid money.Tiyn) (*channel.Sender, error) {
	return senderOf(ctx, s, s.Keyring, f, paid)
}

var errNoSender = cli.Usage(errors.New("there is no sender's file of this channel here, or it has no seed"))

// senderOf takes up the sender's side of a channel, whose key lies in a book.
func senderOf(ctx context.Context, ledger channels.Ledger, keyring *wallet.Keyring, f channels.File,
	paid money.Tiyn) (*channel.Sender, error) {
	if f.Seed == nil {
		return nil, errNoSender
	}
	c, err := ledger.Channel(ctx, f.Channel.Contract)
	if err != nil {
		return nil, err
	}
	key, err := keyring.Key(f.Key)
	if err != nil {
		return nil, err
	}
	return channel.NewSender(c.Terms, key, *f.Seed, rand.Reader, paid, nil), nil
}

// newChannelPay makes "channel pay". The new total is in the sender's file before the voucher is printed: after a
// crash the channel has paid at least what any receiver can have seen. --from corrects it downwards by the receiver's
// word.
func newChannelPay() *cobra.Command {
	command := &cobra.Command{
		Use: "pay NAME AMOUNT", Short: "Sign a voucher for AMOUNT more; it is printed, for the receiver",
		Args: cobra.ExactArgs(2),
		Example: "  aqsha channel pay stream 12.50 > voucher.json\n  aqsha channel pay charging 10 --from 42.50 > " +
			"voucher.json\n  aqsha channel pay stream 12.50 --offline > voucher.json",
		RunE: offlineOr(payOffline, func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			return payVoucher(command, args, s.Now(), func(f *channels.File, before money.Tiyn) (*channel.Sender,
				error) {
				return sender(ctx, s, *f, before)
			})
		}),
	}
	addOfflineFlag(command)
	command.Flags().String("from", "", "what the receiver says it has accepted, after a run that was cut off")
	return command
}

// payVoucher signs a voucher for what the command says, and prints it.
func payVoucher(command *cobra.Command, args []string, now uint64,
	side func(*channels.File, money.Tiyn) (*channel.Sender, error)) error {
	amount, err := money.ParseTenge(args[1])
	if err == nil && amount < 0 { // of nothing more it is the last voucher again
		err = errors.New("an amount is not below nothing")
	}
	if err != nil {
		return cli.Usage(err)
	}
	var from *money.Tiyn
	if command.Flags().Changed("from") {
		said, err := cli.AmountFlag(command, "from")
		if err != nil {
			return err
		}
		from = &said
	}
	path := channelPath(command, args[0], "sender")
	if _, err := channels.Read(path); errors.Is(err, fs.ErrNotExist) {
		return errNoSender
	} else if err != nil {
		return err
	}
	// One at a time until it is printed: another that pays meanwhile waits, and does not take this for a run that was
	// cut off.
	lock, err := durable.Lock(vfs.OS, path+".paying")
	if err != nil {
		return err
	}
	paid, err := payOver(path, amount, from, now, side)
	if err == nil {
		err = cli.ShowJSON(command, paid)
	}
	if err == nil {
		err = paidOut(path, paid.Total)
	}
	return errors.Join(err, lock.Close())
}

// payOver signs a voucher for an amount more. It is kept before it is out, so that totals never fall, and as one that
// may not be out yet: if this process ends before it is printed, nobody knows whether the receiver has it, and the next
// payment asks instead of paying the same twice.
func payOver(path string, amount money.Tiyn, from *money.Tiyn, now uint64,
	side func(*channels.File, money.Tiyn) (*channel.Sender, error)) (paid channels.File, err error) {
	err = channels.Update(path, func(f *channels.File) error {
		before, err := f.PaidSoFar(from)
		if err != nil {
			return err
		}
		sender, err := side(f, before)
		if err != nil {
			return err
		}
		v, err := sender.Pay(amount, 0, now)
		if err != nil {
			return err
		}
		total := sender.Worth()
		f.Total, f.Paid, f.Ahead = max(f.Total, total), &total, amount
		paid = channels.File{Channel: f.Channel, Total: total, Claim: &channel.Claim{Voucher: v, Word: v.Root}}
		return nil
	})
	return paid, err
}

// paidOut notes that a voucher for a total is out.
func paidOut(path string, total money.Tiyn) error {
	return channels.Update(path, func(f *channels.File) error {
		if f.Paid != nil && *f.Paid == total {
			f.Ahead = 0
		}
		return nil
	})
}

// receiverPath is where a channel's receiver keeps its claim: under the contract's id, however the channel was named,
// so that two names of one channel are one book. A file of an earlier version may lie under the name.
func receiverPath(command *cobra.Command, name string, id token.WalletID) string {
	path := channelPath(command, id.String(), "receiver")
	if _, err := channels.Read(path); errors.Is(err, fs.ErrNotExist) {
		named := channelPath(command, name, "receiver")
		if f, err := channels.Read(named); err == nil && f.Channel.Contract == id {
			return named
		}
	}
	return path
}

// claimed takes up what a channel's receiver has accepted, and the channel as it stands.
func claimed(ctx context.Context, s *session.Session, command *cobra.Command,
	name string) (f channels.File, c wallet.Channel, err error) {
	ids, err := s.Resolve(name)
	if err != nil {
		return f, c, err
	}
	if f, err = channels.Read(receiverPath(command, name, ids[0])); err == nil {
		c, err = s.Channel(ctx, f.Channel.Contract)
	}
	return f, c, err
}

// channelNamed is the channel of a name, or id, as it stands.
func channelNamed(ctx context.Context, s *session.Session, name string) (wallet.Channel, error) {
	ids, err := s.Resolve(name)
	if err != nil {
		return wallet.Channel{}, err
	}
	return s.Channel(ctx, ids[0])
}

// channelSide is what a side of a channel needs of a ledger.
type channelSide interface {
	channels.Ledger
	Call(ctx context.Context, c wallet.Call) (node.Receipt, error)
}

// closeChannel brings the best claim: to close, or to be paid so far.
func closeChannel(ctx context.Context, s channelSide, f channels.File, by token.WalletID,
	action string) (node.Receipt, error) {
	if f.Claim == nil {
		return node.Receipt{},
			cli.Usage(errors.New("nothing was accepted on the channel: release gives everything back"))
	}
	return s.Call(ctx, wallet.Call{Contract: f.Channel.Contract, By: by, Action: action, Args: f.Claim.Args()})
}

// newChannelClose makes "channel close". The claim is the best voucher that is kept; to bring it twice does no harm.
func newChannelClose() *cobra.Command {
	command := &cobra.Command{
		Use: "close NAME", Short: "Close with the last voucher, as the receiver; --claim is paid and leaves it open",
		Args:    cobra.ExactArgs(1),
		Example: "  aqsha channel close stream\n  aqsha channel close stream --claim",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			f, c, err := claimed(ctx, s, command, args[0])
			if err != nil {
				return err
			}
			action := "close"
			if claim, _ := command.Flags().GetBool("claim"); claim {
				action = "claim"
			}
			receipt, err := closeChannel(ctx, s, f, c.Receiver, action)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.channel-total", "name", args[0], "amount", f.Total.Format()))
		}),
	}
	command.Flags().Bool("claim", false, "be paid so far and go on")
	return command
}

// final is the receiver's consent to close at a total.
type final struct {
	Channel   channel.ID      `json:"channel"`
	Amount    money.Tiyn      `json:"amount"`
	Signature token.Signature `json:"signature"`
}

// newChannelFinal makes "channel final". The signature is over the total that is in the file when Closing is set,
// under the file's lock: a voucher that comes at the same time is in it or is refused.
func newChannelFinal() *cobra.Command {
	return &cobra.Command{
		Use: "final NAME", Short: "As the receiver, agree to close at what was accepted; the sender settles with it",
		Args:    cobra.ExactArgs(1),
		Example: "  aqsha channel final stream > final.json",
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			f, c, err := claimed(ctx, s, command, args[0])
			if err != nil {
				return err
			}
			key, err := s.Keyring.Key(s.Keyring.NameOf(c.Receiver))
			if err != nil {
				return err
			}
			out := final{Channel: f.Channel, Amount: f.Total}
			// That it closes is kept before the word is out: the sender may settle at this total whatever is accepted
			// later.
			err = channels.Update(receiverPath(command, args[0], f.Channel.Contract), func(there *channels.File) error {
				there.Closing, out.Amount = true, there.Total
				return nil
			})
			if err != nil {
				return err
			}
			if out.Signature, err = key.Sign(f.Channel.FinalDigest(out.Amount)); err != nil {
				return err
			}
			return cli.ShowJSON(command, out)
		}),
	}
}

// newChannelSettle makes "channel settle". The contract verifies the receiver's signature: a file that was changed is
// refused.
func newChannelSettle() *cobra.Command {
	return &cobra.Command{
		Use: "settle NAME FINAL", Short: "As the sender, close at once with the receiver's consent",
		Args:    cobra.ExactArgs(2),
		Example: "  aqsha channel settle stream final.json",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			data, err := cli.ReadLimited(args[1], channels.MaxFile)
			if err != nil {
				return err
			}
			var f final
			if err := json.Unmarshal(data, &f); err != nil {
				return cli.Usage(fmt.Errorf("%s: %w", args[1], err))
			}
			c, err := channelNamed(ctx, s, args[0])
			if err != nil {
				return err
			}
			receipt, err := s.Call(ctx, wallet.Call{Contract: c.Contract, By: c.Sender, Action: "settle",
				Args: []token.Value{token.Int(int64(f.Amount)), token.Bytes(f.Signature[:])}})
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.channel-settled", "name", args[0], "amount", f.Amount.Format()))
		}),
	}
}

func newChannelTopUp() *cobra.Command {
	return &cobra.Command{
		Use: "top-up NAME AMOUNT", Short: "Put more money in, as the sender", Args: cobra.ExactArgs(2),
		Example: "  aqsha channel top-up stream 500",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			amount, err := money.ParseTenge(args[1])
			if err != nil {
				return cli.Usage(err)
			}
			return stepOf(ctx, command, s, args[0], "sender", wallet.Call{Action: "top_up", Paid: amount})
		}),
	}
}

// stepOf calls an action as one of the sides.
func stepOf(ctx context.Context, command *cobra.Command, s *session.Session, name, side string,
	call wallet.Call) error {
	c, err := channelNamed(ctx, s, name)
	if err != nil {
		return err
	}
	call.Contract, call.By = c.Contract, c.Sender
	if side == "receiver" {
		call.By = c.Receiver
	}
	receipt, err := s.Call(ctx, call)
	return session.ShowDone(command, receipt, err, cli.LanguageFor(command).Text("channel-by."+side, "name",
		name, "action", call.Action))
}

func newChannelStep(action, short, side string) *cobra.Command {
	return &cobra.Command{
		Use: action + " NAME", Short: short, Args: cobra.ExactArgs(1), Example: "  aqsha channel " + action + " stream",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			return stepOf(ctx, command, s, args[0], side, wallet.Call{Action: action})
		}),
	}
}

func newChannelShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show what the ledger says of a channel", Args: cobra.ExactArgs(1),
		Example: "  aqsha channel show stream --json",
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			c, err := channelNamed(ctx, s, args[0])
			if err != nil {
				return err
			}
			return cli.Show(command, c, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("result.channel-terms", "from", terminal.Plain(s.Keyring.NameOf(c.Sender)), "to",
					terminal.Plain(s.Keyring.NameOf(c.Receiver)), "deposit", c.Deposit.Format(), "paid",
					c.Paid.Format(),
					"tick", c.Tick.Format()))
				if c.Left != 0 {
					fmt.Fprintln(w, l.Text("result.channel-left", "at", terminal.Moment(c.Left), "until",
						terminal.Moment(c.Left+c.Window)))
				}
				fmt.Fprintln(w, l.Text("result.channel-until", "at", terminal.Moment(c.Ends)))
			})
		}),
	}
}
