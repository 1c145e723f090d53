package channelcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
	"github.com/aqsha/aqsha/words"
)

// newChannelExport makes "channel export". The file has no key: who holds it can bring the claim, and the money goes
// to the receiver.
func newChannelExport() *cobra.Command {
	return &cobra.Command{
		Use: "export NAME", Short: "Print the receiver's best claim, for a watchtower: who has it can only let the " +
			"receiver be paid", Args: cobra.ExactArgs(1),
		Long: `Prints the best claim that was accepted so far, with the time. A voucher that is accepted later is not
in it: a tower that is to claim that too is given a new export, under the same file name, and takes it up by itself.`,
		Example: "  aqsha channel export stream > tower.json",
		RunE: func(command *cobra.Command, args []string) error {
			keyring, err := datadir.OpenKeyring(command)
			if err != nil {
				return err
			}
			id, err := keyring.Resolve(args[0])
			if err != nil {
				return err
			}
			f, err := channels.Read(receiverPath(command, args[0], id))
			if err != nil {
				return err
			}
			f.Exported = wallet.SystemNow()
			return cli.ShowJSON(command, f)
		},
	}
}

// newChannelWatch makes "channel watch". Two looks within the shortest window are needed: a sender can take the rest
// back when it is over.
func newChannelWatch() *cobra.Command {
	command := &cobra.Command{
		Use: "watch CLAIM...", Short: "Be a watchtower: when a sender leaves a channel, bring the receiver's claim",
		Args: cobra.MinimumNArgs(1),
		Long: `Looks at the channels of the claims (aqsha channel export) until each is settled, at least twice in a window (--every). When the sender
has left and the contract has paid less than the claim is worth, brings the claim. A node that does
not answer, or a claim that the ledger refuses, is said and tried again; the other claims go on.

A claim is as new as its export, which is said at the start: what was accepted later is not in it. An old one takes
nothing away, for the receiver, or another tower, claims the rest within the window all the same; where the contract has
paid more than the claim is worth, that is said, and so is a channel that is settled or has ended. The files are read
again each time: a new export in the place of an old one counts at once.`,
		Example: "  aqsha channel watch tower.json --by tower",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(cli.Flag(command, "by"))
			if err != nil {
				return err
			}
			every, _ := command.Flags().GetDuration("every")
			if every <= 0 {
				return cli.Usage(fmt.Errorf("--every %s: want a time between looks", every))
			}
			once, _ := command.Flags().GetBool("once")
			t := &tower{ledger: s, by: ids[0], said: map[string]string{}, known: map[string]money.Tiyn{},
				notify: func(e towerEvent) { e.print(command, s) },
				trouble: func(path string, err error) {
					fmt.Fprintf(command.ErrOrStderr(), "%s: %v; it is tried again\n", path, err)
				}}
			for {
				// A trouble with one channel keeps the tower from none of the others; only --once ends with it.
				open, troubles := t.look(ctx, args)
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
	return cli.SpeakingAtOnce(command)
}

// tower watches the channels of some claims.
type tower struct {
	ledger  channelSide
	by      token.WalletID
	said    map[string]string     // the last trouble of each file, so that one of months is told once
	known   map[string]money.Tiyn // what the claim of each file was worth when it was last told
	notify  func(towerEvent)
	trouble func(path string, err error)
}

// towerEvent is what a tower tells of a channel.
type towerEvent struct {
	// watching, claimed, old-claim: the contract has paid more than the claim is worth, or ended: there is no such
	// channel any more
	Event    string         `json:"event"`
	Channel  token.WalletID `json:"channel"`
	Receiver token.WalletID `json:"receiver,omitzero"` // this and the next but one are not known of one that is ended
	Total    money.Tiyn     `json:"total"`             // of the claim
	Paid     money.Tiyn     `json:"paid"`              // by the contract, before
	Deposit  money.Tiyn     `json:"deposit"`
	// the claim; 0 for a receiver's own book, or of an earlier version
	Exported uint64  `json:"exported_millis,omitempty"`
	Ends     uint64  `json:"ends_millis"`
	Entry    *uint64 `json:"entry,omitempty"` // that paid it
}

// look looks once at every file's channel; open is how many are to be looked at again. A file that cannot be read
// counts as open, and a trouble is said once until it is another or over.
func (t *tower) look(ctx context.Context, files []string) (open int, troubles error) {
	for _, path := range files {
		f, err := channels.Read(path)
		live := true
		if err == nil {
			live, err = t.watch(ctx, path, f)
		}
		if err != nil && ctx.Err() == nil {
			troubles = errors.Join(troubles, fmt.Errorf("%s: %w", path, err))
			if t.said[path] != err.Error() {
				t.trouble(path, err)
			}
			t.said[path] = err.Error()
		} else {
			delete(t.said, path)
		}
		if live {
			open++
		}
	}
	return open, troubles
}

// watch looks at one channel; live is whether it should be looked at again.
func (t *tower) watch(ctx context.Context, path string, f channels.File) (live bool, err error) {
	c, err := t.ledger.Channel(ctx, f.Channel.Contract)
	var problem *api.Problem
	if errors.As(err, &problem) && problem.Code == string(node.NotFound) {
		if t.said[path+" ended"] == "" {
			t.said[path+" ended"] = "ended"
			t.notify(towerEvent{Event: "ended", Channel: f.Channel.Contract, Total: f.Total, Exported: f.Exported})
		}
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if f.Claim == nil && f.Seed != nil {
		return false, fmt.Errorf("the sender's file of channel %s has no claim: a tower watches what \"aqsha channel "+
			"export\" prints for the receiver", c.Contract)
	}
	event := towerEvent{Channel: c.Contract, Receiver: c.Receiver, Total: f.Total, Paid: c.Paid, Deposit: c.Deposit,
		Exported: f.Exported, Ends: c.Ends}
	if total, reported := t.known[path]; !reported || total != f.Total {
		t.known[path], event.Event = f.Total, "watching"
		t.notify(event)
	}
	if f.Claim != nil && f.Total < c.Paid {
		if old := "old claim " + c.Paid.String(); t.said[path+" old"] != old {
			t.said[path+" old"], event.Event = old, "old-claim"
			t.notify(event)
		}
	}
	// While the sender has not left nothing is brought: a claim ends the channel for both.
	if c.Left == 0 || f.Claim == nil || f.Total <= c.Paid {
		return c.Left == 0, nil
	}
	receipt, err := closeChannel(ctx, t.ledger, f, t.by, "claim")
	if err == nil {
		event.Event, event.Entry = "claimed", &receipt.Index
		t.notify(event)
	}
	return true, err
}

// print tells an event: a line of words, or of JSON.
func (e towerEvent) print(command *cobra.Command, s *session.Session) {
	out := command.OutOrStdout()
	if cli.WantsJSON(command) {
		_ = json.NewEncoder(out).Encode(e)
		return
	}
	e.say(out, cli.LanguageFor(command), terminal.Plain(s.Keyring.NameOf(e.Receiver)))
}

func (e towerEvent) say(out io.Writer, l words.Language, receiver string) {
	switch e.Event {
	case "watching":
		since := l.Text("channel.watching-own")
		if e.Exported != 0 {
			since = l.Text("channel.watching-exported", "at", terminal.Moment(e.Exported))
		}
		fmt.Fprintln(out, l.Text("channel.watching", "channel", e.Channel, "at", terminal.Moment(e.Ends), "total",
			e.Total.Format(), "deposit", e.Deposit.Format(), "receiver", receiver, "since", since))
	case "old-claim":
		fmt.Fprintln(out, l.Text("channel.old-claim", "channel", e.Channel, "paid", e.Paid.Format(), "total",
			e.Total.Format()))
	case "ended":
		fmt.Fprintln(out, l.Text("channel.gone", "channel", e.Channel))
	default:
		fmt.Fprintln(out, l.Text("channel.claimed", "channel", e.Channel, "total", e.Total.Format(), "entry", *e.Entry))
	}
}
