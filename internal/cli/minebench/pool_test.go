package minebench

import (
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
)

// The template that a measured pool works on is one that a node could have given: a chain would take its difficulty and its time.
func TestTheBenchsTemplate(t *testing.T) {
	template := benchTemplate()
	target, err := bitcoin.TargetOfBits(template.Bits)
	if err != nil || template.CoinbaseValue <= 0 || template.Height == 0 {
		t.Fatalf("%+v, %v", template, err)
	}
	if template.Target != target {
		t.Errorf("target %v of bits %x, want %v", template.Target, template.Bits, target)
	}
}

// A modelled fleet's work is credited nearly whole: nothing of it is lost between blocks.
func TestAFleetIsCredited(t *testing.T) {
	if testing.Short() {
		t.Skip("forty minutes in virtual time")
	}
	began := time.Now()
	got, err := creditedOverHashed(t.TempDir())
	if err != nil || got < 0.9 || got > 1.1 {
		t.Errorf("%.3f of the work is credited, %v", got, err)
	}
	t.Logf("%.4f in %s", got, time.Since(began).Round(time.Millisecond))
}
