package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Genesis founds a network: it is part of the log's first leaf, whose hash is the network's id.
type Genesis struct {
	Name        string          `json:"name"` // the network's, and the origin of its log's checkpoints
	TimeMillis  uint64          `json:"time_millis"`
	Sets        [4]token.KeySet `json:"sets"` // root, issue, policy, enforcement
	Policy      token.Policy    `json:"policy"`
	DailyCap    money.Tiyn      `json:"daily_cap"`
	DelayMillis uint64          `json:"delay_millis"`
	LogKey      string          `json:"log_key"` // verifier key of the checkpoints' signatures (C2SP signed note)
	Rules       uint32          `json:"rules"`   // version with which the network begins; of the leaf, like the time
}

const maxLogKey = 256

// appendGenesis encodes what a genesis leaf says beyond any other leaf.
func appendGenesis(b []byte, g Genesis) []byte {
	b = token.AppendArray(b, 6)
	b = token.AppendText(b, g.Name)
	b = token.AppendArray(b, len(g.Sets))
	for _, s := range g.Sets {
		b = token.AppendKeySet(b, s)
	}
	b = token.AppendPolicy(b, g.Policy)
	b = token.AppendUint(b, uint64(g.DailyCap))
	b = token.AppendUint(b, g.DelayMillis)
	return token.AppendText(b, g.LogKey)
}

// decodeGenesis reads what appendGenesis writes; whether its sets and policy hold is CheckError's to say.
func decodeGenesis(d *token.Decoder) (g Genesis) {
	d.Array("genesis", 6, 6)
	g.Name = d.Text("genesis.name", 1, token.MaxName)
	d.Array("genesis.sets", len(g.Sets), len(g.Sets))
	for i := range g.Sets {
		g.Sets[i] = d.KeySet("genesis.sets")
	}
	g.Policy = d.Policy()
	g.DailyCap = money.Tiyn(d.Uint("genesis.daily_cap", 1<<63-1))
	g.DelayMillis = d.Uint("genesis.delay_millis", token.MaxDelayMillis)
	g.LogKey = d.Text("genesis.log_key", 1, maxLogKey)
	return g
}

// Check says whether a network can start from this genesis.
func (g Genesis) Check() *token.Error {
	if err := CheckKnown(g.Rules, 0); err != nil {
		return err
	}
	if len(g.Name) == 0 || len(g.Name) > token.MaxName {
		return refuse(token.OutOfRange, "genesis.name", "%d bytes, want 1 to %d", len(g.Name), token.MaxName)
	}
	for i, s := range g.Sets {
		if err := s.Check("genesis.sets." + (token.RoleRoot + token.Role(i)).String()); err != nil {
			return err
		}
	}
	if g.DailyCap <= 0 {
		return refuse(token.AmountZero, "genesis.daily_cap", "the daily cap is positive")
	}
	if g.DelayMillis < token.MinDelayMillis || g.DelayMillis > token.MaxDelayMillis {
		return refuse(token.OutOfRange, "genesis.delay_millis", "%d, want %d to %d", g.DelayMillis,
			token.MinDelayMillis, token.MaxDelayMillis)
	}
	// The log's key is part of genesis and so of the network's id: whoever holds the id can check checkpoints without
	// asking anybody whose key it is.
	if len(g.LogKey) == 0 || len(g.LogKey) > maxLogKey {
		return refuse(token.OutOfRange, "genesis.log_key", "%d bytes, want 1 to %d", len(g.LogKey), maxLogKey)
	}
	// A genesis that says what its own rules version does not know would begin a log that readers of that version
	// cannot judge.
	if err := sharesKnown(g.Rules, "genesis.policy", &g.Policy); err != nil {
		return err
	}
	if err := cashKnown(g.Rules, "genesis.policy", &g.Policy); err != nil {
		return err
	}
	return g.Policy.Check()
}

// SingleLogKey is the log's key where it is a single Ed25519 key, as purses check revocation lists with it; false for a
// quorum's.
func (g *Genesis) SingleLogKey() (key token.PublicKey, single bool) { return SingleKey(g.LogKey) }

// SingleKey is the Ed25519 key of a verifier key's text (golang.org/x/mod/sumdb/note); false for any other kind.
func SingleKey(text string) (key token.PublicKey, single bool) {
	// name+hash+base64 of algorithm and key: a name holds no plus sign, base64 may.
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return key, false
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != len(key) || token.Algorithm(raw[0]) != token.Ed25519 {
		return key, false
	}
	return token.PublicKey(raw), true
}

// Leaf is the first entry of the network's log.
func (g Genesis) Leaf() Leaf {
	return Leaf{TimeMillis: g.TimeMillis, Rules: g.Rules, Genesis: &g}
}

// Network is the id of the network that this genesis founds.
func (g Genesis) Network() token.NetworkID { return NetworkOf(g.Leaf().Encode()) }

// NetworkOf is the RFC 6962 leaf hash of a log's first entry.
func NetworkOf(firstEntry []byte) token.NetworkID {
	return sha256.Sum256(append([]byte{0}, firstEntry...))
}

// ApplyGenesis puts a genesis into an empty state. Sequences begin with 1, so that 0 names none.
func ApplyGenesis(state State, g Genesis) {
	a := state.Authority()
	*a = Authority{Policy: g.Policy, DailyCap: g.DailyCap, DelayMillis: g.DelayMillis, Rules: g.Rules}
	for i, s := range g.Sets {
		a.Sets[i] = Set{KeySet: s, SinceMillis: g.TimeMillis, Sequence: 1}
	}
}

// CheckError is Check as an error.
func (g Genesis) CheckError() error {
	if err := g.Check(); err != nil {
		return err
	}
	return nil
}
