package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// defaultFollowerListen is where a follower serves: beside a leader on the same machine.
const defaultFollowerListen = "127.0.0.1:8430"

func newFollowCommand() *cobra.Command {
	var once bool
	command := &cobra.Command{
		Use:   "follow [URL]",
		Short: "Copy a node's log, verify everything in it, cosign its checkpoints and serve reads",
		Long: `Copy the log of the node at URL into the data directory, verifying every signature, rule and
checkpoint, and serve the read API from the copy. The URL (or @FILE that holds it) is needed the first time only.
Checkpoints are cosigned (C2SP tlog-cosignature) with a key that is made here; put its public
half, which is printed, into "followers" of the leader's config.toml, and "acks = 1" beside it
to have nothing answered that this follower does not have.
If the leader ever signs two histories, following stops and the signed pair is saved:
"aqsha verify evidence" checks it.`,
		Example: `  aqsha follow http://127.0.0.1:8420 --data ./copy
  aqsha follow --data ./copy
  aqsha follow https://tenge.example.kz --data ./copy --network 3c0b… --once --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir := flag(command, "data")
			book, err := openBook(command)
			if err != nil {
				return err
			}
			for i := range args {
				if args[i], err = textOrFile(args[i]); err != nil {
					return usageError{err}
				}
			}
			c, lock, err := followerConfig(command, dir, args)
			if err != nil {
				return err
			}
			defer lock.Close()
			if listen := flag(command, "listen"); listen != "" {
				c.Listen = listen
			}
			c.takeTLS(command)
			if err := c.logsAt(command, os.Stderr); err != nil {
				return err
			}
			cosigner, public, err := book.Cosigner(followerName())
			if err != nil {
				return err
			}
			client := api.NewClient(c.Leader, accessOf(command))
			if err := sameNetwork(command.Context(), c, client); err != nil {
				return err
			}
			if err := keepMembers(command.Context(), dir, &c, client); err != nil {
				return err
			}
			if once {
				return followOnce(command, dir, c, book, client, cosigner, public)
			}
			fmt.Fprintf(os.Stderr, "This follower's key, for \"followers\" of the leader's config.toml: %s\n", public)
			for {
				moved, err := followAndServe(command.Context(), dir, c, book, client, cosigner)
				if moved.Leader == "" || command.Context().Err() != nil {
					return err
				}
				c, client = moved, api.NewClient(moved.Leader, accessOf(command))
			}
		},
	}
	addLedgerFlags(command)
	addLogFlags(command)
	addTLSFlags(command)
	command.Flags().String("listen", "", "address of the read API (default: listen in config.toml, "+defaultFollowerListen+")")
	command.Flags().String("network", "", "the network this must be (default, the first time: whatever the leader's genesis says)")
	command.Flags().BoolVar(&once, "once", false, "stop when everything that the leader has now is here")
	return command
}

// accessOf is the access token for a node.
func accessOf(command *cobra.Command) string {
	if access := flag(command, "access"); access != "" {
		return access
	}
	return os.Getenv("AQSHA_ACCESS")
}

// followerName draws a name for a new follower's key.
func followerName() string {
	var word [4]byte
	_, _ = rand.Read(word[:])
	return "follower-" + hex.EncodeToString(word[:])
}

// followerConfig takes a follower's directory and reads its configuration; the first time, with a URL, it makes the copy.
func followerConfig(command *cobra.Command, dir string, args []string) (config, io.Closer, error) {
	if _, err := os.Stat(filepath.Join(dir, configFile)); errors.Is(err, os.ErrNotExist) {
		if len(args) == 0 {
			return config{}, nil, usageError{fmt.Errorf("%s holds no copy yet: name the node to follow", dir)}
		}
		return beginCopy(command.Context(), dir, args[0], accessOf(command), flag(command, "network"))
	}
	c, lock, err := takeLedger(command.Context(), dir, func(c config) error {
		if c.Leader == "" {
			return usageError{fmt.Errorf("%s is a leader's: it follows nobody", dir)}
		}
		if len(args) == 0 && checkURL("leader", c.Leader) != nil { // a copy of a backup, or of the past
			return usageError{fmt.Errorf("%s is a copy that follows nobody: name the node to follow (aqsha follow URL --data %s)", dir, dir)}
		}
		return nil
	})
	if err == nil && len(args) > 0 { // a new leader, or another address: kept when it was heard and what it shows held
		if err = checkURL("URL", args[0]); err != nil {
			return c, nil, errors.Join(usageError{err}, lock.Close())
		}
		c.Leader = strings.TrimSuffix(args[0], "/")
	}
	return c, lock, err
}

// sameNetwork refuses to follow a node of another network. One that does not answer is tried again later.
func sameNetwork(ctx context.Context, c config, leader *api.Client) error {
	asking, done := context.WithTimeout(ctx, askWait)
	defer done()
	info, err := leader.Network(asking)
	if err == nil && c.Network != "" && info.Network.String() != c.Network {
		return token.Errorf(wrongNetwork, "URL", "%s is a node of network %s (%s), and this is a copy of %s: nothing was changed", c.Leader, info.Network, info.Name, c.Network)
	}
	return nil
}

// keepHeard keeps whom a follower follows, once it was heard and what it shows held against the log here.
func keepHeard(ctx context.Context, dir string, n *node.Node, url string, logger *slog.Logger) {
	for heard := false; !heard; { // soon, for who follows for a moment only
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
		state, _ := n.FollowState()
		if heard = state.Connected; !heard && ctx.Err() != nil {
			return
		}
	}
	if err := adoptLeader(dir, url); err != nil {
		logger.Warn("whom this node follows could not be kept", "cause", err)
	}
}

// beginCopy founds a copy of a node's log with its genesis, in a directory that it takes.
func beginCopy(ctx context.Context, dir, url, access, network string) (config, io.Closer, error) {
	client := api.NewClient(url, access)
	info, err := client.Network(ctx)
	if err == nil {
		err = checkNetwork(network, info.Network)
	}
	if err != nil {
		return config{}, nil, fmt.Errorf("node %s: %w", url, err)
	}
	lock, err := newDirectory(ctx, dir)
	if err != nil {
		return config{}, nil, err
	}
	c := config{Name: info.Name, Listen: defaultFollowerListen, Development: info.Open, Leader: strings.TrimSuffix(url, "/"), Network: info.Network.String()}
	if err := copyGenesis(ctx, dir, client, network, c); err != nil {
		return c, nil, errors.Join(err, lock.Close())
	}
	return c, lock, nil
}

// checkNetwork compares a network with the one that was asked for, if any was.
func checkNetwork(asked string, got token.NetworkID) error {
	if asked == "" {
		return nil
	}
	var want token.NetworkID
	if err := want.UnmarshalText([]byte(asked)); err != nil {
		return usageError{fmt.Errorf("--network: %w", err)}
	}
	if got != want {
		return usageError{fmt.Errorf("--network: this is network %s", got)}
	}
	return nil
}

// copyGenesis begins a copy with its first entry, in a directory that the caller holds.
func copyGenesis(ctx context.Context, dir string, client *api.Client, network string, c config) error {
	var genesis []byte
	for entry, err := range client.Entries(ctx, 1) {
		if err != nil {
			return err
		}
		genesis = append([]byte(nil), entry...)
	}
	if err := checkNetwork(network, ledger.NetworkOf(genesis)); err != nil {
		return err
	}
	return founding(dir, func() error {
		if _, err := node.FoundCopy(node.Config{Dir: dir}, genesis); err != nil {
			return err
		}
		return writeConfig(dir, c)
	})
}

// followAndServe follows until ctx ends or the leader cannot be followed any more, and serves reads meanwhile. When the leader
// was replaced it looks for the new one, and ends with a configuration to follow that one.
func followAndServe(ctx context.Context, dir string, c config, book *wallet.Book, leader *api.Client, cosigner note.Signer) (moved config, _ error) {
	logger := c.logger()
	n, err := openNode(dir, c, book, logger)
	if err != nil {
		return moved, err
	}
	defer endInTime(ctx, os.Stderr)()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	var ended error
	err = serveNode(ctx, n, dir, c, logger, nil, func(ctx context.Context, server *api.Server, listens string) error {
		if own := ownURL(c, listens); own != "" {
			leader.Announce(own)
		}
		group.Go(func() {
			if ended = n.Follow(ctx, leader, cosigner); errors.Is(ended, context.Canceled) {
				ended = nil
			}
			if showsAlarm(ended) {
				return // what was verified is read from here all the same, and /health and the metrics say why it ended
			}
			cancel()
		})
		group.Go(func() {
			if url := awaitNewLeader(ctx, dir, n, c.Leader); url != "" {
				logger.Info("another node leads: following it", "leader", url)
				moved = c
				moved.Leader, moved.Listen = url, strings.TrimPrefix(strings.TrimPrefix(listens, "https://"), "http://")
				cancel()
			}
		})
		group.Go(func() { keepMembersFresh(ctx, dir, c, leader, server, logger) })
		group.Go(func() { keepHeard(ctx, dir, n, c.Leader, logger) })
		return nil
	})
	cancel()
	group.Wait()
	if moved.Leader != "" && errors.Is(ended, node.ErrOldLeader) {
		ended = nil
	}
	err = errors.Join(ended, err, n.Close())
	if moved.Leader != "" && err == nil {
		err = adoptLeader(dir, moved.Leader)
	}
	if err != nil {
		moved.Leader = ""
	}
	return moved, err
}

// adoptLeader keeps whom a follower follows from now on.
func adoptLeader(dir, url string) error {
	c, err := readConfig(dir)
	if err != nil {
		return err
	}
	if c.Leader == url {
		return nil
	}
	c.Leader = url
	return writeConfig(dir, c)
}

// showsAlarm says whether following ended because of what the leader showed, not because of this machine.
func showsAlarm(err error) bool {
	var evidence *node.EvidenceError
	var history *txlog.HistoryError
	return errors.As(err, &evidence) || errors.As(err, &history) || errors.Is(err, node.ErrOldLeader)
}

// copied is what a copy that ended says.
type copied struct {
	Dir         string  `json:"dir"`
	Network     string  `json:"network"`
	Size        uint64  `json:"size"` // entries
	Height      uint64  `json:"height"`
	Root        string  `json:"root"`
	New         uint64  `json:"new"` // entries copied now
	Seconds     float64 `json:"seconds"`
	FollowerKey string  `json:"follower_key,omitempty"`
}

func followOnce(command *cobra.Command, dir string, c config, book *wallet.Book, client *api.Client, cosigner note.Signer, public string) error {
	result, err := copyLog(command, dir, c, book, client, cosigner)
	if err != nil {
		return err
	}
	if err := adoptLeader(dir, c.Leader); err != nil {
		return err
	}
	result.FollowerKey = public
	return show(command, result, func(w io.Writer) {
		result.describe(w)
		fmt.Fprintf(w, "  this follower's key: %s\n", public)
	})
}

func (c copied) describe(w io.Writer) {
	fmt.Fprintf(w, "Verified copy in %s: %d entries up to block %d, %d of them new, in %.1f s\n  network %s\n  root %s\n", c.Dir, c.Size, c.Height, c.New, c.Seconds, c.Network, c.Root)
}

// copyLog copies what a node has now to a directory that the caller holds, and verifies it.
func copyLog(command *cobra.Command, dir string, c config, book *wallet.Book, leader *api.Client, cosigner note.Signer) (copied, error) {
	info, err := leader.Network(command.Context())
	if err != nil {
		return copied{}, err
	}
	return copying(command, dir, c, book, info, info.Head.Size, leader, func(n *node.Node, tell func(uint64)) error {
		return n.FollowUntil(command.Context(), leader, cosigner, info.Head.Size, tell)
	})
}

// copyLogTo copies the log of a node up to the end of a block.
func copyLogTo(command *cobra.Command, dir string, c config, book *wallet.Book, leader *api.Client, size uint64) (copied, error) {
	info, err := leader.Network(command.Context())
	if err != nil {
		return copied{}, err
	}
	return copying(command, dir, c, book, info, size, leader, func(n *node.Node, tell func(uint64)) error {
		return n.FollowTo(command.Context(), leader, size, tell)
	})
}

// copying opens a directory's ledger, has it copied, and says what came of it.
func copying(command *cobra.Command, dir string, c config, book *wallet.Book, info api.Network, target uint64, leader *api.Client, run func(n *node.Node, tell func(uint64)) error) (result copied, err error) {
	start := time.Now()
	n, err := openNode(dir, c, book, nil)
	if err != nil {
		return result, err
	}
	if err := sameHistory(command.Context(), n, info, leader); err != nil {
		return result, errors.Join(err, n.Close())
	}
	before := n.Log().Size()
	bar := progress(command, int(target), "copying and verifying")
	err = run(n, func(size uint64) { _ = bar.Set64(int64(size)) })
	_ = bar.Finish()
	head := n.Head()
	result = copied{Dir: dir, Network: n.Network().String(), Size: head.Size, Height: head.Height, Root: head.Root.String(), New: head.Size - before}
	err = errors.Join(err, n.Close())
	result.Seconds = time.Since(start).Seconds()
	return result, err
}
