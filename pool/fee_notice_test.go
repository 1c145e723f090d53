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

	config.FeePPM = 20_000
	p = start()
	if s := p.Stats(time.Now()); s.Fee != 2 || s.NextFee != nil {
		t.Errorf("with a newer --fee: fee %v, next %v", s.Fee, s.NextFee)
	}
	p.stop()
	if _, err := os.Stat(dir + "/payments.fee"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a dropped announcement is kept: %v", err)
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
