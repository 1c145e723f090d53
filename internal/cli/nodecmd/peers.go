package nodecmd

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
)

// queryEvery is how often a leader asks its peers who leads, and a follower its leader who the followers are.
const queryEvery = 5 * time.Second

// queryWhoLeads asks peers for a fence, now and then again and again, until the function that it returns is called. A
// leader that was replaced while it was away stops writing before its first payment, if a peer answers. A peer that
// knows less than this node is told: an old leader that comes back without peers of its own hears of its successor so.
func queryWhoLeads(ctx context.Context, n *node.Node, peers []string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ask := func() {
		// side by side: one that stands still delays no other
		asking, done := context.WithTimeout(ctx, datadir.QueryWait)
		defer done()
		var group sync.WaitGroup
		for _, peer := range peers {
			group.Go(func() { compareWithPeer(asking, n, api.NewClient(peer, "")) })
		}
		group.Wait()
	}
	if len(peers) == 0 {
		return cancel
	}
	ask()
	go func() {
		for {
			select {
			case <-time.After(queryEvery):
				ask()
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}

// compareWithPeer takes in the fence that a peer knows of, and gives it the one known here if it is not the same: a
// newer one is learnt, of one of the same epoch both must hear.
func compareWithPeer(ctx context.Context, n *node.Node, peer *api.Client) {
	theirs, err := peer.Fence(ctx)
	if err != nil {
		return
	}
	if theirs != nil {
		_ = n.Fence(theirs) // it says so itself
	}
	if own, _ := n.KnownFence(); own != nil && !slices.Equal(own, theirs) {
		_ = peer.SetFence(ctx, own)
	}
}

// keepMembers asks a leader who its followers are and how many must acknowledge, and keeps that in this follower's
// configuration: when the leader is lost, nobody else can say it. A leader that does not answer changes nothing.
func keepMembers(ctx context.Context, dir string, c *datadir.Config, leader *api.Client) error {
	asking, done := context.WithTimeout(ctx, datadir.HealthWait)
	defer done()
	m, err := leader.Members(asking)
	leader.Keeps(c.Members()) // that are kept here, whether or not others are heard
	urls := KnownURLs(c.FollowerURLs, m.URLs)
	if err != nil || (slices.Equal(m.Followers, c.Followers) && m.Acks == c.Acks && maps.Equal(urls, c.FollowerURLs)) {
		return nil
	}
	kept := *c
	kept.Followers, kept.Acks, kept.FollowerURLs = m.Followers, m.Acks, urls
	if kept.CheckNodes() != nil {
		return nil // what this node could not start with is not kept
	}
	// Flags of this run are not the directory's.
	if err := datadir.ChangeConfig(dir, func(onDisk *datadir.Config) error {
		kept.FollowerURLs = KnownURLs(onDisk.FollowerURLs, m.URLs)
		onDisk.Followers, onDisk.Acks, onDisk.FollowerURLs = m.Followers, m.Acks, kept.FollowerURLs
		return nil
	}); err != nil {
		return err
	}
	*c = kept
	leader.Keeps(c.Members())
	return nil
}

// KnownURLs are those that were known, and those that are said now.
func KnownURLs(known, said map[string]string) map[string]string {
	urls := maps.Clone(known)
	for name, url := range said {
		if datadir.CheckURL("", url) != nil {
			continue
		}
		if urls == nil {
			urls = map[string]string{}
		}
		urls[name] = url
	}
	return urls
}

// keepFollowerURLs keeps in a leader's configuration where its followers can be asked, until ctx ends: started again,
// it asks them who leads before it answers anything.
func keepFollowerURLs(ctx context.Context, n *node.Node, dir string, logger *slog.Logger) {
	for {
		select {
		case <-time.After(queryEvery):
		case <-ctx.Done():
			return
		}
		var c datadir.Config
		err := datadir.ChangeConfig(dir, func(onDisk *datadir.Config) error {
			onDisk.FollowerURLs = KnownURLs(onDisk.FollowerURLs, n.FollowerURLs())
			c = *onDisk
			return nil
		})
		if err == nil {
			err = datadir.KeepSettled(dir, n, c)
		}
		if err != nil {
			logger.Warn("where followers can be asked could not be kept", "cause", err)
		}
	}
}

// awaitNewLeader looks, while the leader is not heard, among the nodes that are known for another that leads by the
// newest fence, until ctx ends. Only nodes of which the old leader or a person told are asked: whoever else answered
// could keep a follower for himself.
func awaitNewLeader(ctx context.Context, dir string, n *node.Node, leader string) string {
	for {
		select {
		case <-time.After(queryEvery / 10):
		case <-ctx.Done():
			return ""
		}
		if state, _ := n.FollowState(); state.Connected {
			continue
		}
		c, err := datadir.ReadConfig(dir)
		if err != nil {
			continue
		}
		for _, url := range append(slices.Sorted(maps.Values(c.FollowerURLs)), c.Peers...) {
			url = strings.TrimSuffix(url, "/")
			asking, done := context.WithTimeout(ctx, datadir.HealthWait)
			leads := url != leader && leadsNow(asking, n, api.NewClient(url, ""))
			done()
			if leads {
				return url
			}
		}
	}
}

// leadsNow says whether a node leads by the newest fence that is known.
func leadsNow(ctx context.Context, n *node.Node, peer *api.Client) bool {
	theirs, err := peer.Fence(ctx)
	if err != nil || theirs == nil {
		return false
	}
	_ = n.Fence(theirs) // it may be newer
	if own, _ := n.KnownFence(); !slices.Equal(own, theirs) {
		return false
	}
	h, err := peer.Health(ctx)
	return err == nil && h.Follows == nil && h.Status != "read-only"
}

// ownURL is where others reach a node that listens at a URL; empty when nobody can say.
func ownURL(c datadir.Config, listens string) string {
	if c.URL != "" {
		return strings.TrimSuffix(c.URL, "/")
	}
	u, err := url.Parse(listens)
	if err != nil {
		return ""
	}
	if address := net.ParseIP(u.Hostname()); address != nil && address.IsUnspecified() {
		return ""
	}
	return listens
}

// keepMembersFresh keeps them until ctx ends, for when the leader is gone and cannot be asked for them.
func keepMembersFresh(ctx context.Context, dir string, c datadir.Config, leader *api.Client, server *api.Server,
	logger *slog.Logger) {
	for {
		select {
		case <-time.After(queryEvery):
		case <-ctx.Done():
			return
		}
		if err := keepMembers(ctx, dir, &c, leader); err != nil {
			logger.Warn("who the leader's followers are could not be kept", "cause", err)
		}
		server.SetMembers(c.Members())
	}
}
