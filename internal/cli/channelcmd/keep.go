package channelcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
	"github.com/aqsha/aqsha/words"
)

// keptNow is what keep prints.
type keptNow struct {
	Channel  token.WalletID `json:"channel"`
	Sender   token.WalletID `json:"sender"`
	Receiver token.WalletID `json:"receiver"`
	Asked    uint64         `json:"asked_millis"`
	Until    uint64         `json:"until_millis"` // that a receiver accepts without a node
	Proof    int            `json:"proof_bytes"`
	Pays     bool           `json:"pays"`             // this directory has what "pay --offline" needs
	Missing  cli.Said       `json:"missing,omitzero"` // of that
}

// newChannelKeep makes "channel keep". asked is taken before the node is: the time that it vouches for is no later.
func newChannelKeep() *cobra.Command {
	command := &cobra.Command{
		Use: "keep NAME", Short: "Ask the node once, and keep what paying and accepting without one need: the terms, " +
			"and the proof of the opening", Args: cobra.ExactArgs(1),
		Long: `Keeps what the ledger says of the channel, with the proof that its opening is in the log, so that
"channel pay --offline" and "channel accept --offline" need no node. The proof is checked against the network's
id; that nobody has left, what was paid so far and the moment of the opening are the node's word. A receiver asks again
before the window is over, counted from the last time: a sender who left may take the rest back then.

It says who pays whom, and what this directory lacks for paying: the sender's file of the channel, with the seed and the
last total, and the key that signs. In a directory with wallets' keys of neither side the channel is refused
(not-the-receiver), unless --for-another says that it is meant.`,
		Example: "  aqsha channel keep stream",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			asked := s.Now()
			c, err := channelNamed(ctx, s, args[0])
			if err != nil {
				return err
			}
			missing, err := lackedForPaying(command, s.Keyring, args[0], c)
			if err != nil {
				return err
			}
			if mine, err := sidesOf(s.Keyring, c); err != nil {
				return err
			} else if !mine.sender && !missing.IsZero() {
				// a device's directory has the sender's file, and the channel's key
				if err := checkReceiver(command, s.Keyring, c); err != nil {
					return err
				}
			}
			if c.Left != 0 {
				return token.Errorf(channel.Revoked, "channel", "the sender left at %s: nothing more is accepted",
					terminal.Moment(c.Left))
			}
			k, err := queryToKeep(ctx, s, c, asked)
			if err != nil {
				return err
			}
			if err := k.save(keptPath(command, c.Contract)); err != nil {
				return err
			}
			out := keptNow{c.Contract, c.Sender, c.Receiver, asked, k.acceptsUntil(), len(k.Proof), missing.IsZero(),
				missing}
			return cli.Show(command, out, func(w io.Writer) {
				out.say(w, cli.LanguageFor(command), args[0], s.Keyring, c)
			})
		}),
	}
	addForAnotherFlag(command)
	return command
}

func (k keptNow) say(w io.Writer, l words.Language, name string, keyring *wallet.Keyring, c wallet.Channel) {
	fmt.Fprintln(w, l.Text("channel.kept", "name", terminal.Plain(name), "sender",
		terminal.Plain(keyring.NameOf(c.Sender)), "receiver", terminal.Plain(keyring.NameOf(c.Receiver)), "deposit",
		c.Deposit.Format()))
	fmt.Fprintln(w, "  ", l.Text("channel.kept-receiver", "at", terminal.Moment(k.Until)))
	if k.Pays {
		fmt.Fprintln(w, "  ", l.Text("channel.kept-sender", "at", terminal.Moment(c.Ends)))
	} else {
		fmt.Fprintln(w, "  ", l.Text("channel.kept-lacks", "what", k.Missing.In(l)))
	}
}

// lackedForPaying says what a directory lacks to sign vouchers of a channel; empty if nothing. It is asked where there
// is a node, so that somebody learns of it before he stands at a till without one.
func lackedForPaying(command *cobra.Command, keyring *wallet.Keyring, name string, c wallet.Channel) (lacks cli.Said,
	err error) {
	path := channelPath(command, name, "sender")
	f, err := channels.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cli.Text("channel.lacks-file", "path", path), nil
	case err != nil:
		return lacks, err
	case f.Seed == nil || f.Channel.Contract != c.Contract:
		return cli.Text("channel.lacks-other", "path", path), nil
	}
	public, err := keyring.PublicKey(f.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cli.Text("channel.lacks-key", "key", f.Key), nil
	case err == nil && !keyring.Signs(f.Key):
		return cli.Text("channel.lacks-secret", "key", f.Key), nil
	case err == nil && public != c.Key:
		return cli.Text("channel.lacks-same", "key", f.Key), nil
	}
	return lacks, err
}

// queryToKeep asks the node for the proof of a channel's opening, and checks it.
func queryToKeep(ctx context.Context, s *session.Session, c wallet.Channel, asked uint64) (*keptChannel, error) {
	held, err := s.API.Tokens(ctx, c.Contract, 1)
	if err != nil {
		return nil, err
	}
	if len(held.Tokens) != 1 {
		return nil, token.Errorf(channel.AboveDeposit, "channel", "it holds nothing any more")
	}
	k := &keptChannel{Channel: c, Asked: asked}
	if k.Proof, err = s.API.Proof(ctx, held.Tokens[0].ID); err != nil {
		return nil, err
	}
	return k, k.check()
}

// save writes what was kept; a crash leaves what was kept before.
func (k *keptChannel) save(path string) error {
	if err := vfs.OS.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	content, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, path, append(content, '\n'))
}
