package daily

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/oldnames"
	"github.com/aqsha/aqsha/txlog/seal"
)

// SealFormat names the log entry. Months sealed in the first format are checked against what they were made of: JSON
// whose keys were spelled otherwise, in the entry and in the accounts that are hashed.
const (
	SealFormat  = "aqsha-farm-seal/2"
	firstFormat = "aqsha-farm-seal/1"
)

// Seal is a month in a log: what it comes to, and the hash of every machine's exact account, so that
// whoever has the samples can derive it again.
type Seal struct {
	Format       string            `json:"format"`
	Farm         string            `json:"farm"`
	Month        string            `json:"month"`
	Zone         string            `json:"zone"`
	Machines     int               `json:"machines"`
	Simulated    int               `json:"simulated"`
	Nameplate    farm.Total        `json:"nameplate_hashes"`
	Accepted     farm.Total        `json:"accepted_hashes"`
	MicroSatoshi farm.MicroSatoshi `json:"accepted_micro_satoshi"`
	Lost         farm.MicroSatoshi `json:"lost_micro_satoshi"`
	Account      string            `json:"account_sha256"`
}

// SealMonth derives a month's seal. The month must be over and settled: two days have passed since, so
// that nothing which still comes can change it.
func SealMonth(ctx context.Context, b *records.Records, month string, progress func(done, all int)) (Seal, error) {
	return sealMonth(ctx, b, month, SealFormat, progress)
}

// sealMonth sums a month up and hashes it, once no poll can come that changes it: a machine's answer covers the longest
// gap before it, so the month is open until that long after its end.
func sealMonth(ctx context.Context, b *records.Records, month, format string,
	progress func(done, all int)) (Seal, error) {
	from, to, err := b.Config.Month(month)
	if err != nil {
		return Seal{}, err
	}
	// To the end of its last day in UTC, by which sums are kept, and a longest gap further.
	if end := (to - 1).Floor(usage.Day) + usage.Day + usage.LongestGap; b.Store.Newest() < end {
		return Seal{}, farm.Refuse("month-open", "month",
			"%s can be sealed once polls after %s are there: until then late answers change it", month,
			end.Time().In(b.Config.Location()).Format("2006-01-02 15:04"))
	}
	a, err := b.Account(ctx, "*", from, to, progress)
	if err != nil {
		return Seal{}, err
	}
	lost, err := lostOf(&a.Whole)
	if err != nil {
		return Seal{}, err
	}
	s := Seal{Format: format, Farm: b.Config.Name, Month: month, Zone: b.Config.Zone, Machines: len(a.Machines),
		Nameplate: a.Whole.Nameplate(), Accepted: a.Whole.Work[usage.Accepted],
		// Satoshi and work alone: what power costs is no part of what is sealed.
		MicroSatoshi: a.Whole.Value[usage.Accepted].MicroSatoshi, Lost: lost.MicroSatoshi}
	for i := range b.Fleet.Machines {
		if m := &b.Fleet.Machines[i]; m.Simulated && a.Machines[m.ID] != nil {
			s.Simulated++
		}
	}
	s.Account, err = accountHash(a, format)
	return s, err
}

// accountHash is the SHA-256 of each machine's totals, in the order of identities, a JSON line each.
func accountHash(a *records.Account, format string) (string, error) {
	identities := make([]string, 0, len(a.Machines))
	for identity := range a.Machines {
		identities = append(identities, identity)
	}
	slices.Sort(identities)
	hash := sha256.New()
	for _, identity := range identities {
		line, err := json.Marshal(struct {
			Machine string
			Totals  *usage.Totals
		}{identity, a.Machines[identity]})
		if err != nil {
			return "", err
		}
		if format == firstFormat {
			line = oldnames.Write(line)
		}
		hash.Write(append(line, '\n'))
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// Append puts the seal into a log, once: a month that is there is not sealed again, and one that has come to something
// else since is refused.
func (s Seal) Append(dir string, log seal.Log) (index uint64, checkpoint []byte, err error) {
	var beyond *seal.NotUnder
	for ; ; index++ {
		entry, err := log.Read(dir, index)
		if errors.As(err, &beyond) {
			break
		}
		if err != nil {
			return 0, nil, err
		}
		var other Seal
		if json.Unmarshal(oldnames.Read(entry), &other) != nil || other.Farm != s.Farm || other.Month != s.Month {
			continue
		}
		if s.Format = other.Format; s != other {
			return 0, nil, farm.Refuse("month-sealed", "month",
				"%s is sealed as entry %d, and its account is another now",
				s.Month, index)
		}
		checkpoint, err = log.Checkpoint(dir)
		return index, checkpoint, err
	}
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
	if err := json.Unmarshal(oldnames.Read(entry), &s); err != nil || s.Format != SealFormat &&
		s.Format != firstFormat {
		return s, farm.Refuse("seal", "index", "entry %d is not a farm's month", index)
	}
	return s, nil
}

// Verified is what checking a seal has shown.
type Verified struct {
	Seal
	// PolledDays are days of which the polls are still there: their sums were derived again from them.
	PolledDays int `json:"days_derived_from_polls"`
	SummedDays int `json:"days_from_sums"`
}

// Rederive derives the month again from a farm's folder and refuses when anything differs. Days whose
// polls are still kept are derived from these; older ones from their sums.
func (s Seal) Rederive(ctx context.Context, b *records.Records, progress func(done, all int)) (Verified, error) {
	v := Verified{Seal: s}
	if b.Config.Zone != s.Zone {
		return v, farm.Refuse("seal-differs", "zone", "the farm's zone is %s, sealed was %s", b.Config.Zone, s.Zone)
	}
	from, to, err := b.Config.Month(s.Month)
	if err != nil {
		return v, err
	}
	if v.PolledDays, v.SummedDays, err = b.CheckSums(ctx, from, to); err != nil {
		return v, err
	}
	again, err := sealMonth(ctx, b, s.Month, s.Format, progress)
	if err != nil {
		return v, err
	}
	again.Farm = s.Farm // a name may change
	if again != s {
		return v, farm.Refuse("seal-differs", "account",
			"re-derived: %d machines, %v accepted hashes, account %s; sealed: %d, %v, %s", again.Machines,
			again.Accepted, again.Account, s.Machines, s.Accepted, s.Account)
	}
	return v, nil
}

// String says in a line what was sealed.
func (s Seal) String() string {
	return fmt.Sprintf("%s, %d machines (%d simulated), accepted %s, lost %s, account %s", s.Month, s.Machines,
		s.Simulated, s.MicroSatoshi.Satoshi().Format(), s.Lost.Satoshi().Format(), s.Account)
}
