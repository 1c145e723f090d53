package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// reloading takes a changed config.toml in while a node runs, on SIGHUP: what can be, and the rest is named.
type reloading struct {
	dir    string
	c      config // as it was taken in last
	n      *node.Node
	server *api.Server
	logger *slog.Logger
}

// watch reloads at each SIGHUP until ctx ends.
func (r *reloading) watch(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-signals:
		case <-ctx.Done():
			return
		}
		changed, later, err := r.reload()
		switch {
		case err != nil:
			r.logger.Error("config.toml was not taken in: everything stays as it was", "cause", err)
		default:
			r.logger.Info("config.toml was taken in", "changed", strings.Join(changed, ", "), "after a restart only", strings.Join(later, ", "))
		}
	}
}

// reload takes config.toml in. changed are the keys that hold now, later those that hold when the node is started again. A file
// with an error anywhere changes nothing.
func (r *reloading) reload() (changed, later []string, err error) {
	next, err := readConfig(r.dir)
	if err != nil {
		return nil, nil, err
	}
	level, err := next.level()
	if err != nil {
		return nil, nil, err
	}
	leads := r.c.Leader == ""
	if next.Archive != r.c.Archive && leads {
		if err := openArchive(r.dir, next); err != nil {
			return nil, nil, err
		}
		if err := nameArchive(next, r.n.Network()); err != nil {
			return nil, nil, err
		}
	}
	if leads && (!slices.Equal(next.Followers, r.c.Followers) || next.Acks != r.c.Acks) {
		// Before anything else: it is refused as a whole, or taken in.
		if err := r.setMembers(next); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", configFile, err)
		}
		changed = append(changed, "followers", "acks")
	}
	note := func(list *[]string, key string, differs bool) bool {
		if differs {
			*list = append(*list, key)
		}
		return differs
	}
	if note(&changed, "origins", !slices.Equal(next.Origins, r.c.Origins)) {
		r.server.SetOrigins(next.Origins)
	}
	if note(&changed, "log_level", next.LogLevel != r.c.LogLevel) && r.c.levels != nil {
		r.c.levels.Set(level)
	}
	if leads && note(&changed, "archive", next.Archive != r.c.Archive) {
		r.n.SetArchive(next.Archive)
	}
	r.server.SetAccess(next.Access)
	note(&later, "name", next.Name != r.c.Name)
	note(&later, "listen", next.Listen != r.c.Listen)
	note(&later, "development", next.Development != r.c.Development)
	note(&later, "leader", next.Leader != r.c.Leader)
	note(&later, "peers", !slices.Equal(next.Peers, r.c.Peers))
	note(&later, "url", next.URL != r.c.URL)
	note(&later, "key_days", next.KeyDays != r.c.KeyDays)
	note(&later, "segment_mib", next.SegmentMiB != r.c.SegmentMiB)
	note(&later, "clock_seconds", next.ClockSeconds != r.c.ClockSeconds)
	note(&later, "network", next.Network != r.c.Network)
	note(&later, "archive", !leads && next.Archive != r.c.Archive)
	kept := r.c // what holds after a restart only is named again the next time
	kept.Followers, kept.Acks, kept.Origins, kept.LogLevel = next.Followers, next.Acks, next.Origins, next.LogLevel
	if leads {
		kept.Archive = next.Archive
	}
	r.c = kept
	return changed, later, nil
}

// setMembers has other followers count at a leader that runs.
func (r *reloading) setMembers(next config) error {
	verifiers, err := verifiersOf(next.Followers)
	if err != nil {
		return err
	}
	m := api.Members{Followers: next.Followers, Acks: next.Acks}
	if err := r.n.SetMembers(verifiers, next.Acks, m.ID()); err != nil {
		return err
	}
	r.server.SetMembers(m)
	if waits := r.n.Unsettled(); len(waits) > 0 {
		r.logger.Info("the followers before count too until all have heard of the change", "not yet", strings.Join(waits, " and "))
	}
	return nil
}

func verifiersOf(followers []string) (verifiers []note.Verifier, err error) {
	for _, public := range followers {
		v, err := node.ParseFollower(public)
		if err != nil {
			return nil, fmt.Errorf("followers: %q: %w", public, err)
		}
		verifiers = append(verifiers, v)
	}
	return verifiers, nil
}

// membersFile holds the followers with which a leader answers, and how many must acknowledge. When config.toml names others at a
// start, those count too until all have heard of the change.
const membersFile = "members"

// membersOf is a list as it is kept.
type membersOf struct {
	Followers []string `toml:"followers"`
	Acks      int      `toml:"acks"`
}

// membersBefore is the list with which a leader answered last, if it is another than its configuration's.
func membersBefore(dir string, c config) (before node.MembersBefore, err error) {
	var kept membersOf
	_, err = toml.DecodeFile(filepath.Join(dir, membersFile), &kept)
	if errors.Is(err, fs.ErrNotExist) || err == nil && kept.Acks == c.Acks && slices.Equal(kept.Followers, c.Followers) {
		return before, nil
	}
	if err != nil {
		return before, fmt.Errorf("%s: %w", filepath.Join(dir, membersFile), err)
	}
	before.Acks = kept.Acks
	before.Followers, err = verifiersOf(kept.Followers)
	return before, err
}

// keepSettled keeps the list with which a leader answers, once no other counts beside it.
func keepSettled(dir string, n *node.Node, c config) error {
	var kept membersOf
	_, err := toml.DecodeFile(filepath.Join(dir, membersFile), &kept)
	if n.MembersID() != c.members().ID() || len(n.Unsettled()) > 0 || err == nil && kept.Acks == c.Acks && slices.Equal(kept.Followers, c.Followers) {
		return nil
	}
	var content strings.Builder
	if err := toml.NewEncoder(&content).Encode(membersOf{c.Followers, c.Acks}); err != nil {
		return err
	}
	return durable.Replace(vfs.OS, filepath.Join(dir, membersFile), []byte(content.String()))
}

// members is what a configuration says of a ledger's followers.
func (c config) members() api.Members {
	return api.Members{Followers: c.Followers, Acks: c.Acks, URLs: maps.Clone(c.FollowerURLs)}
}
