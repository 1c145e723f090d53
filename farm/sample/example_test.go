package sample_test

import (
	"fmt"
	"os"

	"github.com/aqsha/aqsha/farm/sample"
	"github.com/aqsha/aqsha/farm/use"
)

func Example() {
	dir, err := os.MkdirTemp("", "samples")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	store, err := sample.Open(dir)
	if err != nil {
		panic(err)
	}
	defer store.Close()
	machine, _ := store.Number("c6:08:29:00:44:11")
	_, err = store.Append([]sample.Row{{Machine: machine, Poll: use.Poll{At: 10 * use.Hour, Elapsed: 60, ChipTemp: 71}}})
	polls, _ := store.Polls(machine, 0, use.Day)
	fmt.Println(len(polls), "poll,", polls[0].ChipTemp, "°C", err)
	// Output: 1 poll, 71 °C <nil>
}
