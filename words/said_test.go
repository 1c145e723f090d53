package words_test

import (
	"encoding/json"
	"testing"

	"github.com/aqsha/aqsha/words"
)

// A text that is said later has the form that its number wants in the language of whoever reads it.
func TestSaidCounts(t *testing.T) {
	for n, want := range map[int][2]string{
		1:  {"1 gap: a return across it", "1 пропуск:"},
		3:  {"3 gaps: a return across a gap", "3 пропуска:"},
		11: {"11 gaps: a return", "11 пропусков:"},
	} {
		said := words.SayCount("study.gaps", n, "to", "2020-01-07", "span", "144h")
		for l, begin := range map[words.Language]string{words.English: want[0], words.Russian: want[1]} {
			if got := said.In(l); len(got) < len(begin) || got[:len(begin)] != begin {
				t.Errorf("%d: %q, want %q", n, got, begin)
			}
		}
		if text, err := json.Marshal(said); err != nil || string(text) != `"`+said.In(words.English)+`"` {
			t.Errorf("%s, %v", text, err)
		}
	}
}
