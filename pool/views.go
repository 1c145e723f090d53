package pool

import (
	"math"
	"time"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/settings"
)

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
	user, ok := p.registry.NumberOf(canonical)
	address = canonical
	if err != nil || !ok {
		return UserView{}, false
	}
	seen := p.walked(now)
	rate := 0.0
	for _, w := range seen.users[address] {
		rate += w.Snapshot(now).HashRate1h
	}
	view := UserView{Address: address}
	view.Owed, view.Pending = p.accounts.OwedTo(user)
	if j := p.CurrentJob(); j != nil {
		view.Forecast, view.Spread = forecast(j, p.settings(), rate, seen.stats.HashRate1h)
	}
	return view, true
}

// day is in seconds.
const day = 24 * 60 * 60

// forecast is a day's mean and standard deviation. Under PPS and FPPS the user's own shares are the only chance, which
// is negligible; otherwise the pool's blocks are, each paying the user's part. With λ = rate · 86,400 / expected hashes
// blocks a day and b a block's part, the mean is λ·b and the deviation √λ·b. It is for people: floats, and the
// difficulty as it is now.
func forecast(j *job.Job, c settings.Config, userRate, poolRate float64) (mean, spread money.Satoshi) {
	perBlock := float64(j.Template.CoinbaseValue) * (1 - float64(c.FeePPM)/1e6)
	if userRate <= 0 || poolRate <= 0 {
		return 0, 0
	}
	blocks := poolRate * day / j.Template.Target.ExpectedHashes()
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

// BlocksAfter lists so many blocks after the first ones, and says whether there are more.
func (p *Pool) BlocksAfter(after uint64, most int) (list []accounts.BlockView, more bool) {
	return p.accounts.BlocksAfter(after, most)
}

// NewestBlocks lists so many blocks, the newest first.
func (p *Pool) NewestBlocks(most int) []accounts.BlockView { return p.accounts.NewestBlocks(most) }

// Payouts lists the newest payments to an address.
func (p *Pool) Payouts(address string, most int) []accounts.PayoutView {
	user, ok := p.registry.NumberOf(address)
	if !ok {
		return nil
	}
	return p.accounts.Payouts(user, most)
}
