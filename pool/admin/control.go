// Package admin is the administration of a running pool over a Unix socket, by roles.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/answer"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
)

// Role is what somebody may do over the administration's socket.
type Role int

// Roles, each with the rights of those before it.
const (
	RoleNone    Role = iota
	RoleViewer       // sees sessions and bans
	RoleSupport      // kicks, sends messages, asks to connect again
	RoleAdmin        // bans, exempts, pauses payouts, changes the fee, drains
	RoleOwner        // the pool's own user and root: may also take its place
)

var roleNames = []string{"none", "viewer", "support", "admin", "owner"}

func (r Role) String() string { return roleNames[r] }

// ParseRole reads viewer, support or admin.
func ParseRole(text string) (Role, error) {
	if i := slices.Index(roleNames, text); i > 0 && Role(i) < RoleOwner {
		return Role(i), nil
	}
	return RoleNone, fmt.Errorf("role %q: want viewer, support or admin", text)
}

// Control serves the administration on a Unix socket. Who asks is known from the kernel: the pool's own user and root
// are owners, members of a group have the group's role, nobody else any. The role is that of the moment at which the
// connection was made: one that was taken away counts for connections made afterwards.
type Control struct {
	Pool   *pool.Pool
	Groups map[string]Role
	// Successors gets the connection of a process that wants to take the pool's place; nil: none may.
	Successors chan<- *net.UnixConn
}

// Listen opens the socket. One that an earlier run left is replaced. Without groups only the pool's
// own user may open it.
func (c *Control) Listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	mode := os.FileMode(0o600)
	if len(c.Groups) > 0 {
		mode = 0o666 // the groups' members are let in by the kernel's word for who they are
	}
	return listener, os.Chmod(path, mode)
}

type roleKey struct{}

// Serve answers until the context ends.
func (c *Control) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: c.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, roleKey{}, c.roleOf(conn))
		},
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// roleOf is the role of who is at the other end.
func (c *Control) roleOf(conn net.Conn) Role {
	uid, ok := peerUser(conn)
	switch {
	case !ok:
		return RoleNone
	case uid == 0 || uid == os.Getuid():
		return RoleOwner
	}
	return c.roleOfUser(strconv.Itoa(uid))
}

// roleOfUser is the highest role that any group of a user grants, as the system knows him now; whom it does not know
// has none.
func (c *Control) roleOfUser(uid string) Role {
	who, err := user.LookupId(uid)
	if err != nil {
		return RoleNone
	}
	ids, err := who.GroupIds()
	if err != nil {
		return RoleNone
	}
	role := RoleNone
	for name, grants := range c.Groups {
		if group, err := user.LookupGroup(name); err == nil && slices.Contains(ids, group.Gid) {
			role = max(role, grants)
		}
	}
	return role
}

// maxControlBody bounds a request; each is a few fields.
const maxControlBody = 16 << 10

// ControlRequest is what any of the administration's requests may carry. Each action reads its own fields and passes
// the others over; a field that none has is refused, so that a misspelt one does not leave a limit out.
type ControlRequest struct {
	serve.Selector
	Everybody bool    `json:"everybody,omitempty"` // an empty selector is meant
	Text      string  `json:"text,omitempty"`
	Host      string  `json:"host,omitempty"`
	Port      int     `json:"port,omitempty"`
	Network   string  `json:"network,omitempty"` // to exempt
	Remove    bool    `json:"remove,omitempty"`
	Pause     bool    `json:"pause,omitempty"`
	Percent   float64 `json:"percent,omitempty"`
	At        string  `json:"at,omitempty"` // RFC 3339
	Limit     int     `json:"limit,omitempty"`
	Seconds   int     `json:"seconds,omitempty"`
	First     uint64  `json:"first,omitempty"` // entries of the log to go on without
	Last      uint64  `json:"last,omitempty"`
	// Aside are transactions that are none of the pool's payments.
	Aside []string `json:"aside,omitempty"`
}

// ControlAnswer is what any of them may answer.
type ControlAnswer struct {
	Connections int                  `json:"connections,omitempty"` // that it was done to, or that there are
	Left        int                  `json:"left,omitempty"`
	Sessions    []serve.Session      `json:"sessions,omitempty"`
	Bans        map[string]time.Time `json:"bans,omitempty"`
	Paused      *bool                `json:"payouts_paused,omitempty"`
	Pool        *pool.Stats          `json:"pool,omitempty"`
	Missing     []payments.Missing   `json:"missing,omitempty"`
}

// action is what a request of its name does, and the least role that may ask for it.
type action struct {
	needs Role
	do    func(ctx context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error)
}

// errSelector keeps an empty selector from meaning everybody by mistake.
var errSelector = errors.New("address or worker: whom? (or say that everybody is meant)")

func (r *ControlRequest) selected() error {
	if r.Selector == (serve.Selector{}) && !r.Everybody {
		return errSelector
	}
	return nil
}

// counted is the answer of an action on connections: to how many it was done.
func counted(n int, err error) (*ControlAnswer, error) { return &ControlAnswer{Connections: n}, err }

// Bounds of what is asked.
const (
	maxSessions     = 10_000 // listed at once
	maxDrainSeconds = 3600
)

// actions are the requests by their paths. What only looks needs a viewer; what touches single connections and can be
// undone by connecting again needs support; what lasts, or has to do with money, needs an admin.
var actions = map[string]action{
	"sessions": {RoleViewer, func(ctx context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		if r.Limit < 0 || r.Limit > maxSessions {
			return nil, &settings.ConfigError{Field: "limit", Rule: fmt.Sprintf("%d: want 1 to %d", r.Limit,
				maxSessions)}
		}
		list, all, err := p.Sessions(ctx, r.Selector, max(r.Limit, 1))
		return &ControlAnswer{Sessions: list, Connections: all}, err
	}},
	"bans": {RoleViewer, func(_ context.Context, p *pool.Pool, _ *ControlRequest) (*ControlAnswer, error) {
		return &ControlAnswer{Bans: p.Bans()}, nil
	}},
	"status": {RoleViewer, func(_ context.Context, p *pool.Pool, _ *ControlRequest) (*ControlAnswer, error) {
		s := p.Stats(time.Now())
		return &ControlAnswer{Pool: &s}, nil
	}},
	"kick": {RoleSupport, func(ctx context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		if err := r.selected(); err != nil {
			return nil, err
		}
		return counted(p.Kick(ctx, r.Selector))
	}},
	"message": {RoleSupport, func(ctx context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		return counted(p.Message(ctx, r.Selector, r.Text))
	}},
	"reconnect": {RoleSupport, func(ctx context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		if err := r.selected(); err != nil {
			return nil, err
		}
		return counted(p.Reconnect(ctx, r.Selector, r.Host, r.Port))
	}},
	"ban": {RoleAdmin, func(ctx context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		ip, err := netip.ParseAddr(r.Address)
		if err != nil {
			return nil, fmt.Errorf("address: %w", err)
		}
		if r.Remove {
			if !p.Unban(ip.Unmap()) {
				return nil, fmt.Errorf("address: %s is not banned", ip)
			}
			return &ControlAnswer{}, nil
		}
		return counted(p.Ban(ctx, ip.Unmap()))
	}},
	"exempt": {RoleAdmin, func(_ context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		prefix, err := ParseNetwork(r.Network)
		if err != nil {
			return nil, err
		}
		return &ControlAnswer{}, p.Exempt(prefix, !r.Remove)
	}},
	"payouts": {RoleAdmin, func(_ context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		err := p.PausePayouts(r.Pause)
		paused := p.PayoutsPaused()
		return &ControlAnswer{Paused: &paused}, err
	}},
	"fee": {RoleAdmin, func(_ context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		now := time.Now()
		at, err := now, error(nil)
		if r.At != "" {
			if at, err = time.Parse(time.RFC3339, r.At); err != nil {
				return nil, fmt.Errorf("at: want a time such as 2026-12-24T00:00:00Z: %w", err)
			}
		}
		if !(r.Percent >= 0 && r.Percent <= 100) {
			return nil, &settings.ConfigError{Field: "fee", Rule: "want 0 to 100 percent"}
		}
		err = p.ChangeFee(uint64(r.Percent*10_000+0.5), at, now)
		s := p.Stats(time.Now())
		return &ControlAnswer{Pool: &s}, err
	}},
	"override": {RoleAdmin, func(ctx context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		err := p.Override(ctx, r.First, r.Last, r.Text)
		s := p.Stats(time.Now())
		return &ControlAnswer{Pool: &s}, err
	}},
	"recover": {RoleAdmin, func(ctx context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		request := payments.RecoverRequest{Reason: r.Text}
		for _, text := range r.Aside {
			id, err := bitcoin.ParseHash(text)
			if err != nil {
				return nil, fmt.Errorf("aside: %w", err)
			}
			request.Aside = append(request.Aside, id)
		}
		list, err := p.Recover(ctx, request)
		s := p.Stats(time.Now())
		return &ControlAnswer{Missing: list, Pool: &s}, err
	}},
	"drain": {RoleAdmin, func(ctx context.Context, p *pool.Pool, r *ControlRequest) (*ControlAnswer, error) {
		if r.Remove {
			p.Undrain()
			return &ControlAnswer{}, nil
		}
		if r.Seconds < 0 || r.Seconds > maxDrainSeconds {
			return nil, &settings.ConfigError{Field: "seconds", Rule: fmt.Sprintf("%d: want 1 to %d", r.Seconds,
				maxDrainSeconds)}
		}
		ctx, cancel := context.WithTimeout(ctx, time.Duration(max(r.Seconds, 1))*time.Second)
		defer cancel()
		left, err := p.Drain(ctx)
		return &ControlAnswer{Left: left}, err
	}},
}

// ParseNetwork reads an address or a network of addresses. Bits beyond the network's are cleared, and an IPv4 address
// within IPv6 is the IPv4 one, as connections are compared.
func ParseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return prefix, fmt.Errorf("network %.50q: want an address, or a network such as 10.0.0.0/8", text)
	}
	return prefix.Masked(), nil
}

// handler has a path for each action, all by POST. Roles are asked before the request is read.
func (c *Control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /handover", c.handOver)
	for name, a := range actions {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			role, _ := r.Context().Value(roleKey{}).(Role)
			if role < a.needs {
				answer.Problem(w, http.StatusForbidden, "wrong-role", fmt.Sprintf("%s needs the role %s; yours is %s",
					name, a.needs, role))
				return
			}
			var asked ControlRequest
			decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&asked); err != nil {
				answer.Problem(w, http.StatusBadRequest, "bad-request", err.Error())
				return
			}
			result, err := a.do(r.Context(), c.Pool, &asked)
			if err != nil {
				code := "refused"
				var setting *settings.ConfigError
				if errors.As(err, &setting) {
					code = setting.ErrorCode()
				} else if errors.Is(err, serve.ErrNobody) {
					code = "nobody"
				}
				answer.Problem(w, http.StatusUnprocessableEntity, code, err.Error())
				return
			}
			// Whatever changed something is in the pool's log with who asked by his role: several people may hold one.
			if a.needs > RoleViewer {
				c.Pool.Logger().Info("administration", "action", name, "role", role, "request",
					fmt.Sprintf("%+v", asked))
			}
			answer.JSON(w, result)
		})
	}
	return mux
}
