package records_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/fault"
)

// The routes that docs/farm.md shows are a farm.toml, and mean what is said beside them.
func TestTheDocumentsRoutesAreSettings(t *testing.T) {
	content, err := os.ReadFile("../../docs/farm.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(content), "## Who is told")
	var settings strings.Builder
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "## ") {
			break
		}
		if inBlock, ok := strings.CutPrefix(line, "    "); ok {
			settings.WriteString(inBlock)
		}
	}
	dir := t.TempDir()
	write := func(text string) (records.Config, error) {
		if err := os.WriteFile(filepath.Join(dir, "farm.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return records.ReadConfig(dir)
	}
	c, err := write(settings.String())
	if err != nil || len(c.Routes) != 4 {
		t.Fatalf("%d routes, %v", len(c.Routes), err)
	}
	r := c.Routes[1]
	if r.Form != notify.Mail || r.After != 15*time.Minute || r.TLS != "starttls" || r.Gather != time.Minute ||
		r.Language != "en" || r.Severity != notify.Critical {
		t.Errorf("%+v", r)
	}
	// A route without a language has the farm's; the one with a language keeps its own.
	if c, err = write("language = \"ru\"\n" + settings.String()); err != nil || c.Routes[0].Language != "kk" || c.Routes[1].Language != "ru" {
		t.Errorf("%+v, %v", c.Routes, err)
	}
	if _, err = write("language = \"de\"\n"); fault.Code(err) != "bad-setting" {
		t.Errorf("a language that is not spoken here: %v", err)
	}
	if _, err := write(strings.Replace(settings.String(), "secret_file", "secret", 1)); err == nil {
		t.Error("an unknown key of a route was taken")
	}
}
