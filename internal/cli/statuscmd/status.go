package statuscmd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// GroupUnwell is the code of a group that does not serve as it should.
const GroupUnwell token.Code = "group-unwell"

// nodeStatus is one node of a group, as it answered.
type nodeStatus struct {
	URL string `json:"url"`
	// Role is leader, follower, replaced, stopped (it promised a candidate that does not lead, or another was promoted
	// with it), unknown (it is there and does not say, or is no node) or unreachable.
	Role string `json:"role"`
	// as /health says; of one that did not say: busy, no-access, refused, no-node or unreachable
	Status string  `json:"status"`
	Ready  bool    `json:"ready"` // takes and answers payments
	Epoch  uint64  `json:"epoch"`
	Height *uint64 `json:"height,omitempty"`
	// entries that it shows; absent when it did not say, or does not know yet
	Size     uint64               `json:"size,omitempty"`
	Lag      *uint64              `json:"lag,omitempty"`  // entries behind its leader
	Acks     int                  `json:"acks,omitempty"` // of a leader: how many followers must acknowledge
	Heard    []node.FollowerState `json:"followers,omitempty"`
	Version  string               `json:"version,omitempty"`
	Detail   string               `json:"detail,omitempty"`
	Warnings []string             `json:"warnings,omitempty"`

	SameAs string `json:"same_as,omitempty"` // URL at which the same running node answered too

	network  token.NetworkID
	name     string
	logKey   string
	instance string          // of the run of the program that answered; empty when it does not say
	promised failover.Ballot // the newest that it promised
	orders   bool            // as a validator, with others: no one of them leads
}

// group is what all members of a group show alike: nobody can have it with another log key.
func (m *nodeStatus) group() string { return m.network.String() + " " + m.logKey }

// GroupStatus is what "aqsha status" prints.
type GroupStatus struct {
	Network string       `json:"network,omitempty"`
	Name    string       `json:"name,omitempty"`
	Leader  string       `json:"leader,omitempty"` // who takes payments now; absent when nobody does
	Members []nodeStatus `json:"members"`
	Unwell  []string     `json:"unwell"` // what is wrong with the group; empty when all is as it should be
}

// NewStatusCommand makes the command "status".
func NewStatusCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "status [URL…]",
		Short: "Show a leader and its followers in one table, and what is wrong with them",
		Long: `Ask every node of a group how it is, and show them in one table: who leads, in which epoch, how far
each is, whom the leader hears. Without URLs (or --node URL,URL) those are asked that the data directory
knows: the node that runs there, its leader and its peers.
Exit code 3 (group-unwell) when payments are not taken, a node does not answer, two lead, or a follower
is not heard; 5 when no node is reached at all; 0 when all is as it should be. A node that refuses to say how it is
(busy: it has too much to do; no-access: it wants an access) is there all the same, and may be the leader: its role is
unknown. So is that of whatever answers and is no node of a ledger (no-node). One node under two URLs is counted once.`,
		Example: `  aqsha status http://almaty-1:8420 http://almaty-2:8430 http://astana-1:8430
  aqsha status --data ./copy --json
  aqsha status --wait 30s http://almaty-1:8420
  aqsha status --node http://127.0.0.1:8420,http://127.0.0.1:8430`,
		RunE: func(command *cobra.Command, args []string) error {
			wait, _ := command.Flags().GetDuration("wait")
			if wait < 0 {
				return cli.Usage(fmt.Errorf("--wait: %s, want 0 or more", wait))
			}
			urls, err := membersToQuery(command, args)
			if err != nil {
				return err
			}
			access, err := datadir.AccessOf(command)
			if err != nil {
				return err
			}
			g := queryGroup(command.Context(), urls, access)
			for until := time.Now().Add(wait); len(g.Unwell) > 0 && time.Now().Before(until); {
				select {
				case <-time.After(statusRetry):
				case <-command.Context().Done():
					return command.Context().Err()
				}
				g = queryGroup(command.Context(), urls, access)
			}
			describe := func(w io.Writer) { g.describe(w, cli.LanguageFor(command)) }
			if err := cli.Show(command, g, describe); err != nil || len(g.Unwell) == 0 {
				return err
			}
			// Nobody at all: rather this machine's network than the group.
			if !slices.ContainsFunc(g.Members, func(m nodeStatus) bool { return m.Role != roleUnreachable }) {
				return cli.Unreached(errors.New(strings.Join(g.Unwell, "; ")))
			}
			return token.Errorf(GroupUnwell, "members", "%s", strings.Join(g.Unwell, "; "))
		},
	}
	datadir.AddLedgerFlags(command)
	command.Flags().Duration("wait", 0,
		"ask again for so long until all is as it should be, as scripts do after a start")
	return command
}

// statusRetry is how often a group is asked again.
const statusRetry = 200 * time.Millisecond

// membersToQuery are the nodes that a command names, or that the data directory knows.
func membersToQuery(command *cobra.Command, args []string) (urls []string, err error) {
	for _, arg := range args {
		if arg, err = cli.NodeURL("URL", arg); err != nil {
			return nil, err
		}
		urls = append(urls, arg)
	}
	if named := cli.Flag(command, "node"); len(urls) == 0 && named != "" {
		urls = strings.Split(named, ",")
	}
	if dir := cli.Flag(command, "data"); len(urls) == 0 {
		c, err := datadir.ReadConfig(dir)
		if err != nil {
			return nil, err
		}
		if own, err := datadir.OpenAnnounced(dir); err == nil {
			urls = append(urls, own)
		} else {
			urls = append(urls, "http://"+c.Listen)
		}
		if c.Leader != "" && c.Leader != datadir.BackupLeader {
			urls = append(urls, c.Leader)
		}
		urls = append(urls, c.Peers...)
	}
	for i := range urls {
		urls[i] = strings.TrimSuffix(urls[i], "/")
	}
	// One node may be its own peer's peer: each is asked once.
	slices.Sort(urls)
	return slices.Compact(urls), nil
}

func (g GroupStatus) describe(w io.Writer, l words.Language) {
	if g.Network == "" {
		fmt.Fprintln(w, l.Text("status.nobody"))
	} else {
		fmt.Fprintln(w, l.Text("status.head", "name", terminal.Plain(g.Name), "network", g.Network))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, l.Text("status.columns"))
	for _, m := range g.Members {
		m.URL = errtext.Redact(m.URL) // before columns are measured: what is printed hides a password anyway
		if !m.said() {
			fmt.Fprintf(table, "%s\t%s\t\t%s\t\t\t\t\t\n", m.URL, roleText(l, m.Role), m.Status)
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
			followers = l.Text("status.heard", "heard", connected, "all", len(m.Heard))
			acks = fmt.Sprint(m.Acks)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", m.URL, roleText(l, m.Role), m.Epoch,
			m.Status, orUnknown(l, m.Height), sizeText(l, m), lagText(l, m), followers, acks)
	}
	_ = table.Flush()
	for _, m := range g.Members {
		if m.SameAs != "" {
			fmt.Fprintln(w, " ", l.Text("status.same", "url", m.URL, "other", m.SameAs))
			continue
		}
		for _, f := range m.Heard {
			if m.Role == "leader" {
				fmt.Fprintln(w, " ", l.Text("status.hears", "url", m.URL, "name", terminal.Plain(f.Name), "how",
					followerText(l, f)))
			}
		}
		for _, warning := range m.Warnings {
			fmt.Fprintln(w, " ", l.Text("status.warns", "url", m.URL, "warning", terminal.Plain(warning)))
		}
	}
}

// roleText is a node's role in words; what an unknown version calls itself stays as it is.
func roleText(l words.Language, role string) string {
	if text := l.Text("role." + role); text != "role."+role {
		return text
	}
	return terminal.Plain(role)
}

// sizeText is how many entries a node shows; a leader that waits for its followers does not know it.
func sizeText(l words.Language, m nodeStatus) string {
	if m.Height == nil {
		return orUnknown(l, nil)
	}
	return fmt.Sprint(m.Size)
}

func lagText(l words.Language, m nodeStatus) string {
	if m.Role == "follower" {
		return orUnknown(l, m.Lag)
	}
	return ""
}

func orUnknown(l words.Language, value *uint64) string {
	if value == nil {
		return l.Text("status.unknown")
	}
	return fmt.Sprint(*value)
}

func followerText(l words.Language, f node.FollowerState) string {
	switch {
	case f.SilentMillis == nil:
		return l.Text("status.never")
	case !f.Connected:
		return l.Text("status.not-for", "span", (time.Duration(*f.SilentMillis) * time.Millisecond).Round(time.Second))
	}
	return l.Text("status.behind", "entries", orUnknown(l, f.Lag))
}
