package monitor

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Whatever fails while a silence is added: the silences of before hold, or those with it. A half file would end all of them, or alarm
// for ever.
func TestSilencesSurviveTheirDisk(t *testing.T) {
	t.Parallel()
	const until = usage.Instant(1_800_000_000)
	write := func(files vfs.FS, n int) error {
		silences := make([]alert.Silence, n)
		for i := range silences {
			silences[i].Selector, silences[i].Until = fmt.Sprintf("site/c%d", i), until
		}
		return writeSilences(files, "farm", silences)
	}
	diskfault.Every(t, func(files vfs.FS) error { return errors.Join(files.MkdirAll("farm"), write(files, 1)) }, func(files vfs.FS) (done int, err error) {
		for done = 1; done < 9; done++ {
			if err := write(files, done+1); err != nil {
				return done, err
			}
		}
		return done, nil
	}, func(files vfs.FS, done int) error {
		silences, err := readSilences(files, "farm")
		if err != nil {
			return err
		}
		if len(silences) < done || len(silences) > done+1 {
			return fmt.Errorf("%d silences were kept, %d are there", done, len(silences))
		}
		for i, s := range silences {
			if s.Selector != fmt.Sprintf("site/c%d", i) || s.Until != until {
				return fmt.Errorf("silence %d is %+v", i, s)
			}
		}
		return nil
	})
}
