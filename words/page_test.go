package words_test

import (
	"flag"
	"os"
	"testing"

	"github.com/aqsha/aqsha/words"
)

var update = flag.Bool("update", false, "write docs/CODES.md")

// The page of the documents is the catalogue.
func TestThePageOfCodesIsTrue(t *testing.T) {
	const path = "../docs/CODES.md"
	if *update {
		if err := os.WriteFile(path, []byte(words.Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != words.Page() {
		t.Errorf("%s is not what the catalogue says: go test ./words -update", path)
	}
}
