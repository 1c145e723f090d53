package pool_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/aqsha/aqsha/pool/sharelog"
)

// An announced fee outlasts restarts, before and after it comes true, until the operator starts the pool with another
// --fee than the one at the announcement.
func TestAnnouncedFeeOutlastsRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := testConfig()
	start := func() *running { return startPool(t, dir, config) }
	p := start()
	at := time.Now().Add(3 * time.Second).UTC()
	if err := p.ChangeFee(5_000, at, time.Now()); err != nil {
		t.Fatal(err)
	}
	p.stop()

	p = start()
	if s := p.Stats(time.Now()); s.Fee == 0.5 && time.Now().Before(at) || s.NextFee == nil && time.Now().Before(at) {
		t.Errorf("before its time: fee %v, next %v", s.Fee, s.NextFee)
	}
	p.stop()
	time.Sleep(time.Until(at)) // the time comes while no pool runs
	for range 2 {
		p = start()
		if s := p.Stats(time.Now()); s.Fee != 0.5 || s.NextFee != nil {
			t.Errorf("after its time: fee %v, next %v", s.Fee, s.NextFee)
		}
		p.stop()
	}
	schemes := 0
	for _, scheme := range schemesIn(t, dir) {
		if scheme.FeePPM == 5_000 {
			schemes++
		}
	}
	if schemes == 0 {
		t.Error("the log does not name the announced fee")
	}

	// A higher --fee than has held needs its notice, over restarts too; a lower one holds at once.
	config.FeePPM = 20_000
	p = start()
	s := p.Stats(time.Now())
	if s.Fee != 0.5 || s.NextFee == nil || *s.NextFee != 2 || time.Until(s.NextFeeAt) < 23*time.Hour {
		t.Errorf("with a higher --fee: fee %v, next %v from %v", s.Fee, s.NextFee, s.NextFeeAt)
	}
	p.stop()
	p = start()
	if again := p.Stats(time.Now()); again.Fee != 0.5 || again.NextFee == nil || !again.NextFeeAt.Equal(s.NextFeeAt) {
		t.Errorf("with it once more: fee %v, next %v from %v", again.Fee, again.NextFee, again.NextFeeAt)
	}
	p.stop()
	config.FeePPM = 15_000 // users know of as much for the same time already
	p = start()
	if less := p.Stats(time.Now()); less.Fee != 0.5 || less.NextFee == nil || *less.NextFee != 1.5 || !less.NextFeeAt.Equal(s.NextFeeAt) {
		t.Errorf("with less than announced: fee %v, next %v from %v", less.Fee, less.NextFee, less.NextFeeAt)
	}
	p.stop()
	config.FeePPM = 4_000
	p = start()
	if s := p.Stats(time.Now()); s.Fee != 0.4 || s.NextFee != nil {
		t.Errorf("with a lower --fee: fee %v, next %v", s.Fee, s.NextFee)
	}
	p.stop()
	if _, err := os.Stat(dir + "/payments.fee"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a dropped announcement is kept: %v", err)
	}
	for _, scheme := range schemesIn(t, dir) {
		if scheme.FeePPM > 10_000 {
			t.Errorf("the log has a fee of %d ppm that nobody was told of a day before", scheme.FeePPM)
		}
	}
}

func schemesIn(t *testing.T, dir string) (schemes []*sharelog.Scheme) {
	t.Helper()
	for _, record := range records(t, dir) {
		if scheme, is := record.(*sharelog.Scheme); is {
			schemes = append(schemes, scheme)
		}
	}
	return schemes
}
