package bench_test

import (
	"testing"
	"time"

	"github.com/aqsha/aqsha/cluster/bench"
)

// A short measurement measures everything that it says, and what it says can be.
func TestAClusterIsMeasured(t *testing.T) {
	t.Parallel()
	o := bench.Options{Validators: 4, Wallets: 1000, Duration: 500 * time.Millisecond, Clients: 4, Dir: t.TempDir()}
	r, err := bench.Run(t.Context(), o, func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if r.Validators != 4 || r.PerSecond <= 0 || r.Engine <= 0 || r.Ratio <= 0 || r.P50Millis <= 0 || r.P99Millis < r.P50Millis {
		t.Errorf("%+v", r)
	}
	if r.Bytes < 150 || r.Bytes > 1000 || r.BatchSize < 1 || r.BlockSize < 1 || r.BlockMillis <= 0 {
		t.Errorf("%+v", r)
	}
	for _, share := range []float64{r.Judging, r.Executing, r.Committing} {
		if share < 0 || share > 1 {
			t.Errorf("%+v", r)
		}
	}
	t.Logf("%+v", r)
}

func TestOptionsThatCannotBe(t *testing.T) {
	good := bench.Options{Validators: 4, Wallets: 1000, Duration: time.Second, Clients: 4}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*bench.Options){
		"no validators": func(o *bench.Options) { o.Validators = 0 },
		"too many":      func(o *bench.Options) { o.Validators = 11 },
		"few wallets":   func(o *bench.Options) { o.Wallets = 999 },
		"no time":       func(o *bench.Options) { o.Duration = 0 },
		"no clients":    func(o *bench.Options) { o.Clients = 0 },
		"many clients":  func(o *bench.Options) { o.Clients = 251 },
	} {
		o := good
		if change(&o); o.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
