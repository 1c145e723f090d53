package morning

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/book"
	"github.com/aqsha/aqsha/farm/use"
	"github.com/aqsha/aqsha/txlog/seal"
)

// SealFormat names the log entry.
const SealFormat = "aqsha-farm-seal/1"

// Seal is a month in a log: what it comes to, and the hash of every machine's exact account, so that
// whoever has the samples can derive it again.
type Seal struct {
	Format       string            `json:"format"`
	Farm         string            `json:"farm"`
	Month        string            `json:"month"`
	Zone         string            `json:"zone"`
	Machines     int               `json:"machines"`
	Simulated    int               `json:"simulated"`
	Nameplate    farm.Total        `json:"nameplateHashes"`
	Accepted     farm.Total        `json:"acceptedHashes"`
	MicroSatoshi farm.MicroSatoshi `json:"acceptedMicroSatoshi"`
	Lost         farm.MicroSatoshi `json:"lostMicroSatoshi"`
	Account      string            `json:"accountSha256"`
}

// SealMonth derives a month's seal. The month must be over and settled: two days have passed since, so
// that nothing which still comes can change it.
func SealMonth(ctx context.Context, b *book.Book, month string, progress func(done, all int)) (Seal, error) {
	from, to, err := b.Config.Month(month)
	if err != nil {
		return Seal{}, err
	}
	if end := (to - 1).Floor(use.Day) + use.Day + use.LongestGap; b.Store.Newest() < end {
		return Seal{}, farm.Refuse("month_open", "month", "%s can be sealed once polls after %s are there: until then late answers change it", month, end.Time().In(b.Config.Location()).Format("2006-01-02 15:04"))
	}
	a, err := b.Account(ctx, "*", from, to, progress)
	if err != nil {
		return Seal{}, err
	}
	lost, err := lostOf(&a.Whole)
	if err != nil {
		return Seal{}, err
	}
	s := Seal{Format: SealFormat, Farm: b.Config.Name, Month: month, Zone: b.Config.Zone, Machines: len(a.Machines), Nameplate: a.Whole.Nameplate(), Accepted: a.Whole.Work[use.Accepted], MicroSatoshi: a.Whole.Value[use.Accepted].MicroSatoshi, Lost: lost.MicroSatoshi}
	for i := range b.Fleet.Machines {
		if m := &b.Fleet.Machines[i]; m.Simulated && a.Machines[m.ID] != nil {
			s.Simulated++
		}
	}
	s.Account, err = accountHash(a)
	return s, err
}

// accountHash is the SHA-256 of each machine's totals, in the order of identities, a JSON line each.
func accountHash(a *book.Account) (string, error) {
	identities := make([]string, 0, len(a.Machines))
	for identity := range a.Machines {
		identities = append(identities, identity)
	}
	slices.Sort(identities)
	hash := sha256.New()
	for _, identity := range identities {
		line, err := json.Marshal(struct {
			Machine string
			Totals  *use.Totals
		}{identity, a.Machines[identity]})
		if err != nil {
			return "", err
		}
		hash.Write(append(line, '\n'))
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// Append puts the seal into a log.
func (s Seal) Append(dir string, log seal.Log) (index uint64, checkpoint []byte, err error) {
	entry, err := json.Marshal(s)
	if err != nil {
		return 0, nil, err
	}
	return log.Append(dir, entry)
}

// ReadSeal takes a seal from a log, which is checked.
func ReadSeal(dir string, index uint64, log seal.Log) (s Seal, err error) {
	entry, err := log.Read(dir, index)
	var beyond *seal.NotUnder
	if errors.As(err, &beyond) {
		return s, farm.Refuse("seal", "index", "%v", err)
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(entry, &s); err != nil || s.Format != SealFormat {
		return s, farm.Refuse("seal", "index", "entry %d is not a farm's month", index)
	}
	return s, nil
}

// Verified is what checking a seal has shown.
type Verified struct {
	Seal
	// PolledDays are days of which the polls are still there: their sums were derived again from them.
	PolledDays int `json:"daysDerivedFromPolls"`
	SummedDays int `json:"daysFromSums"`
}

// Rederive derives the month again from a farm's folder and refuses when anything differs. Days whose
// polls are still kept are derived from these; older ones from their sums.
func (s Seal) Rederive(ctx context.Context, b *book.Book, progress func(done, all int)) (Verified, error) {
	v := Verified{Seal: s}
	if b.Config.Zone != s.Zone {
		return v, farm.Refuse("seal_differs", "zone", "the farm's zone is %s, sealed was %s", b.Config.Zone, s.Zone)
	}
	from, to, err := b.Config.Month(s.Month)
	if err != nil {
		return v, err
	}
	if v.PolledDays, v.SummedDays, err = b.CheckSums(ctx, from, to); err != nil {
		return v, err
	}
	again, err := SealMonth(ctx, b, s.Month, progress)
	if err != nil {
		return v, err
	}
	again.Farm = s.Farm // a name may change
	if again != s {
		return v, farm.Refuse("seal_differs", "account", "re-derived: %d machines, %v accepted hashes, account %s; sealed: %d, %v, %s", again.Machines, again.Accepted, again.Account, s.Machines, s.Accepted, s.Account)
	}
	return v, nil
}

// String says in a line what was sealed.
func (s Seal) String() string {
	return fmt.Sprintf("%s, %d machines (%d simulated), accepted %s, lost %s, account %s", s.Month, s.Machines, s.Simulated, s.MicroSatoshi.Satoshi().Format(), s.Lost.Satoshi().Format(), s.Account)
}
