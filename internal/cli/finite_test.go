package cli

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"pgregory.net/rapid"
)

type Inner struct {
	Rate  float64            `json:"rate"`
	Share *float64           `json:"share"`
	By    map[string]float64 `json:"by,omitempty"`
}

type outer struct {
	Inner
	Name  string    `json:"name,omitempty"`
	At    time.Time `json:"at"`
	Never time.Time `json:"never,omitzero"`
	Once  *int      `json:"once,omitzero"`
	Rows  [][]Inner `json:"rows"`
	Bytes []byte    `json:"bytes"`
	Any   any       `json:"any"`
	Not   float64   `json:"-"`
	Plain int
}

// A result without infinities is what encoding/json writes, byte for byte; one with them has null in their place.
func TestInfinitiesNeverReachJSON(t *testing.T) {
	numbers := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), math.NaN(), 0}))
	rapid.Check(t, func(t *rapid.T) {
		odd := false
		number := func() float64 {
			v := numbers.Draw(t, "number")
			odd = odd || math.IsInf(v, 0) || math.IsNaN(v)
			return v
		}
		one := func() Inner {
			share := number()
			in := Inner{Rate: number(), By: map[string]float64{"b": number(), "a": number()}}
			if rapid.Bool().Draw(t, "share") {
				in.Share = &share
			}
			return in
		}
		value := outer{Inner: one(), Name: rapid.String().Draw(t, "name"), At: time.Unix(1, 0).UTC(),
			Rows: [][]Inner{{one()}, nil}, Bytes: []byte{1, 2}, Any: []float64{number()}, Not: math.Inf(1), Plain: 3}
		mine, err := json.Marshal(finite(reflect.ValueOf(value)))
		if err != nil {
			t.Fatal(err)
		}
		if theirs, err := json.Marshal(value); err == nil && !bytes.Equal(mine, theirs) {
			t.Fatalf("%s, encoding/json writes %s", mine, theirs)
		} else if err != nil && !odd {
			t.Fatal(err)
		}
	})
	var out bytes.Buffer
	command := &cobra.Command{}
	command.SetOut(&out)
	if err := ShowJSON(command, map[string]float64{"log_lik": math.Inf(-1)}); err != nil ||
		out.String() != "{\n  \"log_lik\": null\n}\n" {
		t.Fatalf("%q, %v", out.String(), err)
	}
}
