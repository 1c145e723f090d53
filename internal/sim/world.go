// Package sim makes seeded worlds for tests, benchmarks and dry runs: keys, a genesis, and
// transactions signed by whoever must. The same seed gives the same world.
package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// StartMillis is when a world begins: 2026-01-01 00:00 UTC.
const StartMillis = 1_767_225_600_000

// World is a network's keys and its genesis. Several goroutines may make keys and sign with it; the genesis and what
// follows from it is set before they begin.
type World struct {
	Sets      [4][]token.PrivateKey // root, issue, policy, enforcement; three each
	Genesis   ledger.Genesis
	Network   token.NetworkID
	LogSigner note.Signer
	seed      uint64
	mu        sync.Mutex
	ring      map[token.PublicKey]token.PrivateKey // of all keys made so far; guarded by mu
	named     map[string]token.PrivateKey          // the same by name; guarded by mu
}

// NewWorld makes a network of 2-of-3 sets with three tiers: limited, normal, unlimited. It follows the newest rules.
func NewWorld(seed uint64) *World { return NewWorldUnder(ledger.LatestRules, seed) }

// NewWorldUnder is NewWorld under a version of the rules.
func NewWorldUnder(rules uint32, seed uint64) *World {
	w := &World{seed: seed, ring: map[token.PublicKey]token.PrivateKey{}, named: map[string]token.PrivateKey{}}
	name := "sim.aqsha"
	skey, vkey, err := note.GenerateKey(&stream{seed: seed}, name)
	if err != nil {
		panic(err)
	}
	if w.LogSigner, err = note.NewSigner(skey); err != nil {
		panic(err)
	}
	w.Genesis = ledger.Genesis{Name: name, TimeMillis: StartMillis, Policy: Policy(),
		DailyCap: 1_000_000_000 * money.Tenge, DelayMillis: 86_400_000, LogKey: vkey, Rules: rules}
	for role := range w.Sets {
		set := token.KeySet{Threshold: 2}
		for i := range 3 {
			key := w.Key(fmt.Sprintf("set %d key %d", role, i))
			w.Sets[role] = append(w.Sets[role], key)
			set.Keys = append(set.Keys, key.Public())
		}
		w.Genesis.Sets[role] = set
	}
	w.Network = w.Genesis.Network()
	return w
}

// Refound recomputes the network's id after the genesis was changed. What was signed before is of another network.
func (w *World) Refound() { w.Network = w.Genesis.Network() }

// Policy is the worlds' policy.
func Policy() token.Policy {
	return token.Policy{
		Tiers: []token.Tier{
			{Name: "limited", MaxPayment: 12_975 * money.Tenge, MaxDay: 12_975 * money.Tenge,
				MaxBalance: 12_975 * money.Tenge, PaymentsPerDay: 20},
			{Name: "normal", MaxPayment: 500_000 * money.Tenge, MaxDay: 1_000_000 * money.Tenge,
				MaxBalance: 5_000_000 * money.Tenge, PaymentsPerDay: 200},
			{Name: "unlimited"},
		},
		LeastToken: 1, MaxInputs: 64, MaxOutputs: 64,
		DayOffsetMillis: 5 * 3_600_000, ValidAheadMillis: 3_600_000, RekeyDelayMillis: 86_400_000, SnapshotEvery: 1000,
	}
}

// stream is deterministic bytes from a seed; never for keys of value.
type stream struct{ seed, n uint64 }

// Read gives one byte of a hash for each byte, so that the stream does not depend on how it is cut into reads.
func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		block := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s.seed), s.n))
		s.n++
		p[i] = block[0]
	}
	return len(p), nil
}

// Key makes the key that has a name in this world.
func (w *World) Key(name string) token.PrivateKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, known := w.named[name]
	if !known {
		key = token.NewPrivateKey(sha256.Sum256(fmt.Appendf(nil, "world %d key %s", w.seed, name)))
		w.ring[key.Public()], w.named[name] = key, key
	}
	return key
}

// Rand is a source of the world's chance, one for each use.
func (w *World) Rand(use uint64) *rand.Rand { return rand.New(rand.NewPCG(w.seed, use)) }

// Signature asks for one signature on a transaction.
type Signature struct {
	Role  token.Role
	Index int
	Key   token.PrivateKey
}

// By lists signatures of the first n keys of a set of the authority; the sets take two.
func (w *World) By(role token.Role, n int) (s []Signature) {
	for i := range n {
		s = append(s, Signature{role, i, w.Sets[role-token.RoleRoot][i]})
	}
	return s
}

// One is a single signature.
func One(role token.Role, index int, key token.PrivateKey) []Signature {
	return []Signature{{role, index, key}}
}

// Sign makes a transaction that is valid until a time (ms) and signs it. A body that no transaction can have is the
// test's mistake, and panics.
func (w *World) Sign(body token.Body, validUntil uint64, groups ...[]Signature) *token.Transaction {
	tx, err := token.New(body, validUntil)
	if err != nil {
		panic(fmt.Sprintf("sim: %v", err))
	}
	for _, group := range groups {
		for _, s := range group {
			if err := tx.SignAs(w.Network, s.Role, s.Index, s.Key); err != nil {
				panic(err)
			}
		}
	}
	// Through the bytes, as a node receives it.
	decoded, err := token.Decode(tx.Encode())
	if err != nil {
		panic(fmt.Sprintf("sim: %v", err))
	}
	return decoded
}

// Admit admits a bank whose one key and treasury key are the named keys "NAME" and "NAME treasury".
func (w *World) Admit(name string, sequence, validUntil uint64) (*token.Transaction, token.WalletID) {
	key, treasury := w.Key(name), w.Key(name+" treasury")
	body := &token.Admit{Sequence: sequence, Name: name,
		Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{key.Public()}}, Treasury: treasury.Public()}
	tx := w.Sign(body, validUntil, w.By(token.RolePolicy, 2), One(token.RolePossession, 0, key),
		One(token.RolePossession, 1, treasury))
	return tx, token.RegisteredID(tx.ID())
}

// Register registers a wallet with a bank; its key is the one of that name.
func (w *World) Register(bank string, bankID token.WalletID, sequence uint64, wallet string, tier uint8,
	validUntil uint64) (*token.Transaction, token.WalletID) {
	key := w.Key(wallet)
	body := &token.Register{Registrar: bankID, Sequence: sequence, Key: key.Public(), Tier: tier}
	tx := w.Sign(body, validUntil, One(token.RoleIntermediary, 0, w.Key(bank)), One(token.RolePossession, 0, key))
	return tx, token.RegisteredID(tx.ID())
}

// Issue issues amounts to a bank's treasury.
func (w *World) Issue(sequence uint64, to token.WalletID, validUntil uint64, amounts ...money.Tiyn) *token.Transaction {
	return w.Sign(&token.Issue{Sequence: sequence, To: to, Amounts: amounts}, validUntil, w.By(token.RoleIssue, 2))
}

// Pay is a transfer with one payer: to the payee, and the rest back. Total is what the inputs are worth, in tiyn,
// which the rules compare with what they find.
func (w *World) Pay(from token.WalletID, key token.PrivateKey, to token.WalletID, amount money.Tiyn, inputs []token.ID,
	total money.Tiyn, validUntil uint64) *token.Transaction {
	body := &token.Transfer{Parties: []token.WalletID{from, to}, Payers: 1, Inputs: inputs,
		Outputs: []token.Output{{Party: 1, Amount: amount}}}
	if total > amount {
		body.Outputs = append(body.Outputs, token.Output{Party: 0, Amount: total - amount})
	}
	return w.Sign(body, validUntil, One(token.RoleWallet, 0, key))
}

// Private is the private key of a public one of this world.
func (w *World) Private(public token.PublicKey) (token.PrivateKey, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, ok := w.ring[public]
	return key, ok
}
