package nodecmd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
)

// reloading takes a changed config.toml in while a node runs, on SIGHUP: what can be, and the rest is named.
type reloading struct {
	dir    string
	c      datadir.Config // as it was taken in last
	n      *node.Node
	server entrance
	logger *slog.Logger
}

// entrance is what a server asks of those who come.
type entrance interface {
	SetOrigins([]string)
	SetAccess([]api.Access)
	SetMembers(api.Members)
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
			r.logger.Info("config.toml was taken in", "changed", keysOrNone(changed), "after a restart only",
				keysOrNone(later))
		}
	}
}

// keysOrNone lists keys; none as such, for an empty value says nothing.
func keysOrNone(keys []string) string {
	if len(keys) == 0 {
		return "none"
	}
	return strings.Join(keys, ", ")
}

// reload takes config.toml in. changed are the keys that hold now, later those that hold when the node is started
// again. A file with an error anywhere changes nothing.
func (r *reloading) reload() (changed, later []string, err error) {
	next, err := datadir.ReadConfig(r.dir)
	if err != nil {
		return nil, nil, err
	}
	level, err := next.Level()
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
	differ := differing(r.c, next)
	differs := func(key string) bool { return slices.Contains(differ, key) }
	if leads && (differs("followers") || differs("acks")) {
		// Before anything else: it is refused as a whole, or taken in.
		if err := r.setMembers(next); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", datadir.ConfigFile, err)
		}
	}
	if differs("origins") {
		r.server.SetOrigins(next.Origins)
	}
	if differs("log_level") && r.c.Levels != nil {
		r.c.Levels.Set(level)
	}
	if leads && differs("archive") {
		r.n.SetArchive(next.Archive)
	}
	r.server.SetAccess(next.Access)
	for _, key := range differ {
		switch key {
		case "access", "origins", "log_level":
			changed = append(changed, key)
		case "followers", "acks", "archive":
			if leads {
				changed = append(changed, key)
				continue
			}
			fallthrough
		default:
			later = append(later, key)
		}
	}
	kept := r.c // what holds after a restart only is named again the next time
	kept.Access, kept.Origins, kept.LogLevel = next.Access, next.Origins, next.LogLevel
	if leads {
		kept.Followers, kept.Acks, kept.Archive = next.Followers, next.Acks, next.Archive
	}
	r.c = kept
	return changed, later, nil
}

// differing are the keys of config.toml whose values differ, in the order of the file. An empty list is as none. Where
// followers can be asked the node writes itself, as they say it.
func differing(before, after datadir.Config) (keys []string) {
	a, b := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range a.NumField() {
		key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("toml"), ",")
		if key == "" || key == "-" || key == "follower_urls" {
			continue
		}
		x, y := a.Field(i), b.Field(i)
		if x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0 ||
			reflect.DeepEqual(x.Interface(), y.Interface()) {
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

// setMembers has other followers count at a leader that runs: first at the node, which may refuse.
func (r *reloading) setMembers(next datadir.Config) error {
	verifiers, err := datadir.VerifiersOf(next.Followers)
	if err != nil {
		return err
	}
	m := api.Members{Followers: next.Followers, Acks: next.Acks}
	if err := r.n.SetMembers(verifiers, next.Acks, m.ID()); err != nil {
		return err
	}
	r.server.SetMembers(m)
	if waits := r.n.Unsettled(); len(waits) > 0 {
		r.logger.Info("the followers before count too until all have heard of the change", "not yet",
			strings.Join(waits, " and "))
	}
	return nil
}
