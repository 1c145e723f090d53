package channelcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
)

// Two parties of a channel pay and accept without a node, its log's key or a network: each holds what the node said of
// the channel when it was last asked, with the proof that the opening is in the log. What the ledger alone can say they
// do without as long as nothing can be lost by it: the sender can take nothing back within the window after it leaves,
// so whoever asks at least once a window is in time to claim, and the limit a day counts until the last time of asking.

// channelUnseen is the code of a channel of which too long nothing was heard to accept anything on it.
const channelUnseen token.Code = "channel-unseen"

// keptChannel is a channel as the node said it, and the proof of its opening.
type keptChannel struct {
	Channel wallet.Channel `json:"channel"`
	Asked   uint64         `json:"asked_millis"` // before the node answered
	Proof   []byte         `json:"proof"`        // of the money in it, back to its issue: the opening is on the way
}

// maxKeptChannel bounds the file: a proof has as many transactions as the deposit has gone through.
const maxKeptChannel = 16 << 20

// keptLedger answers for a node with what was kept.
type keptLedger struct{ kept *keptChannel }

// Channel is the channel as it was when it was kept; of any other nothing is known without a network.
func (l keptLedger) Channel(_ context.Context, id token.WalletID) (wallet.Channel, error) {
	if l.kept.Channel.Contract != id {
		return wallet.Channel{}, token.Errorf(channelUnseen, "channel", "what is kept is of channel %s",
			l.kept.Channel.Contract)
	}
	return l.kept.Channel, nil
}

func keptPath(command *cobra.Command, id token.WalletID) string {
	return filepath.Join(cli.Flag(command, "data"), "channels", id.String()+".opening.json")
}

// readKept reads what was kept of a channel and checks its proof against the network. What it returns is as of Asked:
// that nobody has left since, no file can say.
func readKept(command *cobra.Command, name string) (*keptChannel, *wallet.Keyring, error) {
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return nil, nil, err
	}
	id, err := keyring.Resolve(name)
	if err != nil {
		return nil, nil, err
	}
	path := keptPath(command, id)
	data, err := durable.Read(vfs.OS, path, maxKeptChannel)
	if err != nil {
		return nil, nil, token.Errorf(channelUnseen, "channel",
			"nothing is kept of channel %s here (%v): aqsha channel keep %s, once, where there is a node", id, err,
			name)
	}
	var k keptChannel
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&k); err != nil {
		return nil, nil, cli.Usage(fmt.Errorf("%s: not what was kept of a channel: %w", path, err))
	}
	if k.Channel.Contract != id {
		return nil, nil, cli.Usage(fmt.Errorf("%s: of channel %s", path, k.Channel.Contract))
	}
	return &k, keyring, k.check()
}

// check holds what the node said against the opening that is proved to be in the network's log. The moment of the
// opening and what was paid since are the node's word.
func (k *keptChannel) check() error {
	shown, err := proof.Check(k.Proof, k.Channel.Network)
	if err != nil {
		return err
	}
	f, err := proof.Decode(k.Proof)
	if err != nil {
		return err
	}
	c := &k.Channel
	refuse := func(format string, args ...any) error {
		return token.Errorf(proof.BadProof, "proof", format, args...)
	}
	if shown.Wallet != c.Contract || shown.Purpose != 0 || shown.Amount+c.Paid != c.Deposit {
		return refuse("it shows %s in wallet %s, and not the %s that channel %s is said to hold", shown.Amount,
			shown.Wallet, c.Deposit-c.Paid, c.Contract)
	}
	for _, included := range f.Entries {
		e, err := ledger.DecodeEntry(included.Entry)
		if err != nil || e.Transaction == nil || token.RegisteredID(e.Transaction.ID()) != c.Contract {
			continue
		}
		t, ok := e.Transaction.Body.(*token.Create)
		if !ok {
			break
		}
		// The definition decides who gets the deposit: another one with the same terms could give it all back to the
		// sender.
		known, err := wallet.IsTemplate("channel", t.Definition)
		if err != nil {
			return err
		}
		if !known || len(t.Terms) != 5 || len(t.Parties) != 2 {
			return refuse("contract %s is no channel", c.Contract)
		}
		if t.Parties[0] != c.Sender || t.Parties[1] != c.Receiver || t.Terms[0].Text != string(c.Key[:]) ||
			money.Tiyn(t.Terms[1].Int) != c.Tick || money.Tiyn(t.Terms[2].Int) != c.MaxDay ||
			uint64(t.Terms[3].Int) != c.Window || uint64(t.Terms[4].Int) != c.Ends {
			return refuse("the channel was opened on other terms than the node said")
		}
		return nil
	}
	return refuse("the opening of channel %s is not in it", c.Contract)
}

// deadline is until when a receiver may do without a node: whoever left right after it was asked can take the rest back
// then.
func (k *keptChannel) deadline() uint64 { return min(k.Asked+k.Channel.Window, k.Channel.Ends) }

// acceptsUntil is until when a receiver may accept without a node: half a window after it was asked. The other half is for
// the receiver, or a tower that looks twice in a window, to claim before a sender who left at once can take the rest back.
func (k *keptChannel) acceptsUntil() uint64 { return min(k.Asked+k.Channel.Window/2, k.Channel.Ends) }

func addOfflineFlag(command *cobra.Command) {
	command.Flags().Bool("offline", false, "ask no node: what aqsha channel keep has kept says what the channel is")
}

// offlineOr runs a command without a ledger if --offline is given.
func offlineOr(offline func(command *cobra.Command, args []string) error,
	online func(ctx context.Context, command *cobra.Command, s *session.Session,
		args []string) error) func(*cobra.Command, []string) error {
	reading := session.ReadingLedger(online)
	return func(command *cobra.Command, args []string) error {
		if without, _ := command.Flags().GetBool("offline"); without {
			return offline(command, args)
		}
		err := reading(command, args)
		if errors.Is(err, datadir.ErrNoNetwork) || api.NotReached(err) {
			if _, _, missing := readKept(command, args[0]); missing == nil {
				err = fmt.Errorf("%w; this channel was kept here: --offline asks no node", err)
			}
		}
		return err
	}
}

// payOffline signs a voucher where there is no node.
func payOffline(command *cobra.Command, args []string) error {
	k, keyring, err := readKept(command, args[0])
	if err != nil {
		return err
	}
	now := wallet.SystemNow()
	if now >= k.Channel.Ends {
		return token.Errorf(contract.TooLate, "channel", "the channel ended at %s", terminal.Moment(k.Channel.Ends))
	}
	return payVoucher(command, args, now, func(f *channels.File, before money.Tiyn) (*channel.Sender, error) {
		return senderOf(command.Context(), keptLedger{k}, keyring, *f, before)
	})
}

// acceptOffline takes a voucher where there is no node, as long as nothing can be lost by it: a sender who left right
// after the node was asked can take the rest back when the window is over, and the receiver must have claimed by then.
// A clock that is a day behind what the node's said is refused too, since it would make that time seem far.
func acceptOffline(command *cobra.Command, args []string) error {
	k, keyring, err := readKept(command, args[0])
	if err == nil {
		err = checkReceiver(command, keyring, k.Channel)
	}
	if err != nil {
		return err
	}
	if now := wallet.SystemNow(); now >= k.acceptsUntil() || now+86_400_000 < k.Asked {
		return token.Errorf(channelUnseen, "channel",
			"a node was asked about the channel at %s; what is accepted after %s could not surely be claimed before a "+
				"sender who has left takes the rest back: aqsha channel keep %s, where there is a node",
			terminal.Moment(k.Asked), terminal.Moment(k.acceptsUntil()), args[0])
	}
	id := k.Channel.Contract
	r, added, err := acceptOver(command.Context(), keptLedger{k}, receiverPath(command, args[0], id), id, args[1],
		k.Asked, wallet.SystemNow)
	if err != nil {
		return err
	}
	warnings := []cli.Said{cli.Text("channel.warn-offline", "name", args[0], "at", terminal.Moment(k.deadline()))}
	return showAccepted(command, keyring, k.Channel, r.Worth(), added, wallet.SystemNow(), warnings)
}
