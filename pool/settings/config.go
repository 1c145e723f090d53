// Package settings are a pool's settings, with what firmware takes and ckpool's file as another source of them.
//
// It may import payout and stratum.
package settings

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Masks of version bits that miners may roll.
const (
	MaskBIP320 = stratum.MaskBIP320
	MaskBIP323 = stratum.MaskBIP323 // a draft; by option only
)

// Config are a pool's settings. Start from Defaults.
type Config struct {
	Tag      string // text in the coinbase
	Scheme   string // see payout
	FeePPM   uint64 // operator's fee, parts per million
	Operator string // address of the operator, which also gets what nobody else does
	// PayInCoinbase lays miners' credits into the coinbase; otherwise the operator's address gets
	// the block and pays from its wallet.
	PayInCoinbase bool
	Node          byte   // number of this pool node; two nodes of a pool must differ
	VersionMask   uint32 // bits that miners may roll

	StartDifficulty, MinDifficulty, MaxDifficulty float64
	SharesPerMinute                               float64 // that vardiff aims at

	MaxConnections, MaxPerIP int
	JobInterval              time.Duration // a job at least this often
	MaxTemplateAge           time.Duration // older: the node is frozen, work stops
	Loops                    int           // event loops; 0: one for two processors, at most 4
	// Exempt are addresses that are never banned, nor limited in their number of connections.
	Exempt []netip.Prefix
	// ClassBytes overrides the coinbase size by class of firmware (see Classes).
	ClassBytes map[string]int
}

// Defaults are settings that suit a pool of any size.
func Defaults() Config {
	return Config{
		Tag: "/aqsha/", Scheme: payout.PPLNS, FeePPM: 10_000, VersionMask: MaskBIP320,
		StartDifficulty: 1024, MinDifficulty: 1, MaxDifficulty: 1 << 50, SharesPerMinute: 12,
		MaxConnections: 50_000, MaxPerIP: 20_000, JobInterval: 30 * time.Second, MaxTemplateAge: 90 * time.Second,
	}
}

// ConfigError says which setting is wrong.
type ConfigError struct{ Field, Rule string }

func (e *ConfigError) Error() string      { return fmt.Sprintf("pool setting %s: %s", e.Field, e.Rule) }
func (e *ConfigError) ErrorCode() string  { return "bad-pool-setting" }
func (e *ConfigError) ErrorField() string { return e.Field }

// maxTag leaves room in the 100 bytes of the coinbase's script: height, node's bytes, extranonces.
const maxTag = 40

// Validate checks the settings by themselves.
func (c Config) Validate() error {
	bad := func(field, rule string) error { return &ConfigError{field, rule} }
	if err := payout.CheckScheme(c.Scheme); err != nil {
		return err
	}
	if err := c.checkClasses(); err != nil {
		return err
	}
	switch {
	case len(c.Tag) > maxTag:
		return bad("tag", fmt.Sprintf("longer than %d bytes", maxTag))
	case c.FeePPM > 1_000_000:
		return bad("fee", "more than everything")
	case c.Operator == "":
		return bad("operator", "whose address gets the fee and what nobody else does?")
	// Rolled bits are the hardware's to change: any other bit would alter what the block signals.
	case c.VersionMask&^MaskBIP323 != 0:
		return bad("version_mask", "bits outside BIP 323")
	case !(c.MinDifficulty > 0 && c.StartDifficulty >= c.MinDifficulty && c.MaxDifficulty >= c.StartDifficulty):
		return bad("difficulty", "want 0 < minimum ≤ start ≤ maximum")
	case math.IsInf(c.MaxDifficulty, 0):
		return bad("difficulty", "want a finite maximum")
	case !(c.SharesPerMinute >= 1 && c.SharesPerMinute <= 600):
		return bad("shares_per_minute", "want 1 to 600")
	case c.MaxConnections < 1 || c.MaxPerIP < 1:
		return bad("max_connections", "want at least 1")
	case c.JobInterval < time.Second || c.MaxTemplateAge < 2*time.Second:
		return bad("job_interval", "want at least 1 s, and a template age of at least 2 s")
	// A solo miner is paid by his own block: paid later, the whole of it would be the operator's meanwhile.
	case c.Scheme == payout.SOLO && !c.PayInCoinbase:
		return bad("scheme", "solo pays in the coinbase")
	// Pay per share is due whether or not a block is found, and a coinbase there is only with one.
	case payout.PerShare(c.Scheme) && c.PayInCoinbase:
		return bad("scheme", "pps and fpps are paid from the operator's wallet, not in the coinbase")
	}
	return nil
}

// Port are the settings of one address that miners connect to; rental services and large machines
// want another start than a hobbyist's.
type Port struct{ StartDifficulty, MinDifficulty, MaxDifficulty float64 }

// Port is what an address has of the pool's own settings.
func (c Config) Port() Port { return Port{c.StartDifficulty, c.MinDifficulty, c.MaxDifficulty} }

// Validate checks a port's settings.
func (p Port) Validate() error {
	if !(p.MinDifficulty > 0 && p.StartDifficulty >= p.MinDifficulty && p.MaxDifficulty >= p.StartDifficulty) {
		return &ConfigError{"listen", fmt.Sprintf("difficulties %g, %g, %g: want 0 < minimum ≤ start ≤ maximum",
			p.MinDifficulty, p.StartDifficulty, p.MaxDifficulty)}
	}
	return nil
}
