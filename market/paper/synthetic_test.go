package paper

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/words"
)

// No claim is judged by invented data: with the synthetic set the verdicts are those without data, and the set is named
// as what it is.
func TestNoClaimIsJudgedBySyntheticData(t *testing.T) {
	dir := t.TempDir()
	if err := synthetic.Write(dir); err != nil {
		t.Fatal(err)
	}
	with, err := Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	without, err := Check("")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range with.Results {
		if r.Verdict != without.Results[i].Verdict || r.Source != without.Results[i].Source {
			t.Errorf("%s: %s by %s, without data %s by %s", r.ID, r.Verdict, r.Source, without.Results[i].Verdict,
				without.Results[i].Source)
		}
	}
	var text bytes.Buffer
	with.Print(&text, words.English, "")
	if len(with.Data) == 0 || strings.Count(text.String(), "is synthetic: no claim was judged by it") != len(with.Data) {
		t.Errorf("%d files: %s", len(with.Data), text.String())
	}
	// What was sealed by it is derived by it.
	earlier, err := CheckEarlier(dir)
	if err != nil || earlier.Claims[Wrong] == with.Claims[Wrong] {
		t.Errorf("%v; %v", earlier.Claims, err)
	}
}
