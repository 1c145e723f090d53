package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func newChannelCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "channel", Short: "Payment channels: one opening, one closing, signed vouchers between",
		Long: `Money is put into a contract (template channel); the sender signs vouchers for growing totals,
each of which may carry a hash chain of ticks; the receiver closes with the last. Vouchers travel
as JSON, by any way. docs/uses/micropayments.md says what happens if somebody vanishes.`,
	}
	addLedgerFlags(command)
	command.AddCommand(newChannelOpen(), newChannelPay(), newChannelAccept(), newChannelClose(), newChannelFinal(), newChannelSettle(),
		newChannelTopUp(), newChannelExport(), newChannelWatch(), newChannelShow(),
		newChannelStep("leave", "Leave, or revoke the device: nothing after it counts, the receiver has the window to claim", "sender"),
		newChannelStep("finish", "After the window, take back what is left", "sender"),
		newChannelStep("release", "Give everything back to the sender", "receiver"))
	changesLedger(command, "open", "close", "settle", "top-up", "leave", "finish", "release")
	return command
}

// channelFile is what a side of a channel keeps on disk: the sender its last total and the seed of its
// chains, the receiver its best claim. The file of a receiver is also what a watchtower is given.
type channelFile struct {
	Channel channel.ID     `json:"channel"`
	Seed    *token.Hash    `json:"seed,omitempty"`    // of the sender: secret
	Key     string         `json:"key,omitempty"`     // of the sender: the name of the key that signs
	Total   money.Tiyn     `json:"total"`             // receiver: accepted in all; sender: the most that was signed for
	Paid    *money.Tiyn    `json:"paid,omitempty"`    // of the sender: the most that was revealed; nil in older files
	Ahead   money.Tiyn     `json:"ahead,omitempty"`   // of the sender: of Paid, what a run that was cut off may not have revealed
	Closing bool           `json:"closing,omitempty"` // of the receiver: it agreed to close at Total
	Claim   *channel.Claim `json:"claim,omitempty"`
}

// paid is the least and the most that a sender has paid. A file of an earlier version knows only what it signed for.
func (f *channelFile) paid() (least, most money.Tiyn) {
	if f.Paid == nil {
		return 0, f.Total
	}
	return *f.Paid - f.Ahead, *f.Paid
}

func channelPath(command *cobra.Command, name, side string) string {
	return filepath.Join(flag(command, "data"), "channels", name+"."+side+".json")
}

const maxChannelFile = 16 << 10

func readChannelFile(path string) (f channelFile, err error) {
	data, err := readLimited(path, maxChannelFile)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return f, usageError{fmt.Errorf("%s: not a channel's file: %w", path, err)}
	}
	return f, nil
}

// updateChannelFile changes a side's file, durable before it returns: a receiver that answered has its claim. Others who
// change it wait, so that two payments at once are two payments. A file that is not there comes empty.
func updateChannelFile(path string, change func(f *channelFile) error) error {
	if err := vfs.OS.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return durable.Update(vfs.OS, path, maxChannelFile, func(content []byte) ([]byte, error) {
		var f channelFile
		if content != nil {
			if err := json.Unmarshal(content, &f); err != nil {
				return nil, usageError{fmt.Errorf("%s: not a channel's file: %w", path, err)}
			}
		}
		if err := change(&f); err != nil {
			return nil, err
		}
		after, err := json.MarshalIndent(f, "", "  ")
		return append(after, '\n'), err
	})
}

// channelMoved is the refusal to go on from a total that is not the file's any more.
const channelMoved token.Code = "channel-moved"

// movePaid puts a sender's figures from what this process knows to others: paid, of which ahead may not have been
// revealed if this process ends here, and the most that is signed for.
func movePaid(path string, f *channelFile, paid, ahead, total money.Tiyn) error {
	err := updateChannelFile(path, func(there *channelFile) error {
		least, most := f.paid()
		if l, m := there.paid(); there.Channel != f.Channel || there.Total != f.Total || l != least || m != most {
			return token.Errorf(channelMoved, "channel", "another process pays over this channel: its total is %s by now, and was %s", there.Total, f.Total)
		}
		there.Paid, there.Ahead, there.Total = &paid, ahead, total
		return nil
	})
	if err == nil {
		f.Paid, f.Ahead, f.Total = &paid, ahead, total
	}
	return err
}

// paidUnclear is the refusal to sign on top of a run of which nobody here knows how far it came.
const paidUnclear token.Code = "paid-unclear"

// paidSoFar is what was paid on a channel: known, or said by the receiver (from) within what is possible.
func (f *channelFile) paidSoFar(from *money.Tiyn) (money.Tiyn, error) {
	least, most := f.paid()
	switch {
	case from != nil && (*from < least || *from > most):
		return 0, token.Errorf(paidUnclear, "from", "between %s and %s was paid, %s is not between them", least, most, *from)
	case from != nil:
		return *from, nil
	case least != most:
		return 0, token.Errorf(paidUnclear, "channel",
			"a run was cut off: between %s and %s was paid; say with --from what the receiver has accepted", least, most)
	}
	return most, nil
}

func amountFlag(command *cobra.Command, name string) (money.Tiyn, error) {
	text := flag(command, name)
	if text == "" {
		return 0, nil
	}
	amount, err := money.ParseTenge(text)
	if err != nil {
		return 0, usageError{fmt.Errorf("--%s: %w", name, err)}
	}
	return amount, nil
}

func durationFlag(command *cobra.Command, name string) (time.Duration, error) {
	d, err := duration(flag(command, name))
	if err != nil || d < 0 {
		return 0, usageError{fmt.Errorf("--%s: want a time such as 90m, 24h or 30d", name)}
	}
	return d, nil
}

func newChannelOpen() *cobra.Command {
	command := &cobra.Command{
		Use: "open NAME", Short: "Open a channel and put the deposit in", Args: cobra.ExactArgs(1),
		Example: "  aqsha channel open stream --from aigerim --to shop --deposit 1000 --tick 0.01\n  aqsha channel open charging --from owner --to charger --deposit 5000 --key car --day-most 2000",
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			ids, err := s.resolve(flag(command, "from"), flag(command, "to"))
			if err != nil {
				return err
			}
			var amounts [3]money.Tiyn
			for i, name := range []string{"deposit", "tick", "day-most"} {
				if amounts[i], err = amountFlag(command, name); err != nil {
					return err
				}
			}
			window, err := durationFlag(command, "window")
			if err != nil {
				return err
			}
			life, err := durationFlag(command, "for")
			if err != nil {
				return err
			}
			keyName := flag(command, "key")
			if keyName == "" {
				keyName = flag(command, "from")
			}
			key, err := s.Book.Key(keyName)
			if err != nil {
				return err
			}
			public := key.Public()
			receipt, err := s.Create(ctx, wallet.Use{Template: "channel", Name: args[0], By: ids[0], Parties: ids, Paid: amounts[0], Terms: []token.Value{
				token.Bytes(public[:]), token.Int(int64(amounts[1])), token.Int(int64(amounts[2])), token.Int(window.Milliseconds()), token.Int(int64(s.Now()) + life.Milliseconds()),
			}})
			if err != nil && !errors.Is(err, wallet.ErrDrafted) {
				return err
			}
			f := channelFile{Channel: channel.ID{Network: s.Network, Contract: token.RegisteredID(receipt.ID)}, Key: keyName, Seed: &token.Hash{}, Paid: new(money.Tiyn)}
			if _, err := rand.Read(f.Seed[:]); err != nil {
				return err
			}
			kept := updateChannelFile(channelPath(command, args[0], "sender"), func(there *channelFile) error { *there = f; return nil })
			if kept != nil {
				return kept
			}
			return showReceipt(command, receipt, err, "channel %s: %s, deposit %s\n", args[0], f.Channel.Contract, amounts[0].Format())
		}),
	}
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
	command.Flags().String("for", "30d", "how long the channel lasts")
	return command
}

// sender takes up the sender's side of a channel.
func (s *session) sender(ctx context.Context, f channelFile, paid money.Tiyn) (*channel.Sender, error) {
	if f.Seed == nil {
		return nil, usageError{errors.New("there is no sender's file of this channel here, or it has no seed")}
	}
	c, err := s.Channel(ctx, f.Channel.Contract)
	if err != nil {
		return nil, err
	}
	key, err := s.Book.Key(f.Key)
	if err != nil {
		return nil, err
	}
	return channel.NewSender(c.Terms, key, *f.Seed, rand.Reader, paid, nil), nil
}

func newChannelPay() *cobra.Command {
	command := &cobra.Command{
		Use: "pay NAME AMOUNT", Short: "Sign a voucher for AMOUNT more; it is printed, for the receiver", Args: cobra.ExactArgs(2),
		Example: "  aqsha channel pay stream 12.50 > voucher.json\n  aqsha channel pay charging 10 --from 42.50 > voucher.json",
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			amount, err := money.ParseTenge(args[1])
			if err != nil {
				return usageError{err}
			}
			var from *money.Tiyn
			if command.Flags().Changed("from") {
				said, err := amountFlag(command, "from")
				if err != nil {
					return err
				}
				from = &said
			}
			var paid channelFile
			err = updateChannelFile(channelPath(command, args[0], "sender"), func(f *channelFile) error {
				before, err := f.paidSoFar(from)
				if err != nil {
					return err
				}
				sender, err := s.sender(ctx, *f, before)
				if err != nil {
					return err
				}
				v, err := sender.Pay(amount, 0, s.Now())
				if err != nil {
					return err
				}
				total := sender.Worth() // kept before the voucher is out, so that totals never fall
				f.Total, f.Paid, f.Ahead = total, &total, 0
				paid = channelFile{Channel: f.Channel, Total: f.Total, Claim: &channel.Claim{Voucher: v, Word: v.Root}}
				return nil
			})
			if err != nil {
				return err
			}
			return showJSON(command, paid)
		}),
	}
	command.Flags().String("from", "", "what the receiver says it has accepted, after a run that was cut off")
	return command
}

// channelClosing is the refusal of a receiver that has agreed to close: the sender may settle at that total at any time.
const channelClosing token.Code = "channel-closing"

func closing(total money.Tiyn) error {
	return token.Errorf(channelClosing, "channel", "the receiver agreed to close at %s: nothing more is accepted", total)
}

// receiverPath is where a channel's receiver keeps its claim: under the contract's id, however the channel was named,
// so that two names of one channel are one book. A file of an earlier version may lie under the name.
func receiverPath(command *cobra.Command, name string, id token.WalletID) string {
	path := channelPath(command, id.String(), "receiver")
	if _, err := readChannelFile(path); errors.Is(err, fs.ErrNotExist) {
		named := channelPath(command, name, "receiver")
		if f, err := readChannelFile(named); err == nil && f.Channel.Contract == id {
			return named
		}
	}
	return path
}

// receiver takes up the receiver's side of a channel.
func (s *session) receiver(ctx context.Context, command *cobra.Command, name string, id token.WalletID) (*channel.Receiver, wallet.Channel, error) {
	return receiverOf(ctx, s, receiverPath(command, name, id), id)
}

// receiverOf takes up the receiver's side of a channel whose book lies at a path.
func receiverOf(ctx context.Context, ledger channelLedger, path string, id token.WalletID) (*channel.Receiver, wallet.Channel, error) {
	c, err := ledger.Channel(ctx, id)
	if err != nil {
		return nil, c, err
	}
	r, refused := channel.NewReceiver(c.Terms)
	if refused != nil {
		return nil, c, refused
	}
	f, err := readChannelFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, c, nil
	}
	if err == nil && f.Closing {
		err = closing(f.Total)
	}
	if err == nil && f.Claim != nil {
		if refused := r.Restore(*f.Claim); refused != nil {
			err = refused
		}
	}
	return r, c, err
}

// claimed takes up what a channel's receiver has accepted, and the channel as it stands.
func (s *session) claimed(ctx context.Context, command *cobra.Command, name string) (f channelFile, c wallet.Channel, err error) {
	ids, err := s.resolve(name)
	if err != nil {
		return f, c, err
	}
	if f, err = readChannelFile(receiverPath(command, name, ids[0])); err == nil {
		c, err = s.Channel(ctx, f.Channel.Contract)
	}
	return f, c, err
}

// channelNamed is the channel of a name, or id, as it stands.
func (s *session) channelNamed(ctx context.Context, name string) (wallet.Channel, error) {
	ids, err := s.resolve(name)
	if err != nil {
		return wallet.Channel{}, err
	}
	return s.Channel(ctx, ids[0])
}

// keepClaim makes what a receiver has accepted durable. A better claim that another process kept meanwhile stays.
func keepClaim(path string, r *channel.Receiver) error {
	claim, ok := r.Claim()
	if !ok {
		return nil
	}
	return updateChannelFile(path, func(f *channelFile) error {
		if f.Closing {
			return closing(f.Total)
		}
		if f.Claim == nil || f.Channel != r.ID || f.Total < r.Worth() {
			*f = channelFile{Channel: r.ID, Total: r.Worth(), Claim: &claim}
		}
		return nil
	})
}

// accepted is what accept prints.
type accepted struct {
	Total    money.Tiyn `json:"total"`
	Deposit  money.Tiyn `json:"deposit"`
	Warnings []string   `json:"warnings,omitempty"`
}

// acceptWarnings says what a receiver should know of a channel's terms before it delivers for a voucher.
func acceptWarnings(c wallet.Channel, now uint64) (all []string) {
	const hour, day = 3_600_000, 24 * 3_600_000
	if c.Window < hour {
		all = append(all, fmt.Sprintf("when the sender leaves there are %s to claim in: have a watchtower, or close often", time.Duration(c.Window)*time.Millisecond))
	}
	if c.Ends < now+day {
		all = append(all, fmt.Sprintf("the channel ends at %s, and nothing can be claimed after that: close before", moment(c.Ends)))
	}
	if c.DayMost != 0 && c.DayMost < c.Deposit {
		all = append(all, fmt.Sprintf("of the deposit %s a day since the opening can be claimed, counted until the sender leaves", c.DayMost.Format()))
	}
	return all
}

func newChannelAccept() *cobra.Command {
	return &cobra.Command{
		Use: "accept NAME VOUCHER", Short: "Check a voucher as the receiver, and keep it", Args: cobra.ExactArgs(2),
		Example: "  aqsha channel accept stream voucher.json",
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			ids, err := s.resolve(args[0])
			if err != nil {
				return err
			}
			f, err := readChannelFile(args[1])
			if err != nil {
				return err
			}
			r, known, err := s.receiver(ctx, command, args[0], ids[0])
			if err != nil {
				return err
			}
			if f.Claim == nil || f.Claim.Ticks != 0 {
				return usageError{fmt.Errorf("%s holds no voucher", args[1])}
			}
			if refused := r.Accept(&f.Claim.Voucher, s.Now()); refused != nil {
				return refused
			}
			if err := keepClaim(receiverPath(command, args[0], ids[0]), r); err != nil {
				return err
			}
			warnings := acceptWarnings(known, s.Now())
			return show(command, accepted{r.Worth(), r.Deposit, warnings}, func(w io.Writer) {
				fmt.Fprintf(w, "accepted: %s of %s in all\n", r.Worth().Format(), r.Deposit.Format())
				for _, warning := range warnings {
					fmt.Fprintf(w, "warning: %s\n", warning)
				}
			})
		}),
	}
}

// closeChannel brings the best claim: to close, or to be paid so far.
func closeChannel(ctx context.Context, s *session, f channelFile, by token.WalletID, action string) (node.Receipt, error) {
	if f.Claim == nil {
		return node.Receipt{}, usageError{errors.New("nothing was accepted on the channel: release gives everything back")}
	}
	return s.Call(ctx, wallet.Call{Contract: f.Channel.Contract, By: by, Action: action, Args: f.Claim.Args()})
}

func newChannelClose() *cobra.Command {
	command := &cobra.Command{
		Use: "close NAME", Short: "Close with the last voucher, as the receiver; --claim is paid and leaves it open", Args: cobra.ExactArgs(1),
		Example: "  aqsha channel close stream\n  aqsha channel close stream --claim",
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			f, c, err := s.claimed(ctx, command, args[0])
			if err != nil {
				return err
			}
			action := "close"
			if claim, _ := command.Flags().GetBool("claim"); claim {
				action = "claim"
			}
			receipt, err := closeChannel(ctx, s, f, c.Receiver, action)
			return showReceipt(command, receipt, err, "channel %s: %s in all\n", args[0], f.Total.Format())
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

func newChannelFinal() *cobra.Command {
	return &cobra.Command{
		Use: "final NAME", Short: "As the receiver, agree to close at what was accepted; the sender settles with it", Args: cobra.ExactArgs(1),
		Example: "  aqsha channel final stream > final.json",
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			f, c, err := s.claimed(ctx, command, args[0])
			if err != nil {
				return err
			}
			key, err := s.Book.Key(s.Book.NameOf(c.Receiver))
			if err != nil {
				return err
			}
			out := final{Channel: f.Channel, Amount: f.Total}
			// That it closes is kept before the word is out: the sender may settle at this total whatever is accepted later.
			err = updateChannelFile(receiverPath(command, args[0], f.Channel.Contract), func(there *channelFile) error {
				there.Closing, out.Amount = true, there.Total
				return nil
			})
			if err != nil {
				return err
			}
			if out.Signature, err = key.Sign(f.Channel.FinalDigest(out.Amount)); err != nil {
				return err
			}
			return showJSON(command, out)
		}),
	}
}

func newChannelSettle() *cobra.Command {
	return &cobra.Command{
		Use: "settle NAME FINAL", Short: "As the sender, close at once with the receiver's consent", Args: cobra.ExactArgs(2),
		Example: "  aqsha channel settle stream final.json",
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			data, err := readLimited(args[1], maxChannelFile)
			if err != nil {
				return err
			}
			var f final
			if err := json.Unmarshal(data, &f); err != nil {
				return usageError{fmt.Errorf("%s: %w", args[1], err)}
			}
			c, err := s.channelNamed(ctx, args[0])
			if err != nil {
				return err
			}
			receipt, err := s.Call(ctx, wallet.Call{Contract: c.Contract, By: c.Sender, Action: "settle", Args: []token.Value{token.Int(int64(f.Amount)), token.Bytes(f.Signature[:])}})
			return showReceipt(command, receipt, err, "channel %s is settled: %s in all\n", args[0], f.Amount.Format())
		}),
	}
}

func newChannelTopUp() *cobra.Command {
	return &cobra.Command{
		Use: "top-up NAME AMOUNT", Short: "Put more money in, as the sender", Args: cobra.ExactArgs(2), Example: "  aqsha channel top-up stream 500",
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			amount, err := money.ParseTenge(args[1])
			if err != nil {
				return usageError{err}
			}
			return stepOf(ctx, command, s, args[0], "sender", wallet.Call{Action: "top_up", Paid: amount})
		}),
	}
}

// stepOf calls an action as one of the sides.
func stepOf(ctx context.Context, command *cobra.Command, s *session, name, side string, call wallet.Call) error {
	c, err := s.channelNamed(ctx, name)
	if err != nil {
		return err
	}
	call.Contract, call.By = c.Contract, c.Sender
	if side == "receiver" {
		call.By = c.Receiver
	}
	receipt, err := s.Call(ctx, call)
	return showReceipt(command, receipt, err, "channel %s: %s by the %s\n", name, call.Action, side)
}

func newChannelStep(action, short, side string) *cobra.Command {
	return &cobra.Command{
		Use: action + " NAME", Short: short, Args: cobra.ExactArgs(1), Example: "  aqsha channel " + action + " stream",
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			return stepOf(ctx, command, s, args[0], side, wallet.Call{Action: action})
		}),
	}
}

func newChannelExport() *cobra.Command {
	return &cobra.Command{
		Use: "export NAME", Short: "Print the receiver's best claim, for a watchtower: who has it can only let the receiver be paid", Args: cobra.ExactArgs(1),
		Example: "  aqsha channel export stream > tower.json",
		RunE: func(command *cobra.Command, args []string) error {
			book, err := openBook(command)
			if err != nil {
				return err
			}
			id, err := book.Resolve(args[0])
			if err != nil {
				return err
			}
			f, err := readChannelFile(receiverPath(command, args[0], id))
			if err != nil {
				return err
			}
			return showJSON(command, f)
		},
	}
}

func newChannelWatch() *cobra.Command {
	command := &cobra.Command{
		Use: "watch CLAIM...", Short: "Be a watchtower: when a sender leaves a channel, bring the receiver's claim", Args: cobra.MinimumNArgs(1),
		Long: `Looks at the channels of the claims (aqsha channel export) until each is settled. When the sender
has left and the contract has paid less than the claim is worth, brings the claim. A node that does
not answer, or a claim that the ledger refuses, is said and tried again; the other claims go on.`,
		Example: "  aqsha channel watch tower.json --by tower",
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			ids, err := s.resolve(flag(command, "by"))
			if err != nil {
				return err
			}
			every, _ := command.Flags().GetDuration("every")
			once, _ := command.Flags().GetBool("once")
			said := map[string]string{} // the last trouble of each claim, so that one of months is told once
			for {
				open := 0
				var troubles error
				for _, path := range args {
					f, err := readChannelFile(path)
					live := true
					if err == nil {
						live, err = watchOne(ctx, command, s, f, ids[0])
					}
					if err != nil && ctx.Err() == nil {
						troubles = errors.Join(troubles, fmt.Errorf("%s: %w", path, err))
						if said[path] != err.Error() {
							fmt.Fprintf(command.ErrOrStderr(), "%s: %v; it is tried again\n", path, err)
						}
						said[path] = err.Error()
					} else {
						delete(said, path)
					}
					if live {
						open++
					}
				}
				if open == 0 || once {
					return troubles
				}
				select {
				case <-time.After(max(every, 10*time.Millisecond)):
				case <-ctx.Done():
					return nil
				}
			}
		}),
	}
	command.Flags().String("by", "", "the wallet that brings claims")
	_ = command.MarkFlagRequired("by")
	command.Flags().Duration("every", 10*time.Second, "how often to look")
	command.Flags().Bool("once", false, "look once")
	return command
}

// watchOne looks at one channel; live is whether it should be looked at again.
func watchOne(ctx context.Context, command *cobra.Command, s *session, f channelFile, by token.WalletID) (live bool, err error) {
	c, err := s.Channel(ctx, f.Channel.Contract)
	var problem *api.Problem
	if errors.As(err, &problem) && problem.Code == string(node.NotFound) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if c.Left == 0 || f.Claim == nil || f.Total <= c.Paid {
		return c.Left == 0, nil
	}
	receipt, err := closeChannel(ctx, s, f, by, "claim")
	if err == nil {
		fmt.Fprintf(command.OutOrStdout(), "the sender left channel %s; claimed %s for the receiver (entry %d)\n", f.Channel.Contract, f.Total.Format(), receipt.Index)
	}
	return true, err
}

func newChannelShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show what the ledger says of a channel", Args: cobra.ExactArgs(1), Example: "  aqsha channel show stream --json",
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			c, err := s.channelNamed(ctx, args[0])
			if err != nil {
				return err
			}
			return show(command, c, func(w io.Writer) {
				fmt.Fprintf(w, "from %s to %s: deposit %s, paid %s, a tick is %s\n", plain(s.Book.NameOf(c.Sender)), plain(s.Book.NameOf(c.Receiver)), c.Deposit.Format(), c.Paid.Format(), c.Tick.Format())
				if c.Left != 0 {
					fmt.Fprintf(w, "the sender left at %s; claims until %s\n", moment(c.Left), moment(c.Left+c.Window))
				}
				fmt.Fprintf(w, "until %s\n", moment(c.Ends))
			})
		}),
	}
}
