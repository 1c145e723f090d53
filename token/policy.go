package token

import "github.com/aqsha/aqsha/money"

// Policy is what the policy set decides about everybody's payments.
type Policy struct {
	Tiers            []Tier     `json:"tiers"`
	LeastToken       money.Tiyn `json:"least_token"`        // no token is smaller
	MostInputs       int        `json:"most_inputs"`        // of a transfer
	MostOutputs      int        `json:"most_outputs"`       // of a transfer
	DayOffsetMillis  uint64     `json:"day_offset_millis"`  // the day starts at 00:00 UTC minus this: +5 h for Kazakhstan
	ValidAheadMillis uint64     `json:"valid_ahead_millis"` // the furthest a payment's valid-until may lie ahead
	RekeyDelayMillis uint64     `json:"rekey_delay_millis"`
	SnapshotEvery    uint64     `json:"snapshot_every"` // blocks between snapshots
}

// Tier is a class of wallets and its limits. A limit of zero means none.
type Tier struct {
	Name           string     `json:"name"`
	PaymentMost    money.Tiyn `json:"payment_most"`     // net paid by one transaction
	DayMost        money.Tiyn `json:"day_most"`         // net paid in a day
	BalanceMost    money.Tiyn `json:"balance_most"`     // held after receiving
	PaymentsPerDay uint32     `json:"payments_per_day"` // transactions signed as payer
}

// MaxTiers is the most tiers of a policy.
const MaxTiers = 32

const dayMillis = 86_400_000

// Tier returns the tier of an index.
func (p Policy) Tier(index uint8) (Tier, bool) {
	if int(index) >= len(p.Tiers) {
		return Tier{}, false
	}
	return p.Tiers[index], true
}

// Day numbers the day of an instant: floor((time + offset) / 86,400 s).
func (p Policy) Day(timeMillis uint64) uint32 {
	return uint32((timeMillis + p.DayOffsetMillis) / dayMillis)
}

// AppendPolicy encodes a policy; genesis and snapshots use it too.
func AppendPolicy(b []byte, p Policy) []byte {
	b = AppendArray(b, 8)
	b = AppendArray(b, len(p.Tiers))
	for _, t := range p.Tiers {
		b = AppendArray(b, 5)
		b = AppendText(b, t.Name)
		b = AppendUint(b, uint64(t.PaymentMost))
		b = AppendUint(b, uint64(t.DayMost))
		b = AppendUint(b, uint64(t.BalanceMost))
		b = AppendUint(b, uint64(t.PaymentsPerDay))
	}
	b = AppendUint(b, uint64(p.LeastToken))
	b = AppendUint(b, uint64(p.MostInputs))
	b = AppendUint(b, uint64(p.MostOutputs))
	b = AppendUint(b, p.DayOffsetMillis)
	b = AppendUint(b, p.ValidAheadMillis)
	b = AppendUint(b, p.RekeyDelayMillis)
	return AppendUint(b, p.SnapshotEvery)
}

// Policy reads what AppendPolicy wrote.
func (d *Decoder) Policy() (p Policy) {
	d.Array("policy", 8, 8)
	n := d.Array("policy.tiers", 1, MaxTiers)
	for range n {
		d.Array("policy.tiers", 5, 5)
		p.Tiers = append(p.Tiers, Tier{
			Name:           d.Text("policy.tiers.name", 1, MaxName),
			PaymentMost:    money.Tiyn(d.Uint("policy.tiers.payment_most", 1<<63-1)),
			DayMost:        money.Tiyn(d.Uint("policy.tiers.day_most", 1<<63-1)),
			BalanceMost:    money.Tiyn(d.Uint("policy.tiers.balance_most", 1<<63-1)),
			PaymentsPerDay: uint32(d.Uint("policy.tiers.payments_per_day", 1<<32-1)),
		})
	}
	p.LeastToken = money.Tiyn(d.Uint("policy.least_token", 1<<63-1))
	p.MostInputs = int(d.Uint("policy.most_inputs", MaxInputs))
	p.MostOutputs = int(d.Uint("policy.most_outputs", MaxOutputs))
	p.DayOffsetMillis = d.Uint("policy.day_offset_millis", dayMillis)
	p.ValidAheadMillis = d.Uint("policy.valid_ahead_millis", 1<<53)
	p.RekeyDelayMillis = d.Uint("policy.rekey_delay_millis", 1<<53)
	p.SnapshotEvery = d.Uint("policy.snapshot_every", 1<<53)
	return p
}

// Check says whether a policy is one the ledger can live under.
func (p Policy) Check() *Error {
	const hour = 3_600_000
	if err := counts("policy.tiers", len(p.Tiers), MaxTiers); err != nil {
		return err
	}
	for _, t := range p.Tiers {
		if err := checkName("policy.tiers.name", t.Name); err != nil {
			return err
		}
		if t.PaymentMost < 0 || t.DayMost < 0 || t.BalanceMost < 0 {
			return Errorf(AmountNegative, "policy.tiers", "a limit of tier %q is negative", t.Name)
		}
	}
	for _, bound := range []struct {
		field     string
		value     uint64
		min, most uint64
	}{
		{"policy.least_token", uint64(p.LeastToken), 1, 1_000_000},
		{"policy.most_inputs", uint64(p.MostInputs), 2, MaxInputs},
		{"policy.most_outputs", uint64(p.MostOutputs), 2, MaxOutputs},
		{"policy.day_offset_millis", p.DayOffsetMillis, 0, dayMillis},
		{"policy.valid_ahead_millis", p.ValidAheadMillis, 1000, hour},
		{"policy.rekey_delay_millis", p.RekeyDelayMillis, 1000, 30 * dayMillis},
		{"policy.snapshot_every", p.SnapshotEvery, 1, 1 << 40},
	} {
		if bound.value < bound.min || bound.value > bound.most {
			return Errorf(OutOfRange, bound.field, "%d, want %d to %d", bound.value, bound.min, bound.most)
		}
	}
	return nil
}

// SetPolicy replaces the policy, signed by the policy set.
type SetPolicy struct {
	Sequence uint64 `json:"sequence"` // of the policy set
	Policy   Policy `json:"policy"`
}

func (*SetPolicy) Kind() Kind  { return KindSetPolicy }
func (*SetPolicy) fields() int { return 2 }

func (t *SetPolicy) appendFields(b []byte) []byte {
	return AppendPolicy(AppendUint(b, t.Sequence), t.Policy)
}

func (t *SetPolicy) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Policy = d.Policy()
}

func (t *SetPolicy) check() *Error { return t.Policy.Check() }
