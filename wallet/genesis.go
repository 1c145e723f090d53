package wallet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/quorum"
	"github.com/aqsha/aqsha/wallet/signer"
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
	// LogKey is the verifier key of the log's checkpoints where others sign them; empty makes one, whose secret the
	// book keeps.
	LogKey string
}

// PendingGenesis is the keys and the genesis of a network that is not founded yet.
type PendingGenesis struct {
	Genesis ledger.Genesis
	keyring *Keyring
	made    []string // names of keys that were made for it
}

// Genesis makes the keys of a new network in the book, 2 of 3 for each set, and its genesis. Everything that can be
// refused is refused before the first key; keys of the sets that are here already are used. When it fails, it leaves
// no key that it made.
func (b *Keyring) Genesis(n NewNetwork) (*PendingGenesis, error) {
	f := &PendingGenesis{keyring: b}
	secret, err := f.plan(n)
	if err != nil {
		return nil, err
	}
	if b.HasLogKey() {
		return nil, &LogKeyError{filepath.Join(b.dir, LogKeyFile)}
	}
	if err := f.makeKeys(n, secret); err != nil {
		return nil, errors.Join(err, f.Undo())
	}
	return f, nil
}

// LogKeyError is a log's key that is there before its network is founded.
type LogKeyError struct{ Path string }

func (e *LogKeyError) Error() string {
	return fmt.Sprintf("%s is there already, though no network is: if it belongs to a ledger, bring that back (aqsha "+
		"restore); else move it away, or choose another --data", e.Path)
}
func (e *LogKeyError) ErrorCode() string  { return "log-key-exists" }
func (e *LogKeyError) ErrorField() string { return "data" }

// plan fills in the genesis but for the sets' keys, and checks it with keys that nobody will have.
func (f *PendingGenesis) plan(n NewNetwork) (logSecret string, err error) {
	g := ledger.Genesis{Name: n.Name, TimeMillis: n.TimeMillis, DailyCap: n.DailyCap, DelayMillis: n.DelayMillis,
		Rules: ledger.LatestRules}
	if g.Policy, err = DefaultPolicy(n.Day, n.RekeyDelayMillis); err != nil {
		return "", err
	}
	if g.LogKey = n.LogKey; g.LogKey == "" {
		if logSecret, g.LogKey, err = note.GenerateKey(rand.Reader, n.Name); err != nil {
			return "", err
		}
	}
	if _, err := quorum.NewVerifier(g.LogKey); err != nil {
		return "", token.Errorf(token.OutOfRange, "genesis.name", "%q: a network's name has no blanks and no plus",
			n.Name)
	}
	for i := range g.Sets {
		for range 3 {
			key, err := token.GenerateKey(rand.Reader)
			if err != nil {
				return "", err
			}
			g.Sets[i].Keys = append(g.Sets[i].Keys, key.Public())
		}
		g.Sets[i].Threshold = 2
	}
	f.Genesis = g
	return logSecret, g.CheckError()
}

// makeKeys makes the sets' keys, and keeps the log's secret last: with it a network counts as founded here.
func (f *PendingGenesis) makeKeys(n NewNetwork, logSecret string) error {
	for i := range f.Genesis.Sets {
		role := token.RoleRoot + token.Role(i)
		for k := range 3 {
			name := fmt.Sprintf("%s-%d", role, k+1)
			if n.SharedKeys {
				name = fmt.Sprintf("authority-%d", k+1)
			}
			key, err := f.keyring.Key(name)
			if errors.Is(err, fs.ErrNotExist) {
				f.made = append(f.made, name)
				key, err = f.keyring.NewKey(name)
			}
			if err != nil {
				return err
			}
			f.Genesis.Sets[i].Keys[k] = key.Public()
		}
	}
	if logSecret == "" {
		return nil
	}
	return signer.SaveSecret(f.keyring.files, filepath.Join(f.keyring.dir, LogKeyFile), logSecret, f.keyring.passphrase)
}

// Undo removes the keys that were made: the network was not founded. Keys that were there before stay. The log's key is
// removed too.
func (f *PendingGenesis) Undo() error {
	paths := []string{filepath.Join(f.keyring.dir, LogKeyFile)}
	for _, name := range f.made {
		paths = append(paths, f.keyring.path(keysDir, name+keySuffix), f.keyring.path(keysDir, name+pubSuffix))
	}
	var errs []error
	for _, path := range paths {
		if err := f.keyring.files.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	clear(f.keyring.loaded)
	return errors.Join(errs...)
}

// ForgetLogKey removes the log's key of a initialising that a crash interrupted.
func (b *Keyring) ForgetLogKey() error {
	err := durable.Remove(b.files, filepath.Join(b.dir, LogKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// LogSigner opens the log's signing key.
func (b *Keyring) LogSigner() (note.Signer, error) {
	s, _, err := b.LogKey()
	return s, err
}

// LogKey opens the log's key, to sign with, and its public half: by that what this directory's node signed is known
// where the genesis names others, as after a cluster was dissolved.
func (b *Keyring) LogKey() (note.Signer, note.Verifier, error) {
	secret, err := signer.LoadSecret(b.files, filepath.Join(b.dir, LogKeyFile), b.prompt)
	if err != nil {
		return nil, nil, err
	}
	s, v, err := quorum.OpenSecret(secret)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", LogKeyFile, err)
	}
	return s, v, nil
}

// HasLogKey says whether the log's key is here, that is whether a network was founded here.
func (b *Keyring) HasLogKey() bool {
	return there(b.files, filepath.Join(b.dir, LogKeyFile))
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
			TierUnidentified: {Name: "unidentified", MaxPayment: unidentified, MaxDay: unidentified,
				MaxBalance: unidentified, PaymentsPerDay: 50},
			TierPerson: {Name: "person", MaxPayment: 1_000_000 * money.Tenge, MaxDay: 3_000_000 * money.Tenge,
				MaxBalance: 20_000_000 * money.Tenge, PaymentsPerDay: 500},
			TierBusiness: {Name: "business"},
			TierState:    {Name: "state"},
		},
		LeastToken: 1, MaxInputs: 64, MaxOutputs: 64,
		DayOffsetMillis: 5 * 3_600_000, ValidAheadMillis: 3_600_000, RekeyDelayMillis: rekeyDelayMillis,
		SnapshotEvery: 10_000,
	}, nil
}
