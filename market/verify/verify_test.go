package verify

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/words"
)

func quiet(string) {}

// The synthetic set against R, figure by figure.
func TestSyntheticSet(t *testing.T) {
	r, err := Synthetic(context.Background(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	r.Print(&b, words.English, false)
	t.Log(b.String())
	if r.Off > 0 || r.Compared != 798 {
		t.Errorf("%d of %d figures are off; docs/market.md says how many there are", r.Off, r.Compared)
	}
	parts := map[string]int{}
	for _, l := range r.Lines {
		if rest, ok := strings.CutPrefix(l.Path, "arch."); ok {
			parts[rest[:strings.IndexAny(rest, ".[")]]++
		}
	}
	want := map[string]int{"realised_kernel": 10, "garch_family": 78, "roots_and_memory": 16, "confidence_set": 5}
	if !maps.Equal(parts, want) {
		t.Errorf("of arch %v, want %v", parts, want)
	}
}

// The real extracts against R.
func TestSharedReference(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(filepath.Join(dir, "reference.json")); err != nil {
		t.Skip("the reference results are not here")
	}
	r, err := Folder(context.Background(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	r.Print(&b, words.English, false)
	t.Log(b.String())
	if r.Off > 0 || r.Compared < 350 {
		t.Errorf("%d of %d figures are off", r.Off, r.Compared)
	}
}

// A figure that is off, missing or another word is seen.
func TestGateCloses(t *testing.T) {
	want := tree{"a": tree{"loglik": -100.0, "par": tree{"alpha": 0.1}}, "b": 3.0, "day": "2021-01-01"}
	for name, c := range map[string]struct {
		got tree
		off int
	}{
		"equal":      {tree{"a": tree{"loglik": -100.0000005, "par": tree{"alpha": 0.1000005}}, "b": 3, "day": "2021-01-01"}, 0},
		"likelihood": {tree{"a": tree{"loglik": -100.00001, "par": tree{"alpha": 0.1}}, "b": 3, "day": "2021-01-01"}, 1},
		"parameter":  {tree{"a": tree{"loglik": -100.0, "par": tree{"alpha": 0.10001}}, "b": 3, "day": "2021-01-01"}, 1},
		"missing":    {tree{"a": tree{"loglik": -100.0}, "b": 3, "day": "2021-01-02"}, 2},
	} {
		r := Report{}
		r.walk("", want, c.got)
		if r.Off != c.off || r.Compared != 4 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
