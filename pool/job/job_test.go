package job

import (
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
)

// On test networks a block 20 minutes after its parent may have the least difficulty: the job's
// times keep to the side of that edge that its target is on.
func TestEasyTimes(t *testing.T) {
	const tip, limit, full = 1_800_000_000, 0x1d00ffff, 0x1b00ffff
	for _, tc := range []struct {
		network     string
		bits, now   uint32
		least, most uint32
	}{
		{"testnet4", full, tip + 60, 0, tip + 1200}, {"testnet4", full, tip + 1200, 0, tip + 1200},
		{"testnet4", limit, tip + 1201, tip + 1201, 0}, {"testnet4", limit, tip + 60, 0, 0},
		{"mainnet", full, tip + 5000, 0, 0}, {"signet", full, tip + 5000, 0, 0}, {"regtest", limit, tip + 5000, 0, 0},
	} {
		network, err := bitcoin.FindNetwork(tc.network)
		if err != nil {
			t.Fatal(err)
		}
		if least, most := EasyTimes(network, tc.bits, tc.now, tip); least != tc.least || most != tc.most {
			t.Errorf("%s, bits %08x, %d s after: %d to %d, want %d to %d", tc.network, tc.bits, tc.now-tip, least, most, tc.least, tc.most)
		}
	}
}

func TestPeriodEdges(t *testing.T) {
	for _, tc := range []struct{ height, parent, start, want uint32 }{
		{2016, 10_000, 0, 9_400}, {2016, 100, 0, 0}, {2015, 10_000, 7_000, 7_000}, {2017, 10_000, 7_000, 0}, {4031, 5, 6, 6},
	} {
		if got := EdgeMinTime(tc.height, tc.parent, tc.start); got != tc.want {
			t.Errorf("height %d: %d, want %d", tc.height, got, tc.want)
		}
	}
}
