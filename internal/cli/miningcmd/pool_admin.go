package miningcmd

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/pool/admin"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/words"
)

// adminSocket is the administration's socket in a pool's directory.
const adminSocket = "admin.sock"

// poolAdmin speaks to a running pool over its socket.
type poolAdmin struct{ dir, socket string }

func newPoolAdminCommand() *cobra.Command {
	a := &poolAdmin{}
	command := &cobra.Command{
		Use:   "admin",
		Short: "Look after a running pool: workers, bans, messages, payouts, fee, drain",
		Long: `Speaks to a running pool over the socket in its directory. The pool's own user and root are
admins; members of a group have the role that "aqsha pool up --admin-group GROUP=ROLE"
gives it: viewer (sessions, bans), support (kick, message, reconnect) or admin (all).`,
	}
	command.PersistentFlags().StringVar(&a.dir, "data", "aqsha-pool", "the pool's data directory")
	cli.Formerly(command.PersistentFlags(), "data", "dir")
	command.PersistentFlags().StringVar(&a.socket, "socket", "", "the pool's socket (default DIR/admin.sock)")
	command.AddCommand(a.status(), a.sessions(), a.bans(), a.kick(), a.message(), a.reconnect(), a.ban(), a.exempt(),
		a.payouts(), a.override(), a.recover(), a.fee(), a.drain())
	return command
}

// adminReads are requests that change nothing.
var adminReads = []string{"status", "sessions", "bans"}

// onlyAsks tells whether a request changes nothing: without a reason a recovery lists what it would enter.
func onlyAsks(action string, request *admin.ControlRequest) bool {
	return slices.Contains(adminReads, action) || action == "recover" && request.Text == ""
}

// withFigures are requests whose answer is the pool's figures.
var withFigures = []string{"status", "fee", "override", "recover"}

// query sends a request and shows the answer.
func (a *poolAdmin) query(command *cobra.Command, action string, request admin.ControlRequest,
	text func(io.Writer, *admin.ControlAnswer)) error {
	asks := onlyAsks(action, &request)
	if !asks {
		cli.Changing(command)
	}
	socket := a.socket
	if socket == "" {
		socket = filepath.Join(a.dir, adminSocket)
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn,
		error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	call, err := http.NewRequestWithContext(command.Context(), http.MethodPost, "http://pool/"+action,
		bytes.NewReader(body))
	if err != nil {
		return err
	}
	// What was sent may have been done: only questions that change nothing end as if nobody had been asked.
	unanswered := cli.SentUnanswered
	if asks {
		unanswered = func(err error) error { return err }
	}
	answer, err := client.Do(call)
	if err != nil {
		return unanswered(fmt.Errorf("no pool at %s: %w", socket, err))
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	if err != nil {
		return unanswered(err)
	}
	if answer.StatusCode != http.StatusOK {
		var problem struct{ Title, Code string }
		if json.Unmarshal(raw, &problem) != nil || problem.Code == "" {
			return fmt.Errorf("the pool answers %s", answer.Status)
		}
		return cli.CodedError{Code: problem.Code, Field: "", Text: problem.Title}
	}
	var result admin.ControlAnswer
	if err := json.Unmarshal(raw, &result); err != nil {
		return unanswered(fmt.Errorf("the pool at %s: %w", socket, err))
	}
	if result.Pool == nil && slices.Contains(withFigures, action) { // another version's, or no pool
		return unanswered(fmt.Errorf("the pool at %s answers without its figures", socket))
	}
	return cli.Show(command, result, func(w io.Writer) { text(w, &result) })
}

func said(command *cobra.Command, what string) func(io.Writer, *admin.ControlAnswer) {
	return func(w io.Writer, r *admin.ControlAnswer) {
		fmt.Fprintln(w, cli.LanguageFor(command).Text("pool-answer."+what, "count", r.Connections))
	}
}

func yesNo(l words.Language, yes bool) string {
	if yes {
		return l.Text("pool.yes")
	}
	return l.Text("pool.no")
}

func (a *poolAdmin) status() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Print the pool's figures", Example: "  aqsha pool admin status --json",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return a.query(command, "status", admin.ControlRequest{}, func(w io.Writer, r *admin.ControlAnswer) {
				s, l := r.Pool, cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("pool.status", "height", s.Height, "difficulty", fmt.Sprintf("%.6g",
					s.Difficulty),
					"age", fmt.Sprintf("%.0f", s.JobAge), "connections", s.Connections))
				fmt.Fprintln(w, l.Text("pool.counts", "accepted", s.Accepted, "rejected", s.Rejected, "blocks",
					s.Blocks,
					"undelivered", s.Undelivered))
				fmt.Fprintln(w, l.Text("pool.switches", "fee", s.Fee, "paused", yesNo(l, s.Paused), "draining",
					yesNo(l, s.Draining), "halted", yesNo(l, s.Halted)))
				if s.Stopped != "" {
					fmt.Fprintln(w, s.Stopped)
				}
				if s.NextFee != nil {
					fmt.Fprintln(w, l.Text("pool.fee-from", "fee", *s.NextFee, "at", s.NextFeeAt.Format(time.RFC3339)))
				}
			})
		},
	}
}

// selecting registers the flags that name connections.
func selecting(command *cobra.Command, r *admin.ControlRequest) {
	command.Flags().StringVar(&r.Address, "address", "", "network address of the connections")
	command.Flags().StringVar(&r.Worker, "worker", "", "worker, or an account for all of its workers")
}

func (a *poolAdmin) sessions() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use: "workers", Aliases: []string{"sessions"}, Short: "List connections, greatest difficulty first",
		Args:    cobra.NoArgs,
		Example: "  aqsha pool admin workers --limit 20\n  aqsha pool admin workers --worker bc1q... --json",
		RunE: func(command *cobra.Command, _ []string) error {
			if r.Limit < 1 || r.Limit > 10_000 {
				return cli.Usage(fmt.Errorf("--limit %d: want 1 to 10000", r.Limit))
			}
			return a.query(command, "sessions", r, func(w io.Writer, r *admin.ControlAnswer) {
				l := cli.LanguageFor(command)
				for _, s := range r.Sessions {
					fmt.Fprintf(w, "%-15s  %-12.6g  %s  %s  %s\n", s.Address, s.Difficulty,
						l.Text("pool.session", "good", fmt.Sprintf("%4d", s.Good), "bad", fmt.Sprintf("%4d", s.Bad)),
						s.Worker, s.Agent)
				}
				fmt.Fprintln(w, l.Text("pool.connections", "count", r.Connections))
			})
		},
	}
	selecting(command, &r)
	command.Flags().IntVar(&r.Limit, "limit", 100, "of the list")
	return command
}

func (a *poolAdmin) bans() *cobra.Command {
	return &cobra.Command{
		Use: "bans", Short: "List the addresses that are refused", Example: "  aqsha pool admin bans",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return a.query(command, "bans", admin.ControlRequest{}, func(w io.Writer, r *admin.ControlAnswer) {
				for _, address := range slices.SortedFunc(maps.Keys(r.Bans), compareAddresses) {
					fmt.Fprintf(w, "%-15s  %s\n", address, cli.LanguageFor(command).Text("pool.ban", "at",
						r.Bans[address].Format(time.RFC3339)))
				}
			})
		},
	}
}

// compareAddresses orders addresses as numbers.
func compareAddresses(a, b string) int {
	x, _ := netip.ParseAddr(a)
	y, _ := netip.ParseAddr(b)
	return cmp.Or(x.Compare(y), cmp.Compare(a, b))
}

// selected refuses a request that would mean everybody by mistake.
func selected(r *admin.ControlRequest) error {
	if r.Selector == (serve.Selector{}) && !r.Everybody {
		return cli.Usage(errors.New("whom? Give --address or --worker, or --everybody"))
	}
	return nil
}

func (a *poolAdmin) kick() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use: "kick", Short: "Close connections; who is kicked may come back", Args: cobra.NoArgs,
		Example: "  aqsha pool admin kick --worker bc1q....rig7\n  aqsha pool admin kick --address 203.0.113.7",
		RunE: func(command *cobra.Command, _ []string) error {
			if err := selected(&r); err != nil {
				return err
			}
			return a.query(command, "kick", r, said(command, "closed"))
		},
	}
	selecting(command, &r)
	command.Flags().BoolVar(&r.Everybody, "everybody", false, "close all")
	return command
}

func (a *poolAdmin) message() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use: "message TEXT", Short: "Have devices show a text, all or the selected", Args: cobra.ExactArgs(1),
		Example: `  aqsha pool admin message "maintenance on Sunday at 02:00"`,
		RunE: func(command *cobra.Command, args []string) error {
			if r.Text = args[0]; r.Text == "" || len(r.Text) > serve.MaxMessage {
				return cli.Usage(fmt.Errorf("text of %d bytes: want 1 to %d", len(r.Text), serve.MaxMessage))
			}
			return a.query(command, "message", r, said(command, "sent"))
		},
	}
	selecting(command, &r)
	return command
}

func (a *poolAdmin) reconnect() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use: "reconnect", Short: "Ask devices to connect again, here or elsewhere", Args: cobra.NoArgs,
		Example: "  aqsha pool admin reconnect --everybody --host pool2.example --port 3333",
		RunE: func(command *cobra.Command, _ []string) error {
			if (r.Host == "") != (r.Port == 0) {
				return cli.Usage(errors.New("--host and --port go together"))
			}
			if r.Port < 0 || r.Port > 65535 {
				return cli.Usage(fmt.Errorf("--port %d: want 1 to 65535", r.Port))
			}
			if err := selected(&r); err != nil {
				return err
			}
			return a.query(command, "reconnect", r, said(command, "asked"))
		},
	}
	selecting(command, &r)
	command.Flags().BoolVar(&r.Everybody, "everybody", false, "ask all")
	command.Flags().StringVar(&r.Host, "host", "", "where to; firmware mostly obeys for the same domain only")
	command.Flags().IntVar(&r.Port, "port", 0, "its port")
	return command
}

func (a *poolAdmin) ban() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use: "ban ADDRESS", Short: "Refuse an address for ten minutes and close its connections",
		Args:    cobra.ExactArgs(1),
		Example: "  aqsha pool admin ban 203.0.113.7\n  aqsha pool admin ban 203.0.113.7 --remove",
		RunE: func(command *cobra.Command, args []string) error {
			if _, err := netip.ParseAddr(args[0]); err != nil {
				return cli.Usage(fmt.Errorf("address %.50q: want one of the network, such as 203.0.113.7", args[0]))
			}
			r.Address = args[0]
			return a.query(command, "ban", r, said(command, "done"))
		},
	}
	command.Flags().BoolVar(&r.Remove, "remove", false, "let it in again")
	return command
}

func (a *poolAdmin) exempt() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use:     "exempt NETWORK",
		Short:   "Keep a network from being banned or limited until the pool ends (--exempt of 'pool up' does for good)",
		Args:    cobra.ExactArgs(1),
		Example: "  aqsha pool admin exempt 10.0.0.0/8",
		RunE: func(command *cobra.Command, args []string) error {
			if _, err := admin.ParseNetwork(args[0]); err != nil {
				return cli.Usage(err)
			}
			r.Network = args[0]
			return a.query(command, "exempt", r, func(w io.Writer, _ *admin.ControlAnswer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("pool.done"))
			})
		},
	}
	command.Flags().BoolVar(&r.Remove, "remove", false, "no longer")
	return command
}

func (a *poolAdmin) payouts() *cobra.Command {
	return &cobra.Command{
		Use: "payouts pause|resume", Short: "Stop or resume payments from the wallet, over restarts too",
		Args:    cobra.ExactArgs(1),
		Example: "  aqsha pool admin payouts pause",
		RunE: func(command *cobra.Command, args []string) error {
			if args[0] != "pause" && args[0] != "resume" {
				return cli.Usage(fmt.Errorf("payouts %q: want pause or resume", args[0]))
			}
			return a.query(command, "payouts", admin.ControlRequest{Pause: args[0] == "pause"},
				func(w io.Writer, r *admin.ControlAnswer) {
					l := cli.LanguageFor(command)
					fmt.Fprintln(w, l.Text("pool.paused", "paused", yesNo(l, r.Paused != nil && *r.Paused)))
				})
		},
	}
}

func (a *poolAdmin) override() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use:   "override ENTRY",
		Short: "Have payments go on without an entry of the log that the accounts do not understand",
		Args:  cobra.ExactArgs(1),
		Long: `A pool whose log has an entry that its accounts do not understand goes on, and pays nobody: what the
entry meant may change what users are owed. "aqsha pool admin status" names it. Mostly a newer program
understands it, or the log was damaged and is to be put back. Only when neither helps, and you have made
sure that nobody loses by it, go on without: the log, which is public, says so with your reason, and
"aqsha pool recompute" shows both.`,
		Example: `  aqsha pool admin override 81233 --reason "a share of a job that was lost with the disk; its miner was told"
  aqsha pool admin override 81233 --last 81240 --reason "eight of them"`,
		RunE: func(command *cobra.Command, args []string) error {
			entry, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return cli.Usage(fmt.Errorf("entry %q: want its number in the log", args[0]))
			}
			if !command.Flags().Changed("last") { // one that was given and is before the entry is a slip
				r.Last = entry
			}
			if r.Last < entry {
				return cli.Usage(fmt.Errorf("--last %d is before entry %d", r.Last, entry))
			}
			r.First = entry
			return a.query(command, "override", r, func(w io.Writer, r *admin.ControlAnswer) {
				fmt.Fprintln(w, cmp.Or(r.Pool.Stopped, cli.LanguageFor(command).Text("pool.go-on")))
			})
		},
	}
	command.Flags().StringVar(&r.Text, "reason", "", "why nobody loses by it; published with the log")
	command.Flags().Uint64Var(&r.Last, "last", 0, "go on without all entries up to this one")
	return command
}

func (a *poolAdmin) fee() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use: "fee PERCENT", Short: "Announce another fee, a higher one at least a day ahead", Args: cobra.ExactArgs(1),
		Long: `Announces a fee of the operator's that holds from a time on. It is published at once, and a
record in the log makes it hold: shares before it keep their fee. It outlasts restarts, also
when it has come true; only another --fee at a start than the one in force now ends it, and
a higher --fee is announced at the start and holds a day later as well.`,
		Example: "  aqsha pool admin fee 1.5 --at 2026-12-24T00:00:00Z",
		RunE: func(command *cobra.Command, args []string) error {
			percent, err := strconv.ParseFloat(args[0], 64)
			if err != nil || !(percent >= 0 && percent <= 100) {
				return cli.Usage(fmt.Errorf("fee %q: want 0 to 100 percent", args[0]))
			}
			if _, err := time.Parse(time.RFC3339, r.At); r.At != "" && err != nil {
				return cli.Usage(fmt.Errorf("--at %.50q: want a time such as 2026-12-24T00:00:00Z", r.At))
			}
			r.Percent = percent
			return a.query(command, "fee", r, func(w io.Writer, r *admin.ControlAnswer) {
				// A fee that is not higher holds at once; a higher one is announced, and the time said.
				l := cli.LanguageFor(command)
				if r.Pool.NextFee == nil {
					fmt.Fprintln(w, l.Text("pool.fee-now", "fee", r.Pool.Fee))
					return
				}
				fmt.Fprintln(w, l.Text("pool.fee-from", "fee", *r.Pool.NextFee, "at",
					r.Pool.NextFeeAt.Format(time.RFC3339)))
			})
		},
	}
	command.Flags().StringVar(&r.At, "at", "",
		"when it holds, such as 2026-12-24T00:00:00Z (default now, for one that is not higher)")
	return command
}

func (a *poolAdmin) drain() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use: "drain", Short: "Let nobody new in and ask everybody to connect elsewhere", Args: cobra.NoArgs,
		Example: "  aqsha pool admin drain --seconds 60\n  aqsha pool admin drain --remove",
		RunE: func(command *cobra.Command, _ []string) error {
			if r.Seconds < 1 || r.Seconds > 3600 {
				return cli.Usage(fmt.Errorf("--seconds %d: want 1 to 3600", r.Seconds))
			}
			return a.query(command, "drain", r, func(w io.Writer, answer *admin.ControlAnswer) {
				l := cli.LanguageFor(command)
				if r.Remove {
					fmt.Fprintln(w, l.Text("pool.undrained"))
					return
				}
				fmt.Fprintln(w, l.Text("pool.drained", "count", answer.Left))
			})
		},
	}
	command.Flags().BoolVar(&r.Remove, "remove", false, "let miners in again")
	command.Flags().IntVar(&r.Seconds, "seconds", 30, "wait this long for miners to leave")
	return command
}
