package faults_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/farm/faults"
)

// Every code of the table is explained in every language, with what to do; a slot is named; others are unknown.
func TestExplain(t *testing.T) {
	for code, part := range map[string]string{"110": "fan", "218": "", "531": "hash board", "264": "power supply", "2021": "", "710": "control board"} {
		said := map[string]bool{}
		for _, language := range faults.Languages {
			e := faults.Explain("whatsminer", code, language)
			if !e.Known || e.Means == "" || e.Do == "" || e.Part != part || e.Source == "" || strings.Contains(e.Means, "{") {
				t.Errorf("%s in %s: %+v", code, language, e)
			}
			said[e.Means+e.Do] = true
		}
		if len(said) != len(faults.Languages) {
			t.Errorf("%s is told in %d languages", code, len(said))
		}
	}
	if e := faults.Explain("whatsminer", "532", "en"); !strings.Contains(e.Means, "board 2") {
		t.Errorf("the slot is not named: %+v", e)
	}
	for family, code := range map[string]string{"whatsminer": "99999", "luxos": "218", "": ""} {
		if e := faults.Explain(family, code, "en"); e.Known || e.Means != "unknown code "+code || e.Do != "" || e.Part != "" {
			t.Errorf("a meaning was made up: %+v", e)
		}
	}
}

// The table itself is whole: every row of every family resolves to itself.
func TestTable(t *testing.T) {
	for _, row := range faults.Rows() {
		code := strings.ReplaceAll(row[1], "n", "1")
		if e := faults.Explain(row[0], code, "ru"); !e.Known || e.Do == "" || e.Source == "" || e.Means != strings.ReplaceAll(row[4], "{n}", "1") {
			t.Errorf("%v: %+v", row, e)
		}
	}
}

func ExampleExplain() {
	fmt.Println(faults.Explain("whatsminer", "110", "en"))
	fmt.Println(faults.Explain("whatsminer", "31337", "kk"))
	// Output:
	// 110: The intake fan does not keep its speed. Look at the fan and its cable; clean it or replace it. [fan]
	// белгісіз код 31337
}
