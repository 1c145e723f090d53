package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// groupUnwell is the code of a group that does not serve as it should.
const groupUnwell token.Code = "group-unwell"

// nodeStatus is one node of a group, as it answered.
type nodeStatus struct {
	URL      string               `json:"url"`
	Role     string               `json:"role"`   // leader, follower, replaced or unreachable
	Status   string               `json:"status"` // as /health says
	Ready    bool                 `json:"ready"`  // takes and answers payments
	Epoch    uint64               `json:"epoch"`
	Height   *uint64              `json:"height,omitempty"`
	Size     uint64               `json:"size,omitempty"` // entries that it shows
	Lag      *uint64              `json:"lag,omitempty"`  // entries behind its leader
	Acks     int                  `json:"acks,omitempty"` // of a leader: how many followers must acknowledge
	Heard    []node.FollowerState `json:"followers,omitempty"`
	Version  string               `json:"version,omitempty"`
	Detail   string               `json:"detail,omitempty"`
	Warnings []string             `json:"warnings,omitempty"`

	network token.NetworkID
	name    string
	root    string
}

// groupStatus is what "aqsha status" prints.
type groupStatus struct {
	Network string       `json:"network,omitempty"`
	Name    string       `json:"name,omitempty"`
	Leader  string       `json:"leader,omitempty"` // who takes payments now; absent when nobody does
	Members []nodeStatus `json:"members"`
	Unwell  []string     `json:"unwell"` // what is wrong with the group; empty when all is as it should be
}

func newStatusCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "status [URL…]",
		Short: "Show a leader and its followers in one table, and what is wrong with them",
		Long: `Ask every node of a group how it is, and show them in one table: who leads, in which epoch, how far
each is, whom the leader hears. Without URLs (or --node URL,URL) those are asked that the data directory
knows: the node that runs there, its leader and its peers.
Exit code 3 (group-unwell) when payments are not taken, a node does not answer, two lead, or a follower
is not heard; 0 when all is as it should be.`,
		Example: `  aqsha status http://almaty-1:8420 http://almaty-2:8430 http://astana-1:8430
  aqsha status --data ./copy --json
  aqsha status --wait 30s http://almaty-1:8420
  aqsha status --node http://127.0.0.1:8420,http://127.0.0.1:8430`,
		RunE: func(command *cobra.Command, args []string) error {
			urls, err := membersToAsk(command, args)
			if err != nil {
				return err
			}
			wait, _ := command.Flags().GetDuration("wait")
			g := askGroup(command.Context(), urls, accessOf(command))
			for until := time.Now().Add(wait); len(g.Unwell) > 0 && time.Now().Before(until); {
				select {
				case <-time.After(statusRetry):
				case <-command.Context().Done():
					return command.Context().Err()
				}
				g = askGroup(command.Context(), urls, accessOf(command))
			}
			if err := show(command, g, g.describe); err != nil || len(g.Unwell) == 0 {
				return err
			}
			return token.Errorf(groupUnwell, "members", "%s", strings.Join(g.Unwell, "; "))
		},
	}
	addLedgerFlags(command)
	command.Flags().Duration("wait", 0, "ask again for so long until all is as it should be, as scripts do after a start")
	return command
}

// statusRetry is how often a group is asked again.
const statusRetry = 200 * time.Millisecond

// membersToAsk are the nodes that a command names, or that the data directory knows.
func membersToAsk(command *cobra.Command, args []string) (urls []string, err error) {
	for _, arg := range args {
		if arg, err = textOrFile(arg); err != nil {
			return nil, usageError{err}
		}
		urls = append(urls, arg)
	}
	if named := flag(command, "node"); len(urls) == 0 && named != "" {
		urls = strings.Split(named, ",")
	}
	if dir := flag(command, "data"); len(urls) == 0 {
		c, err := readConfig(dir)
		if err != nil {
			return nil, err
		}
		if own, err := openAnnounced(dir); err == nil {
			urls = append(urls, own)
		} else {
			urls = append(urls, "http://"+c.Listen)
		}
		if c.Leader != "" && c.Leader != backupLeader {
			urls = append(urls, c.Leader)
		}
		urls = append(urls, c.Peers...)
	}
	for i := range urls {
		if urls[i] = strings.TrimSuffix(strings.TrimSpace(urls[i]), "/"); checkURL("node", urls[i]) != nil {
			return nil, usageError{checkURL("node", urls[i])}
		}
	}
	slices.Sort(urls)
	return slices.Compact(urls), nil
}

// askGroup asks all at once: one that hangs holds up nobody.
func askGroup(ctx context.Context, urls []string, access string) groupStatus {
	g := groupStatus{Members: make([]nodeStatus, len(urls)), Unwell: []string{}}
	var asking sync.WaitGroup
	for i, url := range urls {
		asking.Go(func() { g.Members[i] = askNode(ctx, url, access) })
	}
	asking.Wait()
	g.judge()
	return g
}

func askNode(ctx context.Context, url, access string) nodeStatus {
	ctx, cancel := context.WithTimeout(ctx, healthWait)
	defer cancel()
	m, client := nodeStatus{URL: url, Role: "unreachable", Status: "unreachable"}, api.NewClient(url, access)
	info, err := client.Network(ctx)
	var h api.Health
	if err == nil {
		h, err = client.Health(ctx)
	}
	if err != nil {
		m.Detail = err.Error()
		return m
	}
	m.network, m.name, m.root = info.Network, info.Name, info.Head.Root.String()
	m.Status, m.Ready, m.Height, m.Detail, m.Warnings, m.Version = h.Status, h.Ready, h.Height, h.Detail, h.Warnings, h.Version
	m.Size, m.Heard = info.Head.Size, h.Followers
	if signed, err := client.Fence(ctx); err == nil && signed != nil {
		if verifier, err := note.NewVerifier(info.LogKey); err == nil {
			if f, err := node.OpenFence(signed, verifier); err == nil {
				m.Epoch = f.Epoch
			}
		}
	}
	if h.Follows != nil {
		m.Role, m.Lag = "follower", h.Follows.Lag
		if !h.Follows.Connected && m.Detail == "" {
			m.Detail = "does not hear its leader: " + h.Follows.Detail
		}
		return m
	}
	m.Role = "leader"
	if members, err := client.Members(ctx); err == nil {
		m.Acks = members.Acks
	}
	return m
}

// judge says who leads, and what is wrong.
func (g *groupStatus) judge() {
	unwell := func(format string, args ...any) { g.Unwell = append(g.Unwell, fmt.Sprintf(format, args...)) }
	newest, writing := uint64(0), 0
	for _, m := range g.Members {
		if m.Role == "unreachable" {
			continue
		}
		if g.Network == "" {
			g.Network, g.Name = m.network.String(), m.name
		}
		if g.Network != m.network.String() {
			continue // no member of this group
		}
		newest = max(newest, m.Epoch)
		if m.Role == "leader" && m.Status != "read-only" {
			writing++
		}
	}
	leaders := 0
	for i := range g.Members {
		m := &g.Members[i]
		switch {
		case m.Role == "unreachable":
			unwell("%s does not answer", m.URL)
			continue
		case g.Network != m.network.String():
			unwell("%s is of another network, %s", m.URL, m.network)
			continue
		}
		// Who was told that he was replaced knows the epoch of his successor, and writes no more.
		if m.Role == "leader" && (m.Epoch < newest || m.Status == "read-only" && writing > 0) {
			m.Role = "replaced"
		}
		switch {
		case m.Role == "replaced":
			unwell("%s was replaced as the leader: restore it as a follower (aqsha restore)", m.URL)
		case m.Role == "leader":
			leaders++
			if !m.Ready {
				unwell("%s leads and takes no payments: %s", m.URL, join(m.Status, m.Detail))
				continue
			}
			g.Leader = m.URL
		case m.Status != "following" || m.Lag == nil:
			unwell("%s: %s", m.URL, join(m.Status, m.Detail))
		}
		for _, f := range m.Heard {
			if !f.Connected && m.Role == "leader" {
				unwell("%s does not hear %s", m.URL, f.Name)
			}
		}
	}
	if leaders != 1 {
		unwell("%d of the nodes asked lead", leaders)
	}
}

func join(status, detail string) string {
	if detail == "" {
		return status
	}
	return status + ": " + detail
}

func (g groupStatus) describe(w io.Writer) {
	fmt.Fprintf(w, "%s, network %s\n", plain(g.Name), g.Network)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tROLE\tEPOCH\tSTATUS\tHEIGHT\tENTRIES\tBEHIND\tFOLLOWERS\tACKS")
	for _, m := range g.Members {
		if m.Role == "unreachable" {
			fmt.Fprintf(table, "%s\t%s\t\t\t\t\t\t\t\n", m.URL, m.Role)
			continue
		}
		followers, acks := "", ""
		if m.Role != "follower" {
			connected := 0
			for _, f := range m.Heard {
				if f.Connected {
					connected++
				}
			}
			followers, acks = fmt.Sprintf("%d of %d heard", connected, len(m.Heard)), fmt.Sprint(m.Acks)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\t%s\n", m.URL, m.Role, m.Epoch, m.Status, orUnknown(m.Height), m.Size, lagText(m), followers, acks)
	}
	_ = table.Flush()
	for _, m := range g.Members {
		for _, f := range m.Heard {
			if m.Role == "leader" {
				fmt.Fprintf(w, "  %s hears %s: %s\n", m.URL, plain(f.Name), followerText(f))
			}
		}
		for _, warning := range m.Warnings {
			fmt.Fprintf(w, "  %s warns: %s\n", m.URL, plain(warning))
		}
	}
}

func lagText(m nodeStatus) string {
	if m.Role == "follower" {
		return orUnknown(m.Lag)
	}
	return ""
}

func orUnknown(value *uint64) string {
	if value == nil {
		return "not known"
	}
	return fmt.Sprint(*value)
}

func followerText(f node.FollowerState) string {
	switch {
	case f.SilentMillis == nil:
		return "never since it started"
	case !f.Connected:
		return fmt.Sprintf("not for %s", (time.Duration(*f.SilentMillis) * time.Millisecond).Round(time.Second))
	}
	return orUnknown(f.Lag) + " entries behind"
}
