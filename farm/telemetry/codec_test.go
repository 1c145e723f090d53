package telemetry

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/usage"
)

func TestColumnsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		values := make([]int64, n)
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		base, step := rapid.Int64().Draw(t, "base"), rapid.Int64Range(-1000, 1000).Draw(t, "step")
		for i := range values {
			switch kind {
			case 0:
				values[i] = base
			case 1:
				values[i] = base + step*int64(i)
			case 2:
				values[i] = base + step*int64(i) + rapid.Int64Range(-50, 50).Draw(t, "noise")*1000
			case 3:
				values[i] = rapid.SampledFrom([]int64{0, 0, 0, 0, 7, -1, math.MinInt64, math.MaxInt64}).Draw(t, "rare")
			case 4:
				values[i] = rapid.Int64().Draw(t, "any")
			default:
				values[i] = step * int64(i) * int64(i)
			}
		}
		packed := packColumn([]byte{0xaa}, values, &packer{})
		if packed[0] != 0xaa {
			t.Fatal("what was there is gone")
		}
		got := make([]int64, n)
		rest, err := unpackColumn(append(packed[1:], 1, 2, 3), got)
		if err != nil || !slices.Equal(got, values) || len(rest) != 3 {
			t.Fatalf("%v came back as %v, %v, %d bytes left", values, got, err, len(rest))
		}
	})
}

func TestConstantsCostNothing(t *testing.T) {
	values := make([]int64, 288)
	if got := len(packColumn(nil, values, &packer{})); got != 2 {
		t.Errorf("288 zeros take %d bytes, want 2", got)
	}
	for i := range values {
		values[i] = 1_000_000 + 300*int64(i)
	}
	if got := len(packColumn(nil, values, &packer{})); got > 8 {
		t.Errorf("a straight line takes %d bytes", got)
	}
}

func drawPoll(t *rapid.T, at usage.Instant) usage.Poll {
	count := func(name string) int64 { return rapid.Int64Range(-1, 1<<50).Draw(t, name) }
	return usage.Poll{At: at, Elapsed: rapid.Int64Range(-1, 1<<32).Draw(t, "elapsed"), RateMHs: count("rate"), NameplateMHs: rapid.Int64Range(0, 1<<30).Draw(t, "nameplate"), TotalMH: count("total"), AcceptedMH: count("accepted"),
		RejectedMH: count("rejected"), HardwareErrors: count("errors"), ChipTemp: rapid.Int64Range(-1, 200).Draw(t, "chip"), SlowestFan: rapid.Int64Range(-1, 9000).Draw(t, "fan"), Watts: rapid.Int64Range(-1, 9000).Draw(t, "watts"),
		Source: usage.PowerSource(rapid.IntRange(0, 2).Draw(t, "source")), NominalWatts: 3250, Boards: rapid.Int64Range(-1, 4).Draw(t, "boards"), BoardsDue: 3, CapPermille: rapid.Int64Range(0, 1000).Draw(t, "cap"),
		PoolAlive: rapid.Bool().Draw(t, "alive"), PoolWrong: rapid.Bool().Draw(t, "wrong"), Throttled: rapid.Bool().Draw(t, "hot"), Sleeping: rapid.Bool().Draw(t, "asleep")}
}

// A quantised poll is what comes back, and quantising it again changes nothing.
func TestPollsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []row
		var want []usage.Poll
		for i := range rapid.IntRange(1, 30).Draw(t, "n") {
			p := Quantise(drawPoll(t, usage.Instant(1e10+300*i)))
			if again := Quantise(p); again != p {
				t.Fatalf("%+v quantised again is %+v", p, again)
			}
			want, rows = append(want, p), append(rows, rowOf(p))
		}
		back, err := unpackRows(packRows(rows, &packer{}), len(rows))
		if err != nil {
			t.Fatal(err)
		}
		var before row
		for i := range back {
			if got := back[i].poll(); got != want[i] {
				t.Fatalf("got  %+v\nwant %+v", got, want[i])
			}
			r, rest, err := takeRow(appendRow(nil, &rows[i], &before), &before)
			if err != nil || len(rest) != 0 || r != rows[i] {
				t.Fatalf("a row came back as %v, %v", r, err)
			}
			before = r
		}
	})
}

func TestCellsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := usage.Instant(20_000) * usage.Day
		cells := usage.NewCells(day, day+usage.Day, usage.Grid).Cells
		for i := range rapid.IntRange(0, 40).Draw(t, "n") {
			c := &cells[i*7]
			c.Time[usage.Running] = 3000
			c.Work[usage.Accepted] = farm.Hashes(rapid.Int64().Draw(t, "accepted"))
			c.Work[usage.CauseLuck] = farm.Hashes(rapid.Int64Range(-1e16, 1e16).Draw(t, "luck"))
			c.Gain[usage.CauseBoards] = farm.Hashes(rapid.Int64Range(0, 1e16).Draw(t, "gain"))
			c.Energy[1], c.NormEnergy, c.Estimated = 975_000, rapid.Int64().Draw(t, "norm"), 300
		}
		back, err := unpackCells(packCells(nil, cells, &packer{}), day)
		if err != nil || !slices.Equal(back, cells) {
			t.Fatalf("%v", err)
		}
	})
}

func FuzzUnpackRows(f *testing.F) {
	rows := []row{rowOf(usage.Poll{At: 1e10, TotalMH: 5}), rowOf(usage.Poll{At: 1e10 + 300, TotalMH: 900})}
	f.Add(packRows(rows, &packer{}), 2)
	f.Add(packCells(nil, usage.NewCells(0, usage.Day, usage.Grid).Cells, &packer{}), 0)
	f.Fuzz(func(t *testing.T, packed []byte, n int) {
		if rows, err := unpackRows(packed, n); err == nil && len(rows) != n {
			t.Fatalf("%d rows of %d", len(rows), n)
		}
		if cells, err := unpackCells(packed, 0); err == nil && len(cells) != cellsADay {
			t.Fatalf("%d cells", len(cells))
		}
	})
}
