package repair

import (
	"context"
	"math/big"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/money"
)

// Earned is what a closed ticket has earned, by the account of losses.
type Earned struct {
	Ticket int64 `json:"ticket"`
	// Parts per million of the nameplate's work that the machine lost, by causes that a repair can end: from its
	// failure to the ticket's end (at most a week), and after it (likewise).
	LostBefore int64 `json:"lost_before_ppm"`
	LostAfter  int64 `json:"lost_after_ppm"`
	Hours      int64 `json:"hours"` // of the time after
	// What the difference is worth in those hours, less its electricity; and less what the ticket cost.
	Earned money.Tiyn `json:"earned_tiyn"`
	Net    money.Tiyn `json:"net_tiyn"`
}

// mended are the causes of loss that a repair can end.
var mended = []usage.Cause{usage.CauseOutage, usage.CauseRepair, usage.CauseUnknown, usage.CauseBoards, usage.CauseHeat,
	usage.CauseSlow, usage.CauseIdle, usage.CauseInvalid, usage.CauseUnsent, usage.CauseRejected}

// span is how much time before and after a ticket's end is compared at most.
const span = 7 * usage.Day

// EarnedBy is what a closed ticket has earned so far; known is false where less than an hour of the time before or
// after it is accounted for.
func EarnedBy(ctx context.Context, b *records.Records, t *Ticket) (e Earned, known bool, err error) {
	m := b.Fleet.Find(t.Machine)
	if t.Open() || m == nil {
		return e, false, nil
	}
	// Whole hours within both spans: an hour that is half before and half after would be counted to both.
	failed, closed := ceilHour(t.Since), usage.At(t.Closed).Floor(usage.Hour)
	from := max(failed, closed-span)
	after := ceilHour(t.Closed)
	to := min(after+span, b.Newest().Floor(usage.Hour))
	if closed-from < usage.Hour || to-after < usage.Hour {
		return e, false, nil
	}
	before, err := lost(ctx, b, m, from, closed)
	if err != nil {
		return e, false, err
	}
	since, err := lost(ctx, b, m, after, to)
	if err != nil || before == nil || since == nil {
		return e, false, err
	}
	price, err := b.Config.PricePerKWh()
	if err != nil {
		return e, false, err
	}
	e = Earned{Ticket: t.ID, LostBefore: before.ppm, LostAfter: since.ppm, Hours: int64((to - after) / usage.Hour)}
	gained := e.LostBefore - e.LostAfter
	_, watts, _ := m.Nameplate()
	power := ratio(watts*e.Hours*int64(price), gained, 1000*1_000_000)
	// What more was mined, less the energy that mining it took.
	e.Earned = farm.MicroTiyn(ratio(since.value, gained, 1_000_000)).Tiyn() - money.Tiyn(power)
	e.Net = e.Earned - t.CostTiyn
	return e, true, nil
}

func ceilHour(at time.Time) usage.Instant {
	return (usage.At(at) + usage.Hour - 1).Floor(usage.Hour)
}

// loss is what a machine lost of its nameplate in a span, and what the nameplate was worth.
type loss struct{ ppm, value int64 }

func lost(ctx context.Context, b *records.Records, m *fleet.Machine, from, to usage.Instant) (*loss, error) {
	account, err := b.Account(ctx, m.ID, from, to, nil)
	if err != nil {
		return nil, err
	}
	totals := account.Machines[m.ID]
	if totals == nil {
		return nil, nil
	}
	var l loss
	var sum farm.Total
	for _, cause := range mended {
		sum = sum.Add(totals.Work[cause])
	}
	ppm, ok := sum.RatioPPM(totals.Nameplate())
	if !ok {
		return nil, nil
	}
	l.ppm = ppm
	for _, part := range totals.Value {
		l.value += int64(part.MicroTiyn)
	}
	return &l, nil
}

// ratio is a·b/c in whole numbers, rounded towards zero.
func ratio(a, b, c int64) int64 {
	product := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
	return product.Quo(product, big.NewInt(c)).Int64()
}
