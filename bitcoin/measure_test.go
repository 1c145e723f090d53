package bitcoin_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
)

// What two nodes of different make measure of their chains is what the blocks
// themselves say, each fetched whole and reckoned anew.
func TestMeasureIsWhatTheBlocksSay(t *testing.T) {
	for _, program := range []string{"core", "btcd"} {
		t.Run(program, func(t *testing.T) {
			var client *bitcoin.Client
			if program == "core" {
				client = testnode.Core(t)
			} else {
				client = testnode.BTCD(t).Client
			}
			ctx := context.Background()
			_, script := keyAddress(t)
			if _, err := client.MineBlocks(ctx, 20, script); err != nil {
				t.Fatal(err)
			}
			m, err := client.Measure(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if m.Network != "regtest" || m.Height != 20 || m.Blocks != 19 || m.Sampled != 12 || m.Peers != 0 {
				t.Errorf("%+v", m)
			}
			at := func(height int) bitcoin.Hash {
				hash, err := client.HashAt(ctx, height)
				if err != nil {
					t.Fatal(err)
				}
				return hash
			}
			first, _ := client.HeaderOf(ctx, at(1))
			last, _ := client.HeaderOf(ctx, at(20))
			if want := last.At().Sub(first.At()).Seconds() / 19; math.Abs(m.BlockSeconds-want) > 1e-9 {
				t.Errorf("%g s a block, want %g", m.BlockSeconds, want)
			}
			block, err := client.RawBlock(ctx, at(20))
			if err != nil {
				t.Fatal(err)
			}
			// Blocks of one coinbase each, alike but for the bytes of the height.
			weight := float64(3*block.SerializeSizeStripped() + block.SerializeSize())
			if got := m.Full * 4e6; math.Abs(got-weight) > 8 {
				t.Errorf("a mean of %g weight units, the last block has %g", got, weight)
			}
			if m.BlockSeconds > 0 && math.Abs(m.PerSecond*m.BlockSeconds-1) > 1e-9 {
				t.Errorf("%g transactions a second at %g s a block of one", m.PerSecond, m.BlockSeconds)
			}
			if program == "core" && m.Known == nil {
				t.Error("Core did not tell which nodes it knows")
			}
		})
	}
}

func TestNothingIsMeasuredOfTwoBlocks(t *testing.T) {
	client := testnode.Core(t)
	_, script := keyAddress(t)
	if _, err := client.MineBlocks(context.Background(), 1, script); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Measure(context.Background()); err == nil || !strings.Contains(err.Error(), "too few") {
		t.Error(err)
	}
}
