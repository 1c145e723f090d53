package txlog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

func TestVerifyFindsEveryKindOfRot(t *testing.T) {
	build := func() (*disk.Disk, *txlog.Log) {
		d := disk.New(1)
		l := open(t, onDisk(t, d))
		grow(t, l, 70000, 500)
		must(l.Publish())
		return d, l
	}
	d, l := build()
	last := uint64(0)
	ok(t, l.Verify(context.Background(), func(n uint64) { last = n }))
	if last != 70000 {
		t.Errorf("progress ended at %d", last)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Verify(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for file, offset := range map[string]int64{
		firstSegment:        5000,
		"log/tiles/level-0": 32 * 31234,
		"log/tiles/level-1": 32 * 77,
		"log/tiles/level-2": 3,
	} {
		d.Rot(file, offset, 4)
		var damage *txlog.DamageError
		if err := l.Verify(context.Background(), nil); !errors.As(err, &damage) || damage.File != file {
			t.Errorf("rot in %s: %v", file, err)
		}
		d.Rot(file, offset, 4)
	}
	ok(t, l.Verify(context.Background(), nil))
}

// TestRottenTileMakesNoProof: neither a proof nor a served tile comes from a tile
// that does not lead to the hash above it.
func TestRottenTileMakesNoProof(t *testing.T) {
	d := disk.New(1)
	l := open(t, onDisk(t, d))
	grow(t, l, 70000, 500)
	d.Rot("log/tiles/level-0", 32*1000+5, 1)
	d.Rot("log/tiles/level-1", 32*100+5, 1)
	var damage *txlog.DamageError
	if _, err := l.InclusionProof(1001, 70000); !errors.As(err, &damage) || damage.File != "log/tiles/level-1" {
		t.Errorf("proof over a rotten upper tile: %v", err)
	}
	d.Rot("log/tiles/level-1", 32*100+5, 1)
	if _, err := l.InclusionProof(1001, 70000); !errors.As(err, &damage) || damage.File != "log/tiles/level-0" || damage.Offset != 3*8192 {
		t.Errorf("proof over a rotten tile: %v", err)
	}
	if _, err := l.ReadTile(txlog.Tile{Level: 0, Index: 3, Width: 10}); !errors.As(err, &damage) {
		t.Errorf("serving a rotten tile: %v", err)
	}
	must(l.InclusionProof(60000, 70000))
	// Taking the tiles away heals it, as the error says.
	ok(t, l.Close())
	for _, name := range must(d.FS().List("log/tiles")) {
		ok(t, d.FS().Remove("log/tiles/"+name))
	}
	l = open(t, onDisk(t, d))
	must(l.InclusionProof(1001, 70000))
	if !l.Recovery().TilesRebuilt {
		t.Error("tiles were not rebuilt")
	}
}

// TestLyingSyncIsFoundOut: a disk that lost acknowledged entries behind a published
// checkpoint is refused whenever it did.
func TestLyingSyncIsFoundOut(t *testing.T) {
	found := 0
	for seed := range uint64(40) {
		d := disk.New(seed)
		l := open(t, onDisk(t, d))
		grow(t, l, 50, 5)
		d.Lie(true)
		grow(t, l, 60, 5)
		d.Lie(false)
		must(l.Publish())
		d.Restart()
		l, err := txlog.Open("log", onDisk(t, d))
		var damage *txlog.DamageError
		var behind *txlog.BehindError
		switch {
		case err == nil:
			expectEntries(t, l, 60)
			ok(t, l.Close())
		case errors.As(err, &damage), errors.As(err, &behind):
			found++
		default:
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	if found == 0 || found == 40 {
		t.Errorf("refused %d of 40", found)
	}
}
