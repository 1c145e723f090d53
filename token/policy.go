package token

import "github.com/aqsha/aqsha/money"

// Policy is what the policy set decides about everybody's payments.
type Policy struct {
	Tiers      []Tier     `json:"tiers"`
	LeastToken money.Tiyn `json:"least_token"`  // no token is smaller
	MaxInputs  int        `json:"most_inputs"`  // of a transfer
	MaxOutputs int        `json:"most_outputs"` // of a transfer
	// the day starts at 00:00 UTC minus this: +5 h for Kazakhstan
	DayOffsetMillis  uint64 `json:"day_offset_millis"`
	ValidAheadMillis uint64 `json:"valid_ahead_millis"` // the furthest a payment's valid-until may lie ahead
	RekeyDelayMillis uint64 `json:"rekey_delay_millis"`
	SnapshotEvery    uint64 `json:"snapshot_every"` // blocks between snapshots

	// Since rules version 5; 0 is DefaultShare.
	DefinitionsEach uint32 `json:"definitions_each,omitempty"` // that stand of one registrar
	PurposesEach    uint32 `json:"purposes_each,omitempty"`    // that stand of one agency

	// Of banknotes, since rules version 5.
	// paid by a cash office's key in a day; 0 is DefaultReserveDay
	MaxReserveDay money.Tiyn `json:"reserve_day_most,omitempty"`
	// that a reserve may hold, and so what may circulate; 0 is no cap
	MaxReserve money.Tiyn `json:"reserve_most,omitempty"`
	// gets what is left of expired keysets; none leaves it in the reserve
	ExpiredCash WalletID `json:"expired_cash,omitzero"`
}

// DefaultReserveDay is what a cash office's key pays in a day where the policy names nothing: 10 million tenge.
const DefaultReserveDay money.Tiyn = 1_000_000_000

// Cash says whether the policy says anything of banknotes.
func (p Policy) Cash() bool {
	return p.MaxReserveDay != 0 || p.MaxReserve != 0 || p.ExpiredCash != WalletID{}
}

// ReserveDay is the most that a cash office's key pays in a day.
func (p Policy) ReserveDay() money.Tiyn {
	if p.MaxReserveDay == 0 {
		return DefaultReserveDay
	}
	return p.MaxReserveDay
}

// Of what can be registered without paying anything each registrar, or agency, has a share: DefaultShare when the
// policy names none, and MaxShare at most.
const (
	DefaultShare = 512
	MaxShare     = 1 << 20
)

// Shares says whether the policy names shares.
func (p Policy) Shares() bool { return p.DefinitionsEach != 0 || p.PurposesEach != 0 }

// Definitions is how many definitions of one registrar may stand.
func (p Policy) Definitions() int { return int(shareOr(p.DefinitionsEach)) }

// Purposes is how many purposes of one agency may stand.
func (p Policy) Purposes() int { return int(shareOr(p.PurposesEach)) }

func shareOr(share uint32) uint32 {
	if share == 0 {
		return DefaultShare
	}
	return share
}

// A policy has 8 items, or 10 where it names shares, or 13 where it says something of banknotes: so one of an earlier
// version has the bytes that it always had.
const (
	policyItems = 8
	sharesItems = 10
	cashItems   = 13
)

// Tier is a class of wallets and its limits. A limit of zero means none.
type Tier struct {
	Name           string     `json:"name"`
	MaxPayment     money.Tiyn `json:"payment_most"`     // net paid by one transaction
	MaxDay         money.Tiyn `json:"day_most"`         // net paid in a day
	MaxBalance     money.Tiyn `json:"balance_most"`     // held after receiving
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
	items := policyItems
	// A policy of an early version keeps its bytes and the id of the transaction that set it: what it does not say is
	// not there, instead of being there as 0.
	if p.Shares() {
		items = sharesItems
	}
	if p.Cash() {
		items = cashItems
	}
	b = AppendArray(b, items)
	b = AppendArray(b, len(p.Tiers))
	for _, t := range p.Tiers {
		b = AppendArray(b, 5)
		b = AppendText(b, t.Name)
		b = AppendUint(b, uint64(t.MaxPayment))
		b = AppendUint(b, uint64(t.MaxDay))
		b = AppendUint(b, uint64(t.MaxBalance))
		b = AppendUint(b, uint64(t.PaymentsPerDay))
	}
	b = AppendUint(b, uint64(p.LeastToken))
	b = AppendUint(b, uint64(p.MaxInputs))
	b = AppendUint(b, uint64(p.MaxOutputs))
	b = AppendUint(b, p.DayOffsetMillis)
	b = AppendUint(b, p.ValidAheadMillis)
	b = AppendUint(b, p.RekeyDelayMillis)
	b = AppendUint(b, p.SnapshotEvery)
	if items >= sharesItems {
		b = AppendUint(AppendUint(b, uint64(p.DefinitionsEach)), uint64(p.PurposesEach))
	}
	if items == cashItems {
		b = AppendUint(AppendUint(b, uint64(p.MaxReserveDay)), uint64(p.MaxReserve))
		b = AppendBytes(b, p.ExpiredCash[:])
	}
	return b
}

// Policy reads what AppendPolicy wrote.
func (d *Decoder) Policy() (p Policy) {
	items := d.Array("policy", policyItems, cashItems)
	n := d.Array("policy.tiers", 1, MaxTiers)
	for range n {
		d.Array("policy.tiers", 5, 5)
		p.Tiers = append(p.Tiers, Tier{
			Name:           d.Text("policy.tiers.name", 1, MaxName),
			MaxPayment:     money.Tiyn(d.Uint("policy.tiers.payment_most", 1<<63-1)),
			MaxDay:         money.Tiyn(d.Uint("policy.tiers.day_most", 1<<63-1)),
			MaxBalance:     money.Tiyn(d.Uint("policy.tiers.balance_most", 1<<63-1)),
			PaymentsPerDay: uint32(d.Uint("policy.tiers.payments_per_day", 1<<32-1)),
		})
	}
	p.LeastToken = money.Tiyn(d.Uint("policy.least_token", 1<<63-1))
	p.MaxInputs = int(d.Uint("policy.most_inputs", MaxInputs))
	p.MaxOutputs = int(d.Uint("policy.most_outputs", MaxOutputs))
	p.DayOffsetMillis = d.Uint("policy.day_offset_millis", dayMillis)
	p.ValidAheadMillis = d.Uint("policy.valid_ahead_millis", 1<<53)
	p.RekeyDelayMillis = d.Uint("policy.rekey_delay_millis", 1<<53)
	p.SnapshotEvery = d.Uint("policy.snapshot_every", 1<<53)
	// Array takes a range, of which three lengths are policies.
	if d.Err() == nil && items != policyItems && items != sharesItems && items != cashItems {
		d.Fail(Errorf(NotCanonical, "policy", "%d items, want %d, %d or %d", items, policyItems, sharesItems,
			cashItems))
	}
	if items >= sharesItems {
		p.DefinitionsEach = uint32(d.Uint("policy.definitions_each", MaxShare))
		p.PurposesEach = uint32(d.Uint("policy.purposes_each", MaxShare))
	}
	if items == cashItems {
		p.MaxReserveDay = money.Tiyn(d.Uint("policy.reserve_day_most", 1<<63-1))
		p.MaxReserve = money.Tiyn(d.Uint("policy.reserve_most", 1<<63-1))
		p.ExpiredCash = d.wallet("policy.expired_cash")
	}
	// The other half of the one form: a longer array that says no more than a shorter one is refused.
	if d.Err() == nil && (items == cashItems && !p.Cash() || items == sharesItems && !p.Shares()) {
		d.Fail(Errorf(NotCanonical, "policy", "what a policy does not name is written by leaving it out"))
	}
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
		if t.MaxPayment < 0 || t.MaxDay < 0 || t.MaxBalance < 0 {
			return Errorf(AmountNegative, "policy.tiers", "a limit of tier %q is negative", t.Name)
		}
	}
	if p.MaxReserveDay < 0 || p.MaxReserve < 0 {
		return Errorf(AmountNegative, "policy.reserve_most", "a limit of the reserve is negative")
	}
	// Bounds under which the ledger lives, not advice (R-FORM-POLICY): with fewer than two outputs no payment could
	// give change, with fewer than two inputs none could join tokens, and a re-key delay of 0 would be none.
	for _, bound := range []struct {
		field     string
		value     uint64
		min, most uint64
	}{
		{"policy.least_token", uint64(p.LeastToken), 1, 1_000_000},
		{"policy.most_inputs", uint64(p.MaxInputs), 2, MaxInputs},
		{"policy.most_outputs", uint64(p.MaxOutputs), 2, MaxOutputs},
		{"policy.day_offset_millis", p.DayOffsetMillis, 0, dayMillis},
		{"policy.valid_ahead_millis", p.ValidAheadMillis, 1000, hour},
		{"policy.rekey_delay_millis", p.RekeyDelayMillis, 1000, 30 * dayMillis},
		{"policy.snapshot_every", p.SnapshotEvery, 1, 1 << 40},
		{"policy.definitions_each", uint64(p.DefinitionsEach), 0, MaxShare},
		{"policy.purposes_each", uint64(p.PurposesEach), 0, MaxShare},
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
