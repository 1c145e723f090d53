package pool

import (
	"math"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/payout"
)

// BlockView is a block that the pool has found.
type BlockView struct {
	Height     uint64        `json:"height"`
	Hash       bitcoin.Hash  `json:"hash"`
	Status     string        `json:"status"` // provisional, final or orphaned
	Finder     string        `json:"finder"`
	Reward     money.Satoshi `json:"reward_satoshi"`
	Difficulty float64       `json:"difficulty"`
	Work       float64       `json:"work_difficulty"` // credited since the block before
	// Luck is the expected work over the work it took: above 1 is lucky.
	Luck float64   `json:"luck"`
	Time time.Time `json:"time"`
}

var statusNames = [...]string{"provisional", "final", "orphaned", "provisional"}

// Blocks lists the pool's blocks, oldest first.
func (p *Pool) Blocks() []BlockView {
	a := p.accounts
	a.mu.Lock()
	defer a.mu.Unlock()
	views := make([]BlockView, len(a.state.Blocks))
	for i, b := range a.state.Blocks {
		target, _ := bitcoin.TargetOfBits(b.Job.Bits)
		views[i] = BlockView{
			Height: b.Height, Hash: b.Hash, Status: statusNames[b.Status], Finder: a.state.Address[b.User], Reward: b.Job.CoinbaseValue,
			Difficulty: target.Difficulty(), Work: payout.Difficulty(b.Work), Time: time.UnixMilli(b.Entry.TimeMillis).UTC(),
		}
		if views[i].Work > 0 {
			views[i].Luck = views[i].Difficulty / views[i].Work
		}
	}
	return views
}

// Owed is what the pool owes each address, provisional amounts included.
func (p *Pool) Owed() map[string]money.Satoshi {
	a := p.accounts
	a.mu.Lock()
	defer a.mu.Unlock()
	owed := map[string]money.Satoshi{}
	for user, address := range a.state.Address {
		owed[address] = a.state.Balance[accounting.UserAccount(user)]
	}
	return owed
}

// UserView is a user's account.
type UserView struct {
	Address string        `json:"address"`
	Owed    money.Satoshi `json:"owed_satoshi"`    // for certain
	Pending money.Satoshi `json:"pending_satoshi"` // of blocks that are not final
	// Forecast is what the user may expect of the next day at the hash rate of the last hour, and
	// Spread the standard deviation of that: blocks come as a Poisson process.
	Forecast money.Satoshi `json:"forecast_day_satoshi"`
	Spread   money.Satoshi `json:"forecast_spread_satoshi"`
}

// User looks an account up by address.
func (p *Pool) User(address string, now time.Time) (UserView, bool) {
	canonical, _, err := p.network.Canonical(address)
	p.registry.mu.Lock()
	user, ok := p.registry.users[canonical]
	p.registry.mu.Unlock()
	address = canonical
	if err != nil || !ok {
		return UserView{}, false
	}
	stats := p.WorkerStats(now)
	rate := 0.0
	for _, w := range stats.Workers {
		if w.User == address {
			rate += w.HashRate1h
		}
	}
	a := p.accounts
	a.mu.Lock()
	view := UserView{Address: address, Owed: a.state.Debt(user), Pending: a.state.Pending[user]}
	a.mu.Unlock()
	if j := p.current.Load(); j != nil {
		view.Forecast, view.Spread = forecast(j, p.settings(), rate, stats.HashRate1h)
	}
	return view, true
}

const day = 24 * 60 * 60

// forecast is a day's mean and standard deviation. Under PPS and FPPS the user's own shares are the
// only chance, which is negligible; otherwise the pool's blocks are, each paying the user's part.
func forecast(j *job, c Config, userRate, poolRate float64) (mean, spread money.Satoshi) {
	perBlock := float64(j.template.CoinbaseValue) * (1 - float64(c.FeePPM)/1e6)
	if userRate <= 0 || poolRate <= 0 {
		return 0, 0
	}
	blocks := poolRate * day / j.template.Target.ExpectedHashes()
	part := userRate / poolRate
	if c.Scheme == "solo" {
		blocks, part = blocks*part, 1
	}
	mean = money.Satoshi(blocks * perBlock * part)
	if c.Scheme != "pps" && c.Scheme != "fpps" {
		spread = money.Satoshi(math.Sqrt(blocks) * perBlock * part)
	}
	return mean, spread
}
