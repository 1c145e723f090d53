package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
)

// VerifiersOf reads followers' public keys.
func VerifiersOf(followers []string) (verifiers []note.Verifier, err error) {
	for _, public := range followers {
		v, err := node.ParseFollower(public)
		if err != nil {
			return nil, fmt.Errorf("followers: %q: %w", public, err)
		}
		verifiers = append(verifiers, v)
	}
	return verifiers, nil
}

// membersFile holds the followers with which a leader answers, and how many must acknowledge. When config.toml names
// others at a start, those count too until all have heard of the change.
const membersFile = "members"

// membersOf is a list as it is kept.
type membersOf struct {
	Followers []string `toml:"followers"`
	Acks      int      `toml:"acks"`
}

// membersBefore is the list with which a leader answered last, if it is another than its configuration's. Until the
// change is settled, followers of both count: those of the old list may hold what nobody of the new one has.
func membersBefore(dir string, c Config) (before node.MembersBefore, err error) {
	var kept membersOf
	_, err = toml.DecodeFile(filepath.Join(dir, membersFile), &kept)
	if errors.Is(err, fs.ErrNotExist) || err == nil && kept.Acks == c.Acks &&
		slices.Equal(kept.Followers, c.Followers) {
		return before, nil
	}
	if err != nil {
		return before, fmt.Errorf("%s: %w", filepath.Join(dir, membersFile), err)
	}
	before.Acks = kept.Acks
	before.Followers, err = VerifiersOf(kept.Followers)
	return before, err
}

// KeepSettled keeps the list with which a leader answers, once no other counts beside it.
func KeepSettled(dir string, n *node.Node, c Config) error {
	var kept membersOf
	_, err := toml.DecodeFile(filepath.Join(dir, membersFile), &kept)
	if n.MembersID() != c.Members().ID() || len(n.Unsettled()) > 0 || err == nil && kept.Acks == c.Acks &&
		slices.Equal(kept.Followers, c.Followers) {
		return nil
	}
	var content strings.Builder
	if err := toml.NewEncoder(&content).Encode(membersOf{c.Followers, c.Acks}); err != nil {
		return err
	}
	return durable.Replace(vfs.OS, filepath.Join(dir, membersFile), []byte(content.String()))
}

// Clocks and the file system of nodes that commands open. Tests of processes set them; nil is the system's.
var (
	NodeNow       func() uint64
	NodeMonotonic func() time.Duration
	NodeFS        vfs.FS
)

// OpenNode opens the ledger of a data directory that the caller holds: to write, or as the copy of another's.
func OpenNode(dir string, c Config, keyring *wallet.Keyring, logger *slog.Logger) (*node.Node, error) {
	nc, err := NodeConfig(dir, c, keyring, logger)
	if err != nil {
		return nil, err
	}
	return node.Open(nc)
}

// keyDays is how long a key lives unless the configuration says otherwise.
const keyDays = 730

// NodeConfig is what a data directory's configuration comes to for a node: a follower without followers of its own, a
// validator, or a leader with the log's key. The key is asked for here, before the node is opened.
func NodeConfig(dir string, c Config, keyring *wallet.Keyring, logger *slog.Logger) (node.Config, error) {
	nc := node.Config{Dir: dir, Logger: logger, Reverify: c.Reverify, Acks: c.Acks, Leader: c.Leader,
		Options: txlog.Options{Origin: c.Name, FS: NodeFS}, ReadOnly: c.ReadOnly != nil,
		Now: NodeNow, Monotonic: NodeMonotonic, ClockBound: time.Duration(c.ClockSeconds) * time.Second,
		AcceptTime: c.AcceptTime, TrustClock: c.Development}
	if c.ReadOnly != nil {
		nc.Options.FS = c.ReadOnly
	}
	nc.Options.SegmentBytes = int64(c.SegmentMiB) << 20
	var err error
	if nc.Followers, err = VerifiersOf(c.Followers); err != nil {
		return nc, cli.Usage(fmt.Errorf("%s: %w", ConfigFile, err))
	}
	nc.MembersID = c.Members().ID()
	if c.KeyDays == 0 {
		c.KeyDays = keyDays
	}
	nc.Keys, nc.KeyDays = keyring.KeyLives(c.KeyDays), c.KeyDays
	nc.SnapshotVerifiers = keyring.FollowerKeys()
	if c.Leader != "" {
		nc.Followers, nc.Acks = nil, 0 // the leader's, kept for a promotion
		return nc, nil
	}
	if cluster.Here(dir) {
		return clusterNode(nc, dir, c)
	}
	signer, own, err := keyring.LogKey()
	if err != nil {
		return nc, err
	}
	nc.SnapshotVerifiers = append(nc.SnapshotVerifiers, own)
	nc.Options.Signers, nc.Archive = []note.Signer{signer}, c.Archive
	nc.Whole = c.Promoted
	nc.Before, err = membersBefore(dir, c)
	return nc, err
}
