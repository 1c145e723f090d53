package farmdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/fault"
)

// A time has the farm's clock and its offset, wherever it is read.
func TestMomentsAreOfTheFarm(t *testing.T) {
	zone, at := time.FixedZone("farm", 5*3600), time.Date(2026, 10, 3, 12, 16, 33, 0, time.UTC)
	if text := Moment(at.Local(), zone); text != "2026-10-03 17:16:33 +05:00" {
		t.Error(text)
	}
}

// A time that people write is of the farm's zone unless it has an offset; what cannot be read is of the command line, and
// keeps its code.
func TestTimesThatPeopleWrite(t *testing.T) {
	config, err := records.ReadConfig(t.TempDir()) // +05:00, as it is without a file
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"2026-10-03": "2026-10-02T19:00:00Z", "2026-10-03T08:00": "2026-10-03T03:00:00Z",
		"2026-10-03T08:00:00+06:00": "2026-10-03T02:00:00Z", "2026-10-03T08:00:00Z": "2026-10-03T08:00:00Z"} {
		if at, err := ParseTime("from", text, &config); err != nil || at.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q is %s (%v), want %s", text, at, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-13-01", "2026-02-30", "2026-10-03 08:00", "03.10.2026", "1.8e9"} {
		_, err := ParseTime("from", text, &config)
		if fault.Code(err) != "bad-time" || cli.Report(&cobra.Command{}, err) != cli.ExitUsage {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The folder of a farm is made when a command asks for it and not before; one without samples is said to be none, with
// what to begin with.
func TestTheFolderOfAFarm(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "farm")
	command := &cobra.Command{}
	command.Flags().String("data", dir, "")
	if got, err := Of(command, false); err != nil || got != dir {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := Open(command); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "farm scan") {
		t.Errorf("%v", err)
	}
	if _, config, err := Config(command); err != nil || config.Zone != records.Defaults().Zone {
		t.Errorf("%+v, %v", config, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("reading has made a folder")
	}
	if _, err := Of(command, true); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("a farm's folder is %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "farm.toml"), []byte("zone = 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Config(command); err == nil {
		t.Error("a zone that is a number is taken")
	}
	if _, err := Of(&cobra.Command{}, false); err == nil {
		t.Error("a command without --data has a folder")
	}
	if Operator() == "" {
		t.Error("nobody gives the command")
	}
}
