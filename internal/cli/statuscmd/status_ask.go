package statuscmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/quorum"
)

// queryGroup asks all at once: one that hangs holds up nobody.
func queryGroup(ctx context.Context, urls []string, access string) GroupStatus {
	g := GroupStatus{Members: make([]nodeStatus, len(urls)), Unwell: []string{}}
	var asking sync.WaitGroup
	for i, url := range urls {
		asking.Go(func() { g.Members[i] = queryNode(ctx, url, access) })
	}
	asking.Wait()
	g.judge()
	return g
}

// healthStates are what a node's /health says of itself.
var healthStates = []string{"ok", "stalled", "read-only", "disk-full", "clock-doubted", "following", "waiting",
	"leader-doubted"}

// queryNode asks one node how it is. It may be anybody's, or no node at all: nothing that it says is printed as it
// came, and what is no answer of a node gives it no role.
func queryNode(ctx context.Context, url, access string) nodeStatus {
	ctx, cancel := context.WithTimeout(ctx, datadir.HealthWait)
	defer cancel()
	m, client := nodeStatus{URL: url, Role: roleUnreachable, Status: roleUnreachable}, api.NewClient(url, access)
	info, err := client.Network(ctx)
	var h api.Health
	if err == nil {
		h, err = client.Health(ctx)
	}
	if err != nil {
		m.silent(err)
		return m
	}
	verifier, err := quorum.NewVerifier(info.LogKey)
	if err != nil || info.Network == (token.NetworkID{}) || !slices.Contains(healthStates, h.Status) {
		m.Role, m.Status = RoleUnknown, noNode
		m.Detail = terminal.Plain(fmt.Sprintf("%s answers, and not as a node of a ledger does: is the URL right?", url))
		return m
	}
	m.instance, _ = client.Instance(ctx) // earlier versions do not say it
	signed, err := client.Fence(ctx)
	if err != nil { // without its epoch it cannot be said whether it leads still
		m.silent(err)
		return m
	}
	prepared, err := client.Prepared(ctx)
	if err != nil {
		m.silent(err)
		return m
	}
	m.takeHealth(info, h)
	// A note that cannot be read says nothing. Who signed the log at first may have signed it, or who does now.
	for _, v := range []note.Verifier{verifier, newest(ctx, client, info.Network, verifier)} {
		if f, err := node.OpenFence(signed, v); err == nil && f.Network == info.Network {
			m.Epoch = f.Epoch
		}
		if p, err := node.OpenPrepare(prepared, v); err == nil && p.Network == info.Network {
			m.promised = p.Ballot
		}
	}
	if m.Role == "leader" {
		// One that does not say it orders alone, as earlier versions all do.
		ordering, err := client.Cluster(ctx)
		m.orders = err == nil && ordering.Cluster != nil
		if members, err := client.Members(ctx); err == nil {
			m.Acks = members.Acks
		}
	}
	return m
}

// newest is the key of who signs a node's log now, by what it shows; the genesis's where it shows nothing.
func newest(ctx context.Context, client *api.Client, network token.NetworkID, genesis note.Verifier) note.Verifier {
	shown, err := client.Signers(ctx)
	if err != nil || shown == nil {
		return genesis
	}
	links, err := signers.Decode(shown)
	if err != nil {
		return genesis
	}
	g, err := client.Genesis(ctx)
	if err != nil || g.Network() != network {
		return genesis
	}
	known, err := signers.FromGenesis(g, links)
	if err != nil {
		return genesis
	}
	return known.Newest()
}

// takeHealth takes in what a node says of itself, without what moves a reader's cursor.
func (m *nodeStatus) takeHealth(info api.Network, h api.Health) {
	m.network, m.name, m.logKey = info.Network, info.Name, info.LogKey
	m.Status, m.Ready, m.Height, m.Heard = h.Status, h.Ready, h.Height, h.Followers
	m.Detail, m.Version = terminal.Plain(h.Detail), terminal.Plain(h.Version)
	for _, warning := range h.Warnings {
		m.Warnings = append(m.Warnings, terminal.Plain(warning))
	}
	for i := range m.Heard {
		m.Heard[i].Name = terminal.Plain(m.Heard[i].Name)
	}
	if h.Height != nil { // else it does not know what may be shown, and its head is the genesis
		m.Size = info.Head.Size
	}
	switch {
	case h.Follows != nil:
		m.Role, m.Lag = "follower", h.Follows.Lag
		if !h.Follows.Connected && m.Detail == "" {
			m.Detail = "does not hear its leader: " + terminal.Plain(h.Follows.Detail)
		}
	case h.Role == node.StandsReplaced:
		m.Role = roleReplaced
	case h.Role == node.StandsStopped:
		m.Role = roleStopped
	default: // a leader, as an earlier version does not say: its epoch tells
		m.Role = "leader"
	}
}

// noNode is the status of what answers and is no node of a ledger.
const noNode = "no-node"

// Roles of nodes that did not say theirs, and of one that led.
const (
	roleUnreachable = "unreachable"
	RoleUnknown     = "unknown"
	roleStopped     = "stopped"  // it promised, and nobody is known to lead, or another was promoted with it
	roleReplaced    = "replaced" // another has led since
)

// said says whether a node said what it is.
func (m *nodeStatus) said() bool { return m.Role != roleUnreachable && m.Role != RoleUnknown }

// silent notes why a node did not say how it is. One that answers with a refusal is there: it may lead, and nothing is
// known of how far it is.
func (m *nodeStatus) silent(err error) {
	m.Detail = terminal.Plain(Unanswered(m.URL, err))
	var answered interface{ GetStatus() int }
	var status *api.StatusError
	if errors.As(err, &status) && status.NoNode() {
		m.Role, m.Status = RoleUnknown, noNode
		return
	}
	if !errors.As(err, &answered) {
		var unreached *api.UnreachedError
		if errors.As(err, &unreached) && unreached.NoHTTP() ||
			unreached == nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			m.Role, m.Status = RoleUnknown, noNode // what it says cannot be read
		}
		return
	}
	m.Role = RoleUnknown
	switch answered.GetStatus() {
	case http.StatusTooManyRequests:
		m.Status = "busy"
	case http.StatusUnauthorized, http.StatusForbidden:
		m.Status = "no-access"
	default:
		m.Status = "refused"
	}
}

// Unanswered says why a node did not answer a question that operators' commands ask, and what helps.
func Unanswered(url string, err error) string {
	var answered interface{ GetStatus() int }
	if errors.As(err, &answered) {
		// Whoever answers is there, and may be the leader: none of these is taken for a node that is gone.
		switch answered.GetStatus() {
		case http.StatusTooManyRequests:
			return fmt.Sprintf("%s is there and has too much to do: ask again (%v)", url, err)
		case http.StatusUnauthorized:
			return fmt.Sprintf("%s answers only with an access of the role auditor or authority, which is that "+
				"node's own: --access-file FILE, or AQSHA_ACCESS (%v)", url, err)
		case http.StatusForbidden:
			return fmt.Sprintf("%s does not let this access read everything: one of the role auditor or authority is "+
				"needed, which is that node's own: --access-file FILE, or AQSHA_ACCESS (%v)", url, err)
		}
	}
	var unreached *api.UnreachedError
	var unreadable *api.UnreadableError
	var status *api.StatusError
	switch {
	case errors.As(err, &unreached):
		return unreached.Error()
	case errors.As(err, &unreadable):
		return fmt.Sprintf("%s answers, and not as a node of a ledger does: is the URL right? (%s)", url,
			errtext.Plain(unreadable.Cause.Error()))
	case errors.As(err, &status) && status.Redirects():
		return fmt.Sprintf("%s answers with a redirection to %q, which is not followed: name the node itself", url,
			status.Location)
	case errors.As(err, &status) && status.NoNode():
		return fmt.Sprintf("%s answers %s, and not as a node of a ledger does: is the URL right?", url, status.Status)
	}
	return fmt.Sprintf("%s: %s", url, errtext.Plain(err.Error()))
}
