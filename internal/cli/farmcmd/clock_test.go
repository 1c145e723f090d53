package farmcmd

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/words"
)

// One alert has one time in every list: the farm's, with its offset, wherever the list is read.
func TestOneClock(t *testing.T) {
	zone, at := time.FixedZone("farm", 5*3600), time.Date(2026, 10, 3, 12, 16, 33, 0, time.UTC)
	standing := []records.Held{{Standing: alert.Standing{Machine: "SMT0001", Kind: alert.Fan, Since: at, Detail: "a fan stands still"}}}
	command, live := &cobra.Command{}, &bytes.Buffer{}
	command.SetOut(live)
	printNotices(command, zone, []alert.Notice{{At: at, Kind: alert.Fan, Raised: true, Scope: "SMT0001", Machines: []string{"SMT0001"}}})
	if !strings.Contains(live.String(), "17:16:33 +05:00") {
		t.Errorf("the watch: %s", live)
	}
	var here, sites bytes.Buffer
	listStanding(&here, standing, zone, "en")
	printSites(&sites, words.English, []siteReading{{Name: "aktobe", Alerts: standing}}, "alerts", zone)
	if !strings.Contains(here.String(), "2026-10-03 17:16:33 +05:00") {
		t.Errorf("alerts: %s", here.String())
	}
	if !strings.Contains(sites.String(), "2026-10-03 17:16:33 +05:00") {
		t.Errorf("sites: %s", sites.String())
	}
}
