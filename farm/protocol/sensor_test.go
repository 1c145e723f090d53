package protocol_test

import (
	"testing"

	"github.com/aqsha/aqsha/farm/protocol"
)

// A sensor that AxeOS does not have is unknown; a temperature below zero stays one.
func TestAbsentSensors(t *testing.T) {
	for temp, want := range map[string]int{"-1": protocol.Unknown, "-1.0": protocol.Unknown, "-5": -5, "55.5": 56, "0": protocol.Unknown} {
		r, err := protocol.Read(protocol.AxeOS, [][]byte{[]byte(`{"hashRate":500,"ASICModel":"BM1366","temp":` + temp + `,"vrTemp":` + temp + `}`)})
		if err != nil || r.ChipTemp != want || r.BoardTemp != want || r.Boards[0].ChipTemp != want {
			t.Errorf("temp %s: %+v, %v", temp, r, err)
		}
	}
}
