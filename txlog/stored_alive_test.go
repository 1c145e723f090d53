package txlog_test

import (
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

// What is written while a log is read as it lies there is read too, or was not there yet: it is no damage, wherever a
// segment ends meanwhile.
func TestALogThatGrowsWhileItIsReadIsNotDamaged(t *testing.T) {
	d := disk.New(1)
	options := onDisk(t, d)
	l, err := txlog.Open("log", options)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const at, most = 6, 400
	grow(t, l, at, 2)
	s, err := txlog.OpenStored(options.FS, "log")
	if err != nil {
		t.Fatal(err)
	}
	size := uint64(at)
	for _, err := range s.Batches() {
		if err != nil {
			t.Fatal(err)
		}
		if size < most {
			size += 9
			grow(t, l, size, 3)
		}
	}
	read, root := s.State()
	if read < at || read > size || root != must(l.Root(read)) {
		t.Fatalf("%d entries were read, of %d", read, size)
	}
	if read < most/2 {
		t.Errorf("only %d of %d entries were read: nothing had grown", read, size)
	}
}
