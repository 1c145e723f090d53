package strict_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/strict"
)

func TestCellsBeginNoFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "worker": "worker", "-5.25": "-5.25", "+7": "+7", "-1e3": "-1e3", "a=b": "a=b",
		"=cmd|'/c calc'!A0": "'=cmd|'/c calc'!A0", "@SUM(A1)": "'@SUM(A1)", "+cmd": "'+cmd", "-2+3": "'-2+3", "\t=1": "'\t=1", "\r=1": "'\r=1", "-Inf": "'-Inf", "+0x10": "'+0x10",
	} {
		if got := strict.Cell(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Whatever the text, the cell begins no formula unless it is a plain number, and holds the text.
func TestCellsAreSafeWhateverTheyHold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SampledFrom([]string{"", "=", "+", "-", "@", "\t", "\r"}).Draw(rt, "begins") + rapid.String().Draw(rt, "text")
		cell := strict.Cell(text)
		if strings.TrimPrefix(cell, "'") != text && cell != text {
			rt.Fatalf("%q lost its text: %q", text, cell)
		}
		if cell != "" && strings.ContainsRune("=@\t\r", rune(cell[0])) {
			rt.Fatalf("%q begins a formula: %q", text, cell)
		}
		if cell != "" && strings.ContainsRune("+-", rune(cell[0])) && strings.ContainsAny(cell[1:], "+*/(|!=ABCDFGHIJKLMNOPQRSTUVWXYZ") && !strings.ContainsAny(cell, "eE") {
			rt.Fatalf("%q may be a formula: %q", text, cell)
		}
	})
}
