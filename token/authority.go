package token

import "github.com/aqsha/aqsha/money"

// MaxName is the most bytes of a name: of a network, an intermediary, a tier.
const MaxName = 64

// Admit registers an intermediary with its key set and its treasury's key. The policy set signs;
// every key proves possession. The intermediary's id is also its treasury wallet's.
type Admit struct {
	Sequence uint64    `json:"sequence"` // of the policy set
	Name     string    `json:"name"`
	Keys     KeySet    `json:"keys"`
	Treasury PublicKey `json:"treasury"`
}

func (*Admit) Kind() Kind  { return KindAdmit }
func (*Admit) fields() int { return 4 }

func (t *Admit) appendFields(b []byte) []byte {
	b = AppendUint(b, t.Sequence)
	b = AppendText(b, t.Name)
	b = AppendKeySet(b, t.Keys)
	return appendKey(b, t.Treasury)
}

func (t *Admit) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Name = d.Text("name", 1, MaxName)
	t.Keys = d.KeySet("keys")
	t.Treasury = d.key("treasury")
}

func (t *Admit) check() *Error {
	if err := checkName("name", t.Name); err != nil {
		return err
	}
	if err := t.Keys.Check("keys"); err != nil {
		return err
	}
	return t.Treasury.check("treasury")
}

// checkName bounds a name's bytes; that it is text the decoder has seen.
func checkName(field, name string) *Error {
	if len(name) == 0 || len(name) > MaxName {
		return Errorf(OutOfRange, field, "%d bytes, want 1 to %d", len(name), MaxName)
	}
	return nil
}

// Suspend stops an intermediary (its registrations and its treasury), or reinstates it.
// Its customers' wallets go on working.
type Suspend struct {
	Sequence     uint64   `json:"sequence"` // of the policy set
	Intermediary WalletID `json:"intermediary"`
	Suspended    bool     `json:"suspended"`
}

func (*Suspend) Kind() Kind  { return KindSuspend }
func (*Suspend) fields() int { return 3 }

func (t *Suspend) appendFields(b []byte) []byte {
	b = AppendBytes(AppendUint(b, t.Sequence), t.Intermediary[:])
	return AppendBool(b, t.Suspended)
}

func (t *Suspend) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Intermediary = d.wallet("intermediary")
	t.Suspended = d.Bool("suspended")
}

func (*Suspend) check() *Error { return nil }

// MaxMoved is the most wallets one transaction moves.
const MaxMoved = 1024

// Move hands wallets of a suspended intermediary to another, which signs too.
type Move struct {
	Sequence uint64     `json:"sequence"` // of the policy set
	From     WalletID   `json:"from"`
	To       WalletID   `json:"to"`
	Wallets  []WalletID `json:"wallets"`
}

func (*Move) Kind() Kind  { return KindMove }
func (*Move) fields() int { return 4 }

func (t *Move) appendFields(b []byte) []byte {
	b = AppendUint(b, t.Sequence)
	b = AppendBytes(b, t.From[:])
	b = AppendBytes(b, t.To[:])
	return appendWallets(b, t.Wallets)
}

func (t *Move) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.From = d.wallet("from")
	t.To = d.wallet("to")
	t.Wallets = d.wallets("wallets", 1, MaxMoved)
}

func (t *Move) check() *Error {
	if err := counts("wallets", len(t.Wallets), MaxMoved); err != nil {
		return err
	}
	if t.From == t.To {
		return Errorf(Repeated, "to", "from and to are the same")
	}
	return distinct("wallets", t.Wallets)
}

// RenewIntermediary gives an intermediary a new key set. The policy set signs; the keys prove possession.
type RenewIntermediary struct {
	Sequence     uint64   `json:"sequence"` // of the policy set
	Intermediary WalletID `json:"intermediary"`
	Keys         KeySet   `json:"keys"`
}

func (*RenewIntermediary) Kind() Kind  { return KindNewIntermediary }
func (*RenewIntermediary) fields() int { return 3 }

func (t *RenewIntermediary) appendFields(b []byte) []byte {
	b = AppendBytes(AppendUint(b, t.Sequence), t.Intermediary[:])
	return AppendKeySet(b, t.Keys)
}

func (t *RenewIntermediary) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Intermediary = d.wallet("intermediary")
	t.Keys = d.KeySet("keys")
}

func (t *RenewIntermediary) check() *Error { return t.Keys.Check("keys") }

// Propose announces a change of a key set, of the daily issuing cap, of the delay itself, of the version of the rules,
// or of what in the policy protects somebody. It takes effect after the delay unless root vetoes it. A change of keys
// is signed by the set that changes, or by root; a change of cap, delay or policy by the policy set, of the rules by
// root. New keys prove possession.
type Propose struct {
	By       Role   `json:"by"` // whose sequence is named and who signs
	Sequence uint64 `json:"sequence"`
	Change   Change `json:"change"`
}

// Change is exactly one of its parts: Keys for Set, DailyCap, DelayMillis, Rules from Height on, or Policy.
type Change struct {
	Set         Role       `json:"set,omitempty"`
	Keys        *KeySet    `json:"keys,omitempty"`
	DailyCap    money.Tiyn `json:"daily_cap,omitempty"`
	DelayMillis uint64     `json:"delay_millis,omitempty"`
	// version that blocks follow from Height on, or from the block after the delay
	Rules  uint32  `json:"rules,omitempty"`
	Height uint64  `json:"height,omitempty"` // of a block
	Policy *Policy `json:"policy,omitempty"` // as a whole, for what a SetPolicy may not change at once
}

// MaxHeight is beyond every block.
const MaxHeight = 1 << 53

// MinDelayMillis and MaxDelayMillis bound the delay of changes: a minute to 90 days.
const (
	MinDelayMillis = 60_000
	MaxDelayMillis = 90 * 86_400_000
)

const (
	// What a change is, as it is encoded.
	changeKeys   = 1
	changeCap    = 2
	changeDelay  = 3
	changeRules  = 4
	changePolicy = 5
)

func (*Propose) Kind() Kind  { return KindPropose }
func (*Propose) fields() int { return 3 }

func (t *Propose) appendFields(b []byte) []byte {
	b = AppendUint(b, uint64(t.By))
	b = AppendUint(b, t.Sequence)
	return AppendChange(b, t.Change)
}

// AppendChange encodes a change; snapshots use it too.
func AppendChange(b []byte, c Change) []byte {
	b = AppendArray(b, 3)
	switch {
	case c.Keys != nil:
		b = AppendUint(AppendUint(b, changeKeys), uint64(c.Set))
		return AppendKeySet(b, *c.Keys)
	case c.DailyCap != 0:
		b = AppendUint(AppendUint(b, changeCap), 0)
		return AppendUint(b, uint64(c.DailyCap))
	case c.Rules != 0:
		return AppendUint(AppendUint(AppendUint(b, changeRules), uint64(c.Rules)), c.Height)
	case c.Policy != nil:
		return AppendPolicy(AppendUint(AppendUint(b, changePolicy), 0), *c.Policy)
	}
	b = AppendUint(AppendUint(b, changeDelay), 0)
	return AppendUint(b, c.DelayMillis)
}

func (t *Propose) decodeFields(d *Decoder) {
	t.By = d.role("by")
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Change = d.Change()
}

// Change reads what AppendChange wrote.
func (d *Decoder) Change() (c Change) {
	d.Array("change", 3, 3)
	kind := d.Uint("change.kind", changePolicy)
	if kind == changeRules {
		c.Rules, c.Height = uint32(d.Uint("change.rules", 1<<32-1)), d.Uint("change.height", MaxHeight)
		if d.err == nil && c.Rules == 0 {
			d.err = Errorf(OutOfRange, "change.rules", "versions are counted from 1")
		}
		return c
	}
	set := d.Uint("change.set", uint64(RoleEnforcement))
	switch {
	case kind == changeKeys:
		c.Set = Role(set)
		keys := d.KeySet("change.keys")
		c.Keys = &keys
		return c
	case kind == changeCap:
		c.DailyCap = d.amount("change.daily_cap")
	case kind == changePolicy:
		policy := d.Policy()
		c.Policy = &policy
	default:
		c.DelayMillis = d.Uint("change.delay_millis", MaxDelayMillis)
	}
	// The set is written as 0 where it says nothing: one change has one encoding, and so one transaction id.
	if d.err == nil && (kind == 0 || set != 0) {
		d.err = Errorf(NotCanonical, "change", "kind %d for set %d", kind, set)
	}
	return c
}

// check: which set may propose what, and that a change is of one thing only, since it takes effect and is vetoed
// whole.
func (t *Propose) check() *Error {
	c := t.Change
	switch {
	case c.Keys != nil:
		if c.Set < RoleRoot || c.Set > RoleEnforcement || c.DailyCap != 0 || c.DelayMillis != 0 || c.Rules != 0 ||
			c.Policy != nil {
			return Errorf(OutOfRange, "change.set", "want one of root, issue, policy, enforcement and nothing else")
		}
		// Root stands over the sets and replaces one that is lost; no other set reaches into a neighbour's keys.
		if t.By != c.Set && t.By != RoleRoot {
			return Errorf(OutOfRange, "by", "keys are changed by their own set or by root")
		}
		return c.Keys.Check("change.keys")
	case c.Rules != 0:
		if t.By != RoleRoot || c.Set != 0 || c.DailyCap != 0 || c.DelayMillis != 0 || c.Policy != nil {
			return Errorf(OutOfRange, "by", "the version of the rules is changed by root, and nothing else with it")
		}
		if c.Height == 0 || c.Height > MaxHeight {
			return Errorf(OutOfRange, "change.height", "%d, want 1 to %d", c.Height, uint64(MaxHeight))
		}
		return nil
	case t.By != RolePolicy:
		return Errorf(OutOfRange, "by", "cap, delay and policy are changed by policy")
	case c.Policy != nil:
		if c.Set != 0 || c.Height != 0 || c.DailyCap != 0 || c.DelayMillis != 0 {
			return Errorf(OutOfRange, "change", "a policy and nothing else")
		}
		return c.Policy.Check()
	// What is changed is told by which field is not zero (AppendChange): one that names two would be encoded as one
	// of them, and the other be lost.
	case c.Set != 0 || c.Height != 0 || (c.DailyCap != 0) == (c.DelayMillis != 0):
		return Errorf(OutOfRange, "change", "want exactly one of keys, daily cap, delay")
	case c.DailyCap < 0:
		return Errorf(AmountNegative, "change.daily_cap", "a cap is positive")
	case c.DelayMillis != 0 && (c.DelayMillis < MinDelayMillis || c.DelayMillis > MaxDelayMillis):
		return Errorf(OutOfRange, "change.delay_millis", "want %d to %d", MinDelayMillis, MaxDelayMillis)
	}
	return nil
}

// Veto stops a proposal that waits, signed by root.
type Veto struct {
	Sequence uint64        `json:"sequence"` // of root
	Proposal TransactionID `json:"proposal"`
}

func (*Veto) Kind() Kind  { return KindVeto }
func (*Veto) fields() int { return 2 }

func (t *Veto) appendFields(b []byte) []byte {
	return AppendBytes(AppendUint(b, t.Sequence), t.Proposal[:])
}

func (t *Veto) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	d.Fixed("proposal", t.Proposal[:])
}

func (*Veto) check() *Error { return nil }
