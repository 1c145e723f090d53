package pool

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog"
)

// ShortenTimeouts makes slow clients lose their connections within a test's patience.
func ShortenTimeouts() (restore func()) {
	handshake, line := handshakeTimeout, lineTimeout
	handshakeTimeout, lineTimeout = 2*time.Second, 2*time.Second
	return func() { handshakeTimeout, lineTimeout = handshake, line }
}

// MaxLine and BadSharesToBan are limits that tests go beyond.
const (
	MaxLine          = maxLine
	BadSharesToClose = badSharesToClose
	OffencesToBan    = offencesToBan
	MaxRequests      = maxRequests
	BanTime          = banTime
	MostBans         = mostBans
)

// Guard is a guard by itself.
type Guard struct{ *guard }

func NewGuard() Guard { return Guard{newGuard()} }

func (g Guard) Ban(ip netip.Addr, now time.Time) { g.ban(ip, now) }

func (g Guard) Counts() (banned, unkept int) { return len(g.banned), len(g.unkept) }

// Admits says whether a connection would be let in.
func (g Guard) Admits(ip netip.Addr, now time.Time) bool {
	c := Defaults()
	if !g.admit(ip, now, &c) {
		return false
	}
	g.leave(ip)
	return true
}

// EdgeMinTime is edgeMinTime.
var EdgeMinTime = edgeMinTime

// ShareLog is the log that anybody recomputes from.
func (p *Pool) ShareLog() *txlog.Log { return p.log }

// Balance is an account's balance by the log.
func (p *Pool) Balance(account string) money.Satoshi {
	p.accounts.mu.Lock()
	defer p.accounts.mu.Unlock()
	return p.accounts.state.Balance[account]
}

// NextPayday is when PayEvery pays next.
func (p *Pool) NextPayday(interval time.Duration) time.Time { return p.accounts.nextPayday(interval) }

// WantsBlockOn says whether a block on a parent would be sent out.
func (p *Pool) WantsBlockOn(previous bitcoin.Hash) bool {
	return p.seen.on(previous).claimed.Load() == 0
}

// EasyTimes is easyTimes.
var EasyTimes = easyTimes

// Names counts the names that the pool knows.
func (p *Pool) Names() int {
	p.registry.mu.Lock()
	defer p.registry.mu.Unlock()
	return len(p.registry.byName)
}

// Forbidden says whether the administration refuses an action to a role.
func Forbidden(action string, role Role) bool {
	c := &Control{Pool: &Pool{}}
	request := httptest.NewRequest("POST", "/"+action, strings.NewReader("not JSON"))
	answer := httptest.NewRecorder()
	c.handler().ServeHTTP(answer, request.WithContext(context.WithValue(context.Background(), roleKey{}, role)))
	return answer.Code == http.StatusForbidden
}

// PageWords are the pages' words by language.
func PageWords() map[string]map[string]string { return words }

// CommitAll commits an entry many times at once.
func CommitAll(log *txlog.Log, entry []byte, times int) error {
	c := newCommitter(log, func(error) {})
	for range times {
		c.records = append(c.records, entry)
	}
	return c.commit()
}
