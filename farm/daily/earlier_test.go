package daily_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/farm/daily"
)

// testdata/seal-1.json is what the program that spelled keys otherwise sealed of the same October.
func TestAMonthSealedInTheFirstFormatVerifies(t *testing.T) {
	b := october(t)
	entry, err := os.ReadFile("testdata/seal-1.json")
	if err != nil {
		t.Fatal(err)
	}
	log, dir := keys(t), t.TempDir()
	for _, e := range [][]byte{entry, []byte(strings.Replace(string(entry), `"machines":9`, `"machines":8`, 1))} {
		if _, _, err := log.Append(dir, e); err != nil {
			t.Fatal(err)
		}
	}
	s, err := daily.ReadSeal(dir, 0, log)
	if err != nil || s.Accepted.String() != "2374424675111385000000" || s.Account == "" {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := s.Rederive(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	forged, err := daily.ReadSeal(dir, 1, log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := forged.Rederive(t.Context(), b, nil); err == nil {
		t.Error("a forged seal of the first format verifies")
	}
}
