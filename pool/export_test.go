package pool

import (
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
)

// Balance is an account's balance by the log.
func (p *Pool) Balance(account string) money.Satoshi { return p.accounts.Balance(account) }

// NextPayday is when PayEvery pays next.
func (p *Pool) NextPayday(interval time.Duration) time.Time { return p.accounts.NextPayday(interval) }

// WantsBlockOn says whether a block on a parent would be sent out.
func (p *Pool) WantsBlockOn(previous bitcoin.Hash) bool {
	return p.seen.On(previous).Claimed.Load() == 0
}

// Names counts the names that the pool knows.
func (p *Pool) Names() int { return p.registry.Names() }

// KeepWalk shows the figures of the newest walk over the workers until then.
func (p *Pool) KeepWalk(until time.Time) {
	p.figures.mu.Lock()
	defer p.figures.mu.Unlock()
	p.figures.until = until
}

// RestAfter is how long what a walk saw is shown on.
var RestAfter = restAfter
