package records

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Whatever fails while rows are added to a table (prices, annotations, readings of a meter): all rows of an answer are there, or none.
func TestTablesSurviveTheirDisk(t *testing.T) {
	t.Parallel()
	row := func(n int) string { return fmt.Sprintf("%d,a;b,%d\n", n, n*n) }
	add := func(files vfs.FS, n int) error {
		return appendRowsTo(files, "farm", "prices.csv", []string{"time", "what", "price"},
			[]string{fmt.Sprint(n), "a;b", fmt.Sprint(n * n)}, []string{fmt.Sprint(n + 1), "a;b", fmt.Sprint((n + 1) * (n + 1))})
	}
	rows := func(files vfs.FS) (int, error) {
		content, err := durable.Read(files, "farm/prices.csv", maxTable)
		if err != nil {
			return 0, err
		}
		want := []byte("time,what,price\n")
		for n := 0; ; n += 2 {
			if bytes.Equal(content, want) {
				return n, nil
			}
			if len(want) > len(content) {
				return 0, fmt.Errorf("the table holds %q", content)
			}
			want = append(want, row(n)+row(n+1)...)
		}
	}
	diskfault.Every(t, func(files vfs.FS) error { return errors.Join(files.MkdirAll("farm"), add(files, 0)) }, func(files vfs.FS) (done int, err error) {
		for done = 2; done < 16; done += 2 {
			if err := add(files, done); err != nil {
				return done, err
			}
		}
		return done, nil
	}, func(files vfs.FS, done int) error {
		n, err := rows(files)
		if err != nil {
			return err
		}
		if n < done || n > done+4 { // with what the check of the killed process added
			return fmt.Errorf("%d rows were added, %d are there", done, n)
		}
		if err := add(files, n); err != nil {
			return err
		}
		if after, err := rows(files); err != nil || after != n+2 {
			return fmt.Errorf("%d rows after two more, %d before: %w", after, n, err)
		}
		return nil
	})
}
