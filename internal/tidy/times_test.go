package tidy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ofNoZone are forms in which a time is printed without saying whose clock it is of.
var ofNoZone = regexp.MustCompile(`Format\((time\.DateTime|time\.TimeOnly|"2006-01-02 15:04(:05)?")\)`)

// What a command, a wallet or an office says of a time names its zone: results and refusals stand beside each other,
// and two clocks in one answer are read as one.
func TestTimesSayTheirZone(t *testing.T) {
	seen := 0
	for _, folder := range []string{"internal/cli", "internal/terminal", "wallet", "cash", "purse"} {
		err := filepath.WalkDir(filepath.Join("../..", folder), func(path string, d os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			seen++
			for _, found := range ofNoZone.FindAllString(string(content), -1) {
				t.Errorf("%s: %s prints a time without its zone; see terminal.Moment", path, found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 100 {
		t.Errorf("%d files looked at", seen)
	}
}
