package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node"
)

// promotion is what "aqsha promote" prints.
type promotion struct {
	Epoch  uint64   `json:"epoch"`
	Size   uint64   `json:"size"` // entries with which the new leader begins
	Root   string   `json:"root"`
	Told   []string `json:"told"`   // who took the fence
	Untold []string `json:"untold"` // who did not answer
}

func newPromoteCommand() *cobra.Command {
	var logKey string
	command := &cobra.Command{
		Use:   "promote",
		Short: "Make a follower the leader, and fence the old one",
		Long: `Make the follower in the data directory the leader. It must not be running. The log's signing
key is needed: in the directory, or from --log-key (keys/log.secret of the old leader, kept apart).
A fence is signed: the old leader, if it answers, stops writing for ever, its last entries are
copied, and followers and peers that learn of the fence leave it. If it does not answer, what it
acknowledged without this follower ("acks = 0") may be lost; with "acks = 1" nothing is, and it cannot
acknowledge anything any more, because this follower cosigns no longer.`,
		Example: "  aqsha promote --data ./copy --log-key ./safe/log.secret && aqsha up --data ./copy",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return promote(command, logKey) },
	}
	addLedgerFlags(command)
	command.Flags().StringVar(&logKey, "log-key", "", "file with the log's signing key (default: the one in the data directory)")
	return command
}

func promote(command *cobra.Command, logKey string) error {
	ctx, dir := command.Context(), flag(command, "data")
	book, err := openBook(command)
	if err != nil {
		return err
	}
	c, lock, err := takeLedger(ctx, dir, func(c config) error {
		if c.Leader == "" {
			return usageError{fmt.Errorf("%s is a leader's already", dir)}
		}
		if logKey == "" && !book.HasLogKey() {
			return usageError{errors.New("the log's signing key is needed: --log-key FILE")}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer lock.Close()
	if logKey != "" && !book.HasLogKey() {
		if err := book.AdoptLogKey(logKey); err != nil {
			return err
		}
	}
	signer, err := book.LogSigner()
	if err != nil {
		return err
	}
	n, err := openNode(dir, c, book, nil)
	if err != nil {
		return err
	}
	var word [16]byte
	_, _ = rand.Read(word[:])
	signed, fence, err := n.Promote(signer, hex.EncodeToString(word[:]))
	if err != nil {
		return errors.Join(err, n.Close())
	}
	result := promotion{Epoch: fence.Epoch, Told: []string{}, Untold: []string{}}
	for _, url := range append([]string{c.Leader}, c.Peers...) {
		told, cancel := context.WithTimeout(ctx, healthWait)
		if err := api.NewClient(url, accessOf(command)).SetFence(told, signed); err != nil {
			result.Untold = append(result.Untold, url)
		} else {
			result.Told = append(result.Told, url)
		}
		cancel()
	}
	if slices.Contains(result.Told, c.Leader) {
		// It writes no more: what it has now is all that it will ever have.
		if err := catchUp(ctx, n, api.NewClient(c.Leader, accessOf(command))); err != nil {
			return errors.Join(fmt.Errorf("the old leader has stopped, but its last entries could not be copied; try again: %w", err), n.Close())
		}
	}
	head := n.Head()
	result.Size, result.Root = head.Size, head.Root.String()
	if err := n.Close(); err != nil {
		return err
	}
	c.Leader, c.Followers, c.Acks = "", nil, 0
	if err := writeConfig(dir, c); err != nil {
		return err
	}
	return show(command, result, func(w io.Writer) {
		fmt.Fprintf(w, "%s is the leader from entry %d on (epoch %d). Start it with \"aqsha up --data %s\".\n", dir, result.Size, result.Epoch, dir)
		for _, url := range result.Told {
			fmt.Fprintf(w, "  %s knows\n", url)
		}
		for _, url := range result.Untold {
			fmt.Fprintf(w, "  %s does not answer: keep it off the network until it has the fence, or name this node in its \"peers\"\n", url)
		}
	})
}

// catchUp copies what a leader has now.
func catchUp(ctx context.Context, n *node.Node, leader *api.Client) error {
	signed, err := leader.Checkpoint(ctx)
	if err != nil {
		return err
	}
	target, err := parseSize(signed)
	if err != nil {
		return err
	}
	return n.FollowUntil(ctx, leader, nil, target, nil)
}
