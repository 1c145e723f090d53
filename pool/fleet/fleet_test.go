package fleet_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/fleet"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/txlog"
)

// devicesIn is how many devices a test has: AQSHA_FLEET in the long run.
func devicesIn(t *testing.T, short int) int {
	t.Helper()
	text := os.Getenv("AQSHA_FLEET")
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// user is a regtest address of its own for every seventh device, so that some share one.
func user(network bitcoin.Network, i int) string {
	script := append([]byte{0x00, 0x14}, make([]byte, 20)...)
	script[2], script[3] = byte(i/7), byte(i/7>>8)
	return network.AddressOf(script)
}

// Whatever the firmware and however fast the network: no block is lost, no share is refused whose
// device did nothing wrong, and what is credited is what was hashed.
func TestFleet(t *testing.T) {
	for _, tc := range []struct {
		blocks, length time.Duration
	}{{500 * time.Millisecond, 30 * time.Second}, {10 * time.Second, 4 * time.Minute}, {10 * time.Minute, 8 * time.Minute}, {time.Hour, 10 * time.Minute}} {
		t.Run(tc.blocks.String(), func(t *testing.T) {
			network, err := bitcoin.FindNetwork("regtest")
			if err != nil {
				t.Fatal(err)
			}
			log, err := txlog.Open(t.TempDir(), txlog.Options{Origin: "fleet.test", SegmentBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			config := settings.Defaults()
			config.Operator, config.Loops = user(network, 0), 1
			const rate = 200.0
			config.StartDifficulty = rate * 5 * 65535 / (1 << 48)
			config.MinDifficulty = config.StartDifficulty / 1e6
			p, err := pool.Open(context.Background(), config, pool.Options{Network: network, Log: log})
			if err != nil {
				t.Fatal(err)
			}
			kernel := sha256d.Fastest()
			result, err := fleet.Simulate(p, fleet.Options{
				Seed: 7, Devices: devicesIn(t, 50), Blocks: tc.blocks, Length: tc.length, Start: time.Unix(1_800_000_000, 0), Rate: rate,
				User: func(i int) string { return user(network, i) }, Kernel: kernel,
			})
			if err != nil {
				t.Fatal(err)
			}
			for name, model := range result.Models {
				t.Logf("%-16s %+v", name, *model)
			}
			ratio := result.CreditedOverHashed()
			t.Logf("%d shares, %d hashes, credited over hashed %.4f, %d solutions, %d blocks, refused %v", result.Found, result.Hashes, ratio, result.Solutions, result.Blocks, result.Refused)
			if len(result.Refused) > 0 || result.Unsaid > 0 || result.Accepted != result.Found {
				t.Errorf("%d of %d shares accepted, %d without an answer, refused %v", result.Accepted, result.Found, result.Unsaid, result.Refused)
			}
			if result.Lost > 0 || result.Blocks == 0 {
				t.Errorf("%d blocks lost, %d sent", result.Lost, result.Blocks)
			}
			// Shares come as a Poisson process: five deviations of it, or a hundredth.
			if within := max(0.01, 5/math.Sqrt(float64(result.Found))); math.Abs(ratio-1) > within {
				t.Errorf("credited over hashed: %.4f, want 1 ± %.4f", ratio, within)
			}
		})
	}
}

// The same seed gives the same run.
func TestSameSeedSameRun(t *testing.T) {
	var first string
	for run := range 2 {
		network, _ := bitcoin.FindNetwork("regtest")
		log, err := txlog.Open(t.TempDir(), txlog.Options{Origin: "fleet.test", SegmentBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		config := settings.Defaults()
		config.Operator, config.Loops, config.StartDifficulty, config.MinDifficulty = user(network, 0), 1, 1e-7, 1e-12
		p, err := pool.Open(context.Background(), config, pool.Options{Network: network, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		result, err := fleet.Simulate(p, fleet.Options{Seed: 3, Devices: 20, Blocks: 5 * time.Second, Length: time.Minute, Start: time.Unix(1_800_000_000, 0), Rate: 200,
			User: func(i int) string { return user(network, i) }})
		if err != nil {
			t.Fatal(err)
		}
		result.Models = nil
		if said := fmt.Sprintf("%+v", *result); run == 0 {
			first = said
		} else if said != first {
			t.Errorf("%s\nbefore: %s", said, first)
		}
		log.Close()
	}
}
