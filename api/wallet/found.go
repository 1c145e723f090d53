package wallet

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/signer"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
)

// LogKeyFile holds the log's signing key in a book's folder.
const LogKeyFile = "keys/log.secret"

// NewNetwork says how to found a network.
type NewNetwork struct {
	Name                          string
	TimeMillis                    uint64
	Day                           params.Date // whose limits apply
	SharedKeys                    bool        // one set of three keys for all four roles: for demonstrations
	DailyCap                      money.Tiyn
	DelayMillis, RekeyDelayMillis uint64
}

// Genesis makes the keys of a new network in the book, 2 of 3 for each set, and its genesis.
func (b *Book) Genesis(n NewNetwork) (ledger.Genesis, error) {
	g := ledger.Genesis{Name: n.Name, TimeMillis: n.TimeMillis, DailyCap: n.DailyCap, DelayMillis: n.DelayMillis, Rules: ledger.LatestRules}
	var err error
	if g.Policy, err = DefaultPolicy(n.Day, n.RekeyDelayMillis); err != nil {
		return g, err
	}
	for i := range g.Sets {
		role := token.RoleRoot + token.Role(i)
		set := token.KeySet{Threshold: 2}
		for k := 1; k <= 3; k++ {
			name := fmt.Sprintf("%s-%d", role, k)
			if n.SharedKeys {
				name = fmt.Sprintf("authority-%d", k)
			}
			key, err := b.Key(name)
			if err != nil {
				if key, err = b.NewKey(name); err != nil {
					return g, err
				}
			}
			set.Keys = append(set.Keys, key.Public())
		}
		g.Sets[i] = set
	}
	secret, verifier, err := note.GenerateKey(rand.Reader, n.Name)
	if err != nil {
		return g, err
	}
	g.LogKey = verifier
	if err := signer.SaveSecret(filepath.Join(b.dir, LogKeyFile), secret, b.passphrase); err != nil {
		return g, err
	}
	return g, g.CheckError()
}

// LogSigner opens the log's signing key.
func (b *Book) LogSigner() (note.Signer, error) {
	secret, err := signer.LoadSecret(filepath.Join(b.dir, LogKeyFile), b.ask)
	if err != nil {
		return nil, err
	}
	return note.NewSigner(secret)
}

// HasLogKey says whether the log's key is here, that is whether a network was founded here.
func (b *Book) HasLogKey() bool {
	_, err := os.Stat(filepath.Join(b.dir, LogKeyFile))
	return err == nil
}

// Tiers of the default policy, by index.
const (
	TierUnidentified = 0 // the law's limit for unidentified electronic money
	TierPerson       = 1
	TierBusiness     = 2
	TierState        = 3 // treasury, courts
)

// DefaultPolicy is the policy of a new network, with the limits in force on a day.
func DefaultPolicy(day params.Date, rekeyDelayMillis uint64) (token.Policy, error) {
	index, err := params.MonthlyCalculationIndex.At(day)
	if err != nil {
		return token.Policy{}, err
	}
	multiple, err := params.UnidentifiedMultiple.At(day)
	if err != nil {
		return token.Policy{}, err
	}
	unidentified, err := money.Mul(index.Value, multiple.Value)
	if err != nil {
		return token.Policy{}, err
	}
	return token.Policy{
		Tiers: []token.Tier{
			TierUnidentified: {Name: "unidentified", PaymentMost: unidentified, DayMost: unidentified, BalanceMost: unidentified, PaymentsPerDay: 50},
			TierPerson:       {Name: "person", PaymentMost: 1_000_000 * money.Tenge, DayMost: 3_000_000 * money.Tenge, BalanceMost: 20_000_000 * money.Tenge, PaymentsPerDay: 500},
			TierBusiness:     {Name: "business"},
			TierState:        {Name: "state"},
		},
		LeastToken: 1, MostInputs: 64, MostOutputs: 64,
		DayOffsetMillis: 5 * 3_600_000, ValidAheadMillis: 3_600_000, RekeyDelayMillis: rekeyDelayMillis, SnapshotEvery: 10_000,
	}, nil
}
