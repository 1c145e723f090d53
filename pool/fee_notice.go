package pool

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// feeChange is a fee that will hold.
type feeChange struct {
	ppm uint64
	at  time.Time
}

// leastNotice is how long before it holds a higher fee is announced.
const leastNotice = 24 * time.Hour

// ChangeFee announces another fee of the operator's from a time on: at least a day ahead where it rises. It is in
// /v1/pool at once and in the log when it holds; shares before it keep theirs. A later announcement takes the place of
// one that waits. A refusal is a *settings.ConfigError.
func (p *Pool) ChangeFee(ppm uint64, at, now time.Time) error {
	switch {
	case ppm > 1_000_000:
		return &settings.ConfigError{Field: "fee", Rule: "more than everything"}
	case ppm > p.feePPM.Load() && at.Sub(now) < leastNotice:
		return &settings.ConfigError{Field: "fee", Rule: "a higher fee is announced at least 24 h before"}
	case at.Before(now.Add(-clockLeeway)):
		return &settings.ConfigError{Field: "at", Rule: "is past; a fee that is not higher holds at once without it"}
	}
	if err := p.announceFee(ppm, at); err != nil {
		return err
	}
	if !now.Before(at) {
		p.applyFee(now)
	}
	return nil
}

// clockLeeway is how far behind the pool's clock that of who says "now" may be.
const clockLeeway = time.Minute

// announceFee keeps an announcement and shows it, in this order: a crash forgets none that anybody has seen.
func (p *Pool) announceFee(ppm uint64, at time.Time) error {
	if err := p.keepFee(&announcedFee{PPM: ppm, At: at.UTC(), Configured: p.config.FeePPM}); err != nil {
		return fmt.Errorf("fee: the announcement cannot be kept: %w", err)
	}
	p.nextFee.Store(&feeChange{ppm, at})
	return nil
}

// announcedFee is an announcement as it is kept beside the payments, so that no restart forgets it. It stays when it
// has come true: the pool is started with the old --fee until somebody changes the command.
type announcedFee struct {
	PPM        uint64    `json:"ppm"`
	At         time.Time `json:"at"`
	Configured uint64    `json:"configured_ppm"` // the fee of --fee when it was announced
}

// keepFee makes an announced fee durable: one that miners were told of is not forgotten by a restart.
func (p *Pool) keepFee(a *announcedFee) error {
	if p.feeFile == "" {
		return nil // a pool in memory
	}
	encoded, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, p.feeFile, append(encoded, '\n'))
}

// maxFeeFile bounds the announcement's file.
const maxFeeFile = 1024

// restoreFee finds the fee that holds from this start on. What held is in the log; an announcement is taken up again,
// and one whose time has come meanwhile holds. A --fee that differs from the one at the announcement is newer than it
// and has the last word, but it gives the same notice as any: a higher one than holds, or was announced, is announced
// now and holds a day later.
func (p *Pool) restoreFee(now time.Time) error {
	kept, err := p.keptFee()
	if err != nil {
		return err
	}
	held, known := p.accounts.LoggedFee()
	if !known {
		held = p.config.FeePPM // nobody has mined here yet
	}
	switch {
	case kept != nil && kept.Configured == p.config.FeePPM && now.Before(kept.At):
		p.nextFee.Store(&feeChange{kept.PPM, kept.At})
		p.feePPM.Store(held)
		return nil
	case kept != nil && kept.Configured == p.config.FeePPM:
		p.feePPM.Store(kept.PPM)
		return nil
	}
	at := now.Add(leastNotice)
	if kept != nil {
		p.logger.Warn("the announced fee is dropped: the pool was started with another --fee since", "announced_ppm",
			kept.PPM, "ppm", p.config.FeePPM)
		if err := os.Remove(p.feeFile); err != nil {
			return err
		}
		if p.config.FeePPM <= kept.PPM && kept.At.Before(at) {
			at = kept.At // users know of as much
		}
	}
	if p.config.FeePPM <= held || !now.Before(at) {
		p.feePPM.Store(p.config.FeePPM)
		return nil
	}
	p.feePPM.Store(held)
	p.logger.Warn("a higher fee needs a day's notice: it is announced, the old one holds until then",
		"ppm", held, "next_ppm", p.config.FeePPM, "from", at.UTC())
	return p.announceFee(p.config.FeePPM, at)
}

// keptFee is the announcement that is kept, if there is one.
func (p *Pool) keptFee() (*announcedFee, error) {
	if p.feeFile == "" {
		return nil, nil
	}
	raw, err := durable.Read(vfs.OS, p.feeFile, maxFeeFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var kept announcedFee
	if err == nil {
		err = json.Unmarshal(raw, &kept)
	}
	if err != nil || kept.PPM > 1_000_000 {
		return nil, fmt.Errorf("%s: no announcement of a fee (%w); announce it again and remove the file", p.feeFile,
			err)
	}
	return &kept, nil
}

// applyFee makes an announced fee hold when its time has come. A crash before the record is durable costs nothing: the
// next start finds the announcement, whose time has come, and names the fee in the log before anybody connects (begin).
func (p *Pool) applyFee(now time.Time) {
	next := p.nextFee.Load()
	if next == nil || now.Before(next.at) || !p.nextFee.CompareAndSwap(next, nil) {
		return
	}
	p.accounts.ChangeTerms(func() { // a coinbase that is laid out with the old fee is logged before the new one
		p.feePPM.Store(next.ppm)
		p.writer.Record(p.schemeRecord())
	})
	p.logger.Info("fee changed", "ppm", next.ppm)
}

// settings are the configuration with the fee that holds now.
func (p *Pool) settings() settings.Config {
	c := p.config
	c.FeePPM = p.feePPM.Load()
	return c
}
