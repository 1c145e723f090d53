package words_test

import (
	"flag"
	"os"
	"testing"

	"github.com/aqsha/aqsha/words"
)

var update = flag.Bool("update", false, "write docs/CODES.md")

// The page of the documents is the catalogue, and the registry of what has no words there.
func TestThePageOfCodesIsTrue(t *testing.T) {
	const path = "../docs/CODES.md"
	page := words.Page() + registry(t)
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != page {
		t.Errorf("%s is not what the catalogue says: go test ./words -update", path)
	}
}
