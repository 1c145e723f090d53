package params_test

import (
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/params"
)

func ExampleSeries_At() {
	index, _ := params.MonthlyCalculationIndex.At("2026-11-22")
	multiple, _ := params.UnidentifiedMultiple.At("2026-11-22")
	fmt.Println(index.Value.String(), multiple.Value)
	// Output: 4325.00 3
}

func TestBeforeTheFirstFactIsAnError(t *testing.T) {
	if fact, err := params.MonthlyCalculationIndex.At("1993-11-15"); err == nil {
		t.Fatalf("got %v", fact)
	}
	if fact, err := params.MonthlyCalculationIndex.At("2025-12-31"); err != nil || fact.From != "2025-01-01" {
		t.Fatalf("got %v, %v", fact, err)
	}
}

func TestParseDate(t *testing.T) {
	for _, bad := range []string{"", "2026-13-01", "2026-02-30", "26-01-01", "2026/01/01"} {
		if _, err := params.ParseDate(bad); err == nil {
			t.Errorf("ParseDate(%q) accepted", bad)
		}
	}
}
