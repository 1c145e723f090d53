package cli

import (
	"encoding/json"
	"testing"

	"github.com/aqsha/aqsha/words"
)

// What is said to a person in his language stands in JSON in English; nothing is said by what is not set.
func TestWhatIsSaidToProgramsIsEnglish(t *testing.T) {
	said := Text("channel.warn-day", "amount", "5.00 ₸")
	content, err := json.Marshal(map[string]any{"warnings": []Said{said}})
	if want := `{"warnings":["of the deposit 5.00 ₸ a day since the opening can be claimed, counted until the sender leaves"]}`; err != nil || string(content) != want {
		t.Errorf("%s, %v", content, err)
	}
	if got := said.In(words.Russian); got != "из вклада можно востребовать 5.00 ₸ за каждый день с открытия, пока плательщик не ушёл" {
		t.Error(got)
	}
	if said.IsZero() || !(Said{}).IsZero() {
		t.Error("what is not set, and what is, are taken for each other")
	}
	content, err = json.Marshal(struct {
		Missing Said `json:"missing,omitzero"`
	}{})
	if err != nil || string(content) != "{}" {
		t.Errorf("%s, %v", content, err)
	}
}
