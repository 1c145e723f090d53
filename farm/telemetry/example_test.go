package telemetry_test

import (
	"fmt"
	"os"

	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
)

func Example() {
	dir, err := os.MkdirTemp("", "samples")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	store, err := telemetry.Open(dir)
	if err != nil {
		panic(err)
	}
	defer store.Close()
	machine, _ := store.Number("c6:08:29:00:44:11")
	_, err = store.Append([]telemetry.Row{{Machine: machine, Poll: usage.Poll{At: 10 * usage.Hour, Elapsed: 60, ChipTemp: 71}}})
	polls, _ := store.Polls(machine, 0, usage.Day)
	fmt.Println(len(polls), "poll,", polls[0].ChipTemp, "°C", err)
	// Output: 1 poll, 71 °C <nil>
}
