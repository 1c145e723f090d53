package params

import (
	"bytes"
	_ "embed" // the catalogue
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// MiningMachine is a model's nameplate as its maker states it, ±5 %.
type MiningMachine struct {
	Name      string
	Maker     string
	RateGHs   int64 // nominal hash rate, 10^9 hashes a second
	Watts     int64 // at the wall, at that rate
	MilliJTH  int64 // energy efficiency, mJ per 10^12 hashes, as printed
	Boards    int   // hash boards in one machine; 0: not known
	HeatLimit int64 // chip temperature in °C from which the firmware slows down; 0: not known
	Chips     int   // on one board; 0: not known
	Fans      int   // 0: none, as in liquids, or not known
}

// HashesPerSecond is the nominal rate.
func (m MiningMachine) HashesPerSecond() int64 { return m.RateGHs * 1_000_000_000 }

const (
	bitmain  = "Bitmain"
	microBT  = "MicroBT"
	canaan   = "Canaan"
	makersPg = "makers' product pages, as collected in 2026"
)

// MiningMachines are the models that samples and plans begin with; Catalogue has these and all others.
// Rates are of the common version of each model; a machine's own ideal rate goes before it.
var MiningMachines = []Fact[MiningMachine]{
	{"2016-06-01", MiningMachine{"Antminer S9", bitmain, 13_500, 1323, 98_000, 3, 115, 0, 0}, makersPg},
	{"2019-04-01", MiningMachine{"Antminer S17 Pro", bitmain, 50_000, 1975, 40_000, 3, 95, 0, 0}, makersPg},
	{"2020-05-01", MiningMachine{"Antminer S19", bitmain, 95_000, 3250, 34_000, 3, 90, 0, 0}, makersPg},
	{"2020-05-01", MiningMachine{"Antminer S19 Pro", bitmain, 110_000, 3250, 29_500, 3, 90, 0, 0}, makersPg},
	{"2020-06-01", MiningMachine{"Antminer T19", bitmain, 84_000, 3150, 37_500, 3, 90, 0, 0}, makersPg},
	{"2021-06-01", MiningMachine{"Antminer S19j Pro", bitmain, 104_000, 3068, 29_500, 3, 90, 0, 0}, makersPg},
	{"2022-07-01", MiningMachine{"Antminer S19 XP", bitmain, 140_000, 3010, 21_500, 3, 90, 0, 0}, makersPg},
	{"2023-02-01", MiningMachine{"Antminer S19k Pro", bitmain, 120_000, 2760, 23_000, 3, 90, 0, 0}, makersPg},
	{"2023-12-01", MiningMachine{"Antminer S21", bitmain, 200_000, 3500, 17_500, 3, 90, 0, 0}, makersPg},
	{"2024-01-01", MiningMachine{"Antminer T21", bitmain, 190_000, 3610, 19_000, 3, 90, 0, 0}, makersPg},
	{"2024-07-01", MiningMachine{"Antminer S21 Pro", bitmain, 234_000, 3510, 15_000, 3, 90, 0, 0}, makersPg},
	{"2024-10-01", MiningMachine{"Antminer S21 XP", bitmain, 270_000, 3645, 13_500, 3, 90, 0, 0}, makersPg},
	{"2024-10-01", MiningMachine{"Antminer S21 XP Hyd", bitmain, 473_000, 5676, 12_000, 3, 90, 0, 0}, makersPg},
	{"2025-02-01", MiningMachine{"Antminer S21+", bitmain, 216_000, 3564, 16_500, 3, 90, 0, 0}, makersPg},
	{"2020-04-01", MiningMachine{"Whatsminer M30S", microBT, 86_000, 3268, 38_000, 3, 95, 0, 0}, makersPg},
	{"2020-10-01", MiningMachine{"Whatsminer M30S++", microBT, 112_000, 3472, 31_000, 3, 95, 0, 0}, makersPg},
	{"2022-04-01", MiningMachine{"Whatsminer M50", microBT, 114_000, 3306, 29_000, 3, 95, 0, 0}, makersPg},
	{"2022-07-01", MiningMachine{"Whatsminer M50S", microBT, 126_000, 3276, 26_000, 3, 95, 0, 0}, makersPg},
	{"2023-10-01", MiningMachine{"Whatsminer M60", microBT, 172_000, 3422, 19_900, 3, 95, 0, 0}, makersPg},
	{"2023-10-01", MiningMachine{"Whatsminer M60S", microBT, 186_000, 3441, 18_500, 3, 95, 0, 0}, makersPg},
	{"2023-10-01", MiningMachine{"Whatsminer M63S", microBT, 390_000, 7215, 18_500, 4, 95, 0, 0}, makersPg},
	{"2023-10-01", MiningMachine{"Whatsminer M66S", microBT, 298_000, 5513, 18_500, 4, 95, 0, 0}, makersPg},
	{"2022-10-01", MiningMachine{"Avalon A1366", canaan, 130_000, 3250, 25_000, 3, 95, 0, 0}, makersPg},
	{"2024-09-01", MiningMachine{"Avalon A1566", canaan, 185_000, 3420, 18_500, 3, 95, 0, 0}, makersPg},
}

//go:embed machines.csv
var machinesCSV []byte

// Catalogue is every model that is known: MiningMachines first, then the others of machines.csv by maker
// and date. machines.csv also gives chips and fans.
var Catalogue = sync.OnceValue(func() []Fact[MiningMachine] {
	rows, err := csv.NewReader(bytes.NewReader(machinesCSV)).ReadAll()
	if err != nil {
		panic(err) // the file is part of the program and read by a test
	}
	all := slices.Clone(MiningMachines)
	for _, row := range rows[1:] {
		number := func(column int) int64 {
			n, err := strconv.ParseInt(row[column], 10, 64)
			if err != nil {
				panic(row[1] + ": " + err.Error())
			}
			return n
		}
		m := MiningMachine{row[1], row[2], number(3), number(4), number(5), int(number(6)), number(9), int(number(7)),
			int(number(8))}
		if at := slices.IndexFunc(all, func(f Fact[MiningMachine]) bool { return f.Value.Name == m.Name }); at >= 0 {
			all[at].Value.Chips, all[at].Value.Fans = m.Chips, m.Fans
			continue
		}
		all = append(all, Fact[MiningMachine]{Date(row[0]), m, makersPg})
	}
	return all
})

// NearestMiningMachine is the model whose name is the longest beginning of an unknown one's: "Antminer
// S19j Pro-A" is near "Antminer S19j Pro". It is a guess, for what needs one, such as a load to stagger.
func NearestMiningMachine(model string) (Fact[MiningMachine], bool) {
	wanted := normalModel(model)
	best := -1
	for i, name := range catalogueNames() {
		if strings.Contains(wanted, name) && (best < 0 || len(name) > len(catalogueNames()[best])) {
			best = i
		}
	}
	if best < 0 {
		return Fact[MiningMachine]{}, false
	}
	return Catalogue()[best], true
}

// FindMiningMachine finds the model that a machine reports of itself: "Antminer S19 Pro",
// "s19pro", "M30S++_VH40". Of several that fit, the longest name is meant.
func FindMiningMachine(model string) (Fact[MiningMachine], bool) {
	found, known := foundModels.Load(model)
	if !known {
		found = findModel(model)
		if len(model) <= maxModelKept {
			if modelsKept.Add(1) > maxModelsKept { // strangers' names must not keep the farm's own out for good
				foundModels.Clear()
				modelsKept.Store(1)
			}
			foundModels.Store(model, found)
		}
	}
	if found.(int) < 0 {
		return Fact[MiningMachine]{}, false
	}
	return Catalogue()[found.(int)], true
}

// foundModels are places in the catalogue by what machines called themselves: a farm asks a few times a poll, always
// for the same few names. Names come from outside: when there are too many, all are forgotten, and looked up anew.
var (
	foundModels sync.Map
	modelsKept  atomic.Int64
)

const (
	maxModelsKept = 4096
	maxModelKept  = 256 // characters
)

// findModel is the place of a model in the catalogue, or −1.
func findModel(model string) int {
	wanted := normalModel(model)
	best := -1
	for i, name := range catalogueNames() {
		at := strings.Index(wanted, name)
		if at >= 0 && endsModel(wanted[at+len(name):]) && (best < 0 || len(name) > len(catalogueNames()[best])) {
			best = i
		}
	}
	return best
}

// catalogueNames are the models' names without their makers, as normalModel writes them.
var catalogueNames = sync.OnceValue(func() (names []string) {
	for _, fact := range Catalogue() {
		_, short, _ := strings.Cut(fact.Value.Name, " ")
		names = append(names, normalModel(short))
	}
	return names
})

var modelSeparators = strings.NewReplacer(" ", "", "-", "", ".", "")

// normalModel drops what makers write now one way, now another, and a Whatsminer's version ("_VH40").
func normalModel(model string) string {
	model, _, _ = strings.Cut(model, "_")
	return modelSeparators.Replace(strings.ToLower(model))
}

// endsModel says whether a model's name may end before rest: "S19" is not the beginning of "S19 Pro" or "S19j Pro".
func endsModel(rest string) bool {
	return rest == "" || rest[0] == '(' || rest[0] == '['
}
