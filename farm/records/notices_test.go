package records_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/records"
)

func notice(minute int, kind alert.Kind, raised bool, machines ...string) alert.Notice {
	return alert.Notice{At: time.Unix(1_800_000_000, 0).UTC().Add(time.Duration(minute) * time.Minute), Kind: kind, Raised: raised, Scope: machines[0], Machines: machines}
}

// Groups are raised and cleared together or one by one.
func TestStand(t *testing.T) {
	notices := []alert.Notice{
		notice(0, alert.Fan, true, "a"), notice(1, alert.Offline, true, "b", "c", "d"), notice(2, alert.Offline, false, "c"), notice(3, alert.Board, true, "a"),
		notice(4, alert.Fan, false, "a"), notice(5, alert.Offline, true, "e"), notice(6, alert.Hot, false, "z"),
	}
	notices = append(notices, notice(7, alert.Board, true, "a")) // by a watch that was started again
	if stands := alert.Stand(notices); !stands[len(stands)-1].Since.Equal(notices[3].At) {
		t.Errorf("an alert that was raised twice holds since %v", stands[len(stands)-1].Since)
	}
	var got []string
	for _, s := range alert.Stand(notices) {
		got = append(got, string(s.Kind)+" "+s.Machine)
	}
	if want := "[offline b offline d offline e board a]"; fmt.Sprint(got) != want {
		t.Errorf("%v stand, want %s", got, want)
	}
}

func TestReadNotices(t *testing.T) {
	dir := t.TempDir()
	if got, err := records.ReadNotices(dir, time.Time{}); err != nil || got != nil {
		t.Fatal(got, err)
	}
	var content []byte
	for minute := range 3 {
		line, err := json.Marshal(notice(minute, alert.Fan, true, "a"))
		if err != nil {
			t.Fatal(err)
		}
		content = append(append(content, line...), '\n')
	}
	content = append(content, `{"at":"2027-`...) // being written
	if err := os.WriteFile(filepath.Join(dir, "alerts.jsonl"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := records.ReadNotices(dir, notice(1, alert.Fan, true, "a").At); err != nil || len(got) != 2 {
		t.Errorf("%d notices, %v", len(got), err)
	}
}
