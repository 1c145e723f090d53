package nodecmd

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
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// defaultFollowerListen is where a follower serves: beside a leader on the same machine.
const defaultFollowerListen = "127.0.0.1:8430"

// NewFollowCommand makes the command "follow". It ends with 0 when it is interrupted; with a failure when the leader
// shows two histories, of which the evidence was saved before.
func NewFollowCommand() *cobra.Command {
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
			dir := cli.Flag(command, "data")
			keyring, err := datadir.OpenKeyring(command)
			if err != nil {
				return err
			}
			for i := range args {
				if args[i], err = cli.NodeURL("URL", args[i]); err != nil {
					return err
				}
			}
			c, lock, err := followerConfig(command, dir, args)
			if err != nil {
				return err
			}
			defer lock.Close()
			if listen := cli.Flag(command, "listen"); listen != "" {
				c.Listen = listen
			}
			TakeTLS(&c, command)
			if err := c.LogsAt(command, os.Stderr); err != nil {
				return err
			}
			cosigner, public, err := keyring.Cosigner(followerName())
			if err != nil {
				return err
			}
			access, err := datadir.AccessOf(command)
			if err != nil {
				return err
			}
			client := api.NewClient(c.Leader, access)
			// Before anything is copied: a name in a URL may lead to another network by now.
			if err := sameNetwork(command.Context(), c, client); err != nil {
				return err
			}
			if err := keepMembers(command.Context(), dir, &c, client); err != nil {
				return err
			}
			if once {
				return followOnce(command, dir, c, keyring, client, cosigner, public)
			}
			fmt.Fprintf(os.Stderr, "This follower's key, for \"followers\" of the leader's config.toml: %s\n", public)
			return followLeaders(command.Context(), dir, c, keyring, access, cosigner)
		},
	}
	addFollowFlags(command)
	command.Flags().BoolVar(&once, "once", false, "stop when everything that the leader has now is here")
	return command
}

func addFollowFlags(command *cobra.Command) {
	datadir.AddLedgerFlags(command)
	cli.AddLogFlags(command)
	AddTLSFlags(command)
	cli.ListenFlag(command.Flags(), "listen", "", "address of the read API (default: listen in config.toml, "+
		defaultFollowerListen+")")
	command.Flags().String("network", "", "the network this must be (default, the first time: whatever the leader's "+
		"genesis says)")
}

// followerName draws a name for a new follower's key.
func followerName() string {
	var word [4]byte
	_, _ = rand.Read(word[:])
	return "follower-" + hex.EncodeToString(word[:])
}

// followerConfig takes a follower's directory and reads its configuration; the first time, with a URL, it makes the
// copy.
func followerConfig(command *cobra.Command, dir string, args []string) (datadir.Config, io.Closer, error) {
	if _, err := os.Stat(filepath.Join(dir, datadir.ConfigFile)); errors.Is(err, os.ErrNotExist) {
		if len(args) == 0 {
			return datadir.Config{}, nil, cli.Usage(fmt.Errorf("%s holds no copy yet: name the node to follow", dir))
		}
		access, err := datadir.AccessOf(command)
		if err != nil {
			return datadir.Config{}, nil, err
		}
		return beginCopy(command.Context(), dir, args[0], access, cli.Flag(command, "network"))
	}
	c, lock, err := datadir.TakeLedger(command.Context(), dir, func(c datadir.Config) error {
		if c.Leader == "" {
			return cli.Usage(fmt.Errorf("%s is a leader's: it follows nobody", dir))
		}
		if len(args) == 0 && datadir.CheckURL("leader", c.Leader) != nil { // a copy of a backup, or of the past
			return cli.Usage(
				fmt.Errorf("%s is a copy that follows nobody: name the node to follow (aqsha follow URL --data %s)",
					dir, dir))
		}
		return nil
	})
	if err == nil && len(args) > 0 { // a new leader, or another address: kept when it was heard and what it shows held
		c.Leader = args[0]
	}
	return c, lock, err
}

// sameNetwork refuses to follow a node of another network. One that does not answer is tried again later.
func sameNetwork(ctx context.Context, c datadir.Config, leader *api.Client) error {
	asking, done := context.WithTimeout(ctx, datadir.QueryWait)
	defer done()
	info, err := leader.Network(asking)
	if err == nil && c.Network != "" && info.Network.String() != c.Network {
		return token.Errorf(datadir.WrongNetwork, "URL",
			"%s is a node of network %s (%s), and this is a copy of %s: nothing was changed", c.Leader, info.Network,
			info.Name, c.Network)
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

// beginCopy founds a copy of a node's log with its genesis, in a directory that it takes; the lock is the caller's.
func beginCopy(ctx context.Context, dir, url, access, network string) (datadir.Config, io.Closer, error) {
	client := api.NewClient(url, access)
	info, err := client.Network(ctx)
	if err == nil {
		err = checkNetwork(network, info.Network)
	}
	if err != nil {
		return datadir.Config{}, nil, fmt.Errorf("node %s: %w", url, err)
	}
	lock, undo, err := datadir.BeginDirectory(ctx, dir)
	if err != nil {
		return datadir.Config{}, nil, err
	}
	c := datadir.Config{Name: info.Name, Listen: defaultFollowerListen, Development: info.Open,
		Leader: strings.TrimSuffix(url, "/"), Network: info.Network.String()}
	if err := CopyGenesis(ctx, dir, client, network, c); err != nil {
		return c, nil, errors.Join(err, undo())
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
		return cli.Usage(fmt.Errorf("--network: %w", err))
	}
	if got != want {
		return cli.Usage(fmt.Errorf("--network: this is network %s", got))
	}
	return nil
}

// CopyGenesis begins a copy with its first entry, in a directory that the caller holds. The genesis is not believed
// for who sent it: its hash must be the network that was asked for, where one was.
func CopyGenesis(ctx context.Context, dir string, client *api.Client, network string, c datadir.Config) error {
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
	return initialising(dir, func() error {
		if _, err := node.InitCopy(node.Config{Dir: dir}, genesis); err != nil {
			return err
		}
		return datadir.WriteConfig(dir, c)
	})
}

// followLeaders follows one leader after the other: each promotion ends a run with the new one's configuration.
func followLeaders(ctx context.Context, dir string, c datadir.Config, keyring *wallet.Keyring, access string,
	cosigner note.Signer) error {
	for {
		moved, err := followAndServe(ctx, dir, c, keyring, api.NewClient(c.Leader, access), cosigner)
		if moved.Leader == "" || ctx.Err() != nil {
			return err
		}
		c = moved
	}
}

// followAndServe follows until ctx ends or the leader cannot be followed any more, and serves reads meanwhile. When the
// leader was replaced it looks for the new one, and ends with a configuration to follow that one.
func followAndServe(ctx context.Context, dir string, c datadir.Config, keyring *wallet.Keyring, leader *api.Client,
	cosigner note.Signer) (moved datadir.Config, _ error) {
	logger := c.LoggerOrDefault()
	n, err := datadir.OpenNode(dir, c, keyring, logger)
	if err != nil {
		return moved, err
	}
	defer cli.EndInTime(ctx, os.Stderr)()
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
	return datadir.ChangeConfig(dir, func(c *datadir.Config) error {
		c.Leader = url
		return nil
	})
}

// showsAlarm says whether following ended because of what the leader showed, not because of this machine.
func showsAlarm(err error) bool {
	var evidence *node.EvidenceError
	var history *txlog.HistoryError
	return errors.As(err, &evidence) || errors.As(err, &history) || errors.Is(err, node.ErrOldLeader)
}

// Copied is what a copy that ended says.
type Copied struct {
	Dir         string  `json:"dir"`
	Network     string  `json:"network"`
	Size        uint64  `json:"size"` // entries
	Height      uint64  `json:"height"`
	Root        string  `json:"root"`
	New         uint64  `json:"new"` // entries copied now
	Seconds     float64 `json:"seconds"`
	FollowerKey string  `json:"follower_key,omitempty"`
}

// followOnce copies what the leader has now; it is written into the configuration only then.
func followOnce(command *cobra.Command, dir string, c datadir.Config, keyring *wallet.Keyring, client *api.Client,
	cosigner note.Signer, public string) error {
	if err := ShowsAll(command.Context(), client); err != nil {
		return err
	}
	result, err := CopyLog(command, dir, c, keyring, client, cosigner)
	if err != nil {
		return err
	}
	if err := adoptLeader(dir, c.Leader); err != nil {
		return err
	}
	result.FollowerKey = public
	return cli.Show(command, result, func(w io.Writer) {
		l := cli.LanguageFor(command)
		result.Describe(w, l)
		fmt.Fprintln(w, " ", l.Text("copy.follower-key", "key", public))
	})
}

// Describe says it in words.
func (c Copied) Describe(w io.Writer, l words.Language) {
	fmt.Fprintln(w, l.Text("copy.made", "dir", c.Dir, "size", c.Size, "height", c.Height, "new", c.New, "seconds",
		fmt.Sprintf("%.1f", c.Seconds)))
	fmt.Fprintln(w, " ", l.Text("copy.network", "network", c.Network))
	fmt.Fprintln(w, " ", l.Text("copy.root", "root", c.Root))
}

// ShowsAll refuses a leader that has not heard from its followers since it started: it shows what they are known to
// have, which may be its genesis alone, and a copy of that is none.
func ShowsAll(ctx context.Context, leader *api.Client) error {
	h, err := leader.Health(ctx)
	if err != nil {
		return err // who cannot say how it is may be such a leader
	}
	if h.Role != "leader" || h.Status != "waiting" || h.Height != nil { // an earlier program says nothing of it
		return nil
	}
	return token.Errorf(node.NotYet, "node", "the leader shows less than it has before it has heard from its "+
		"followers (%s): bring one back, and run this again", h.Detail)
}

// CopyLog copies what a node has now to a directory that the caller holds, and verifies it.
func CopyLog(command *cobra.Command, dir string, c datadir.Config, keyring *wallet.Keyring, leader *api.Client,
	cosigner note.Signer) (Copied, error) {
	info, err := leader.Network(command.Context())
	if err != nil {
		return Copied{}, err
	}
	return copying(command, dir, c, keyring, info, info.Head.Size, leader,
		func(n *node.Node, notify func(uint64)) error {
			return n.FollowUntil(command.Context(), leader, cosigner, info.Head.Size, notify)
		})
}

// CopyLogTo copies the log of a node up to the end of a block.
func CopyLogTo(command *cobra.Command, dir string, c datadir.Config, keyring *wallet.Keyring, leader *api.Client,
	size uint64) (Copied, error) {
	info, err := leader.Network(command.Context())
	if err != nil {
		return Copied{}, err
	}
	return copying(command, dir, c, keyring, info, size, leader, func(n *node.Node, notify func(uint64)) error {
		return n.FollowTo(command.Context(), leader, size, notify)
	})
}

// copying opens a directory's ledger, has it copied, closes it, and says what came of it.
func copying(command *cobra.Command, dir string, c datadir.Config, keyring *wallet.Keyring, info api.Network,
	target uint64, leader *api.Client, run func(n *node.Node, notify func(uint64)) error) (result Copied, err error) {
	start := time.Now()
	n, err := datadir.OpenNode(dir, c, keyring, nil)
	if err != nil {
		return result, err
	}
	if err := sameHistory(command.Context(), n, info, leader); err != nil {
		return result, errors.Join(err, n.Close())
	}
	before := n.Log().Size()
	bar := cli.Progress(command, int(target), "copying and verifying")
	err = run(n, func(size uint64) { _ = bar.Set64(int64(size)) })
	_ = bar.Finish()
	head := n.Head()
	result = Copied{Dir: dir, Network: n.Network().String(), Size: head.Size, Height: head.Height,
		Root: head.Root.String(), New: head.Size - before}
	err = errors.Join(err, n.Close())
	result.Seconds = time.Since(start).Seconds()
	return result, err
}
