package channelcmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
)

// notTheReceiver is the code of a channel that pays somebody else than whoever has this directory's keys.
const notTheReceiver token.Code = "not-the-receiver"

// forAnother is the flag of who accepts for another wallet on purpose: a till with a clerk's key.
const forAnother = "for-another"

func addForAnotherFlag(command *cobra.Command) {
	command.Flags().Bool(forAnother, false, "though the channel pays a wallet whose key is not here")
}

// sides is which side of a channel this directory speaks for. Without any wallet's key it is nobody's: a till that only
// accepts, which can gain nothing for itself and lets the receiver be paid.
type sides struct{ anyKey, sender, receiver bool }

// sidesOf looks for the keys of a channel's wallets.
func sidesOf(keyring *wallet.Keyring, c wallet.Channel) (sides, error) {
	own, err := keyring.OwnWallets()
	return sides{len(own) > 0, slices.Contains(own, c.Sender), slices.Contains(own, c.Receiver)}, err
}

// checkReceiver refuses a channel that pays another than whose keys are here: what is delivered for its vouchers is
// delivered for somebody else's money.
func checkReceiver(command *cobra.Command, keyring *wallet.Keyring, c wallet.Channel) error {
	mine, err := sidesOf(keyring, c)
	if another, _ := command.Flags().GetBool(forAnother); err != nil || another || !mine.anyKey || mine.receiver {
		return err
	}
	return token.Errorf(notTheReceiver, "channel",
		"channel %s pays %s, and of the keys in this directory none is of that wallet; --%s accepts all the same",
		c.Contract, terminal.Plain(keyring.NameOf(c.Receiver)), forAnother)
}

// keepVoucher makes an accepted voucher durable, if it is worth more than what was accepted before, here or by another
// process meanwhile: whoever delivers for "accepted" delivers for what it adds, which is the answer. A device's voucher
// of the same total under a new chain adds its ticks, and is kept by channels.KeepClaim.
func keepVoucher(path string, r *channel.Receiver) (added money.Tiyn, err error) {
	claim, ok := r.Claim()
	err = channels.Update(path, func(f *channels.File) error {
		if f.Closing {
			return channels.Closing(f.Total)
		}
		var before money.Tiyn
		if f.Claim != nil && f.Channel == r.ID {
			before = f.Total
		}
		if !ok || r.Worth() <= before {
			return token.Errorf(channel.Stale, "amount", "a voucher for %s adds nothing: %s was accepted before",
				r.Worth(), before)
		}
		added = r.Worth() - before
		*f = channels.File{Channel: r.ID, Total: r.Worth(), Claim: &claim}
		return nil
	})
	return added, err
}

// accepted is what accept prints.
type accepted struct {
	Channel   token.WalletID `json:"channel"`
	Sender    token.WalletID `json:"sender"`
	Receiver  token.WalletID `json:"receiver"`
	Keyless   bool           `json:"receiver_key_elsewhere,omitempty"` // whoever accepted cannot spend what it accepted
	Added     money.Tiyn     `json:"added"`                            // by this voucher
	Total     money.Tiyn     `json:"total"`
	Deposit   money.Tiyn     `json:"deposit"`
	Ends      uint64         `json:"ends_millis"`
	Remaining uint64         `json:"remaining_millis"`
	Warnings  []cli.Said     `json:"warnings,omitempty"`
}

// acceptWarnings says what a receiver should know of a channel's terms before it delivers for a voucher.
func acceptWarnings(c wallet.Channel, now uint64) (all []cli.Said) {
	const hour, day = 3_600_000, 24 * 3_600_000
	if c.Window < hour {
		all = append(all, cli.Text("channel.warn-window", "span", time.Duration(c.Window)*time.Millisecond))
	}
	if c.Ends < now+day {
		all = append(all, cli.Text("channel.warn-ends", "at", terminal.Moment(c.Ends)))
	}
	if c.MaxDay != 0 && c.MaxDay < c.Deposit {
		all = append(all, cli.Text("channel.warn-day", "amount", c.MaxDay.Format()))
	}
	return all
}

// newChannelAccept makes "channel accept". Whether the sender has left is asked of the node each time; without a node
// acceptOffline bounds how long that may not have been asked.
func newChannelAccept() *cobra.Command {
	command := &cobra.Command{
		Use: "accept NAME VOUCHER", Short: "Check a voucher as the receiver, and keep it", Args: cobra.ExactArgs(2),
		Long: `Checks a voucher and makes it durable, and says who pays whom, what it adds, and how long it can be
claimed. A till without any wallet's key may accept for its shop; in a directory with keys, of which none is the
receiver's, the channel is refused (not-the-receiver) unless --for-another says that it is meant.`,
		Example: "  aqsha channel accept stream voucher.json\n  aqsha channel accept stream voucher.json --offline",
		RunE: offlineOr(acceptOffline, func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0])
			if err != nil {
				return err
			}
			c, err := s.Channel(ctx, ids[0])
			if err == nil {
				err = checkReceiver(command, s.Keyring, c)
			}
			if err != nil {
				return err
			}
			// Durable before it is said: the goods are handed over upon this answer.
			r, added, err := acceptOver(ctx, s, receiverPath(command, args[0], ids[0]), ids[0], args[1], s.Now(), s.Now)
			if err != nil {
				return err
			}
			return showAccepted(command, s.Keyring, c, r.Worth(), added, s.Now(), acceptWarnings(c, s.Now()))
		}),
	}
	addOfflineFlag(command)
	addForAnotherFlag(command)
	return command
}

func showAccepted(command *cobra.Command, keyring *wallet.Keyring, c wallet.Channel, total, added money.Tiyn,
	now uint64, warnings []cli.Said) error {
	mine, err := sidesOf(keyring, c)
	if err != nil {
		return err
	}
	out := accepted{
		Channel: c.Contract, Sender: c.Sender, Receiver: c.Receiver, Keyless: !mine.receiver, Added: added,
		Total: total, Deposit: c.Deposit,
		Ends: c.Ends, Remaining: max(c.Ends, now) - now, Warnings: warnings,
	}
	return cli.Show(command, out, func(w io.Writer) {
		sender, receiver := terminal.Plain(keyring.NameOf(c.Sender)), terminal.Plain(keyring.NameOf(c.Receiver))
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("channel.accepted", "total", total.Format(), "deposit", c.Deposit.Format(), "added",
			added.Format()))
		fmt.Fprintln(w, "  ", l.Text("channel.accepted-by", "sender", sender, "receiver", receiver, "at",
			terminal.Moment(c.Ends), "left", contract.Period(out.Remaining/60_000*60_000)))
		if out.Keyless {
			fmt.Fprintln(w, "  ", l.Text("channel.keyless", "receiver", receiver))
		}
		for _, warning := range warnings {
			fmt.Fprintln(w, l.Text("channel.warning", "text", warning.In(l)))
		}
	})
}

// acceptOver takes a voucher's file into the book at a path: what it adds is durable before anything is delivered for
// it.
func acceptOver(ctx context.Context, ledger channels.Ledger, path string, id token.WalletID, voucher string,
	asked uint64, now func() uint64) (*channel.Receiver, money.Tiyn, error) {
	f, err := channels.Read(voucher)
	if err != nil {
		return nil, 0, err
	}
	if f.Claim == nil || f.Claim.Ticks != 0 {
		return nil, 0, cli.Usage(fmt.Errorf("%s holds no voucher", voucher))
	}
	r, _, err := channels.ReceiverOf(ctx, ledger, path, id, asked)
	if err != nil {
		return nil, 0, err
	}
	if refused := r.Accept(&f.Claim.Voucher, now()); refused != nil {
		return nil, 0, refused
	}
	added, err := keepVoucher(path, r)
	return r, added, err
}
