package records_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
)

// Two machines count the same; the pool credits one of them a fifth less, and began anew in between.
func TestComparePool(t *testing.T) {
	dir := t.TempDir()
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	day := usage.Instant(20_500) * usage.Day
	var machines []fleet.Machine
	for _, id := range []string{"honest", "robbed", "stranger"} {
		machines = append(machines, fleet.Machine{ID: id, Worker: id, Protocol: "luxos", Address: "10.0.0.1", Model: "Antminer S19", Since: int64(day / usage.Second)})
	}
	if _, _, err := b.Fleet.Merge(machines); err != nil {
		t.Fatal(err)
	}
	numbers, err := b.Store.Numbers([]string{"honest", "robbed", "stranger"})
	if err != nil {
		t.Fatal(err)
	}
	difficulty := func(at usage.Instant) float64 { return float64(at-day) * 95e5 / 4295.032833 }
	for at := day; at <= day+10*usage.Hour; at += usage.Minute {
		for _, n := range numbers {
			p := usage.Poll{At: at, Elapsed: int64(at-day) / 10, NameplateMHs: 95e6, TotalMH: int64(at-day) * 95e5, AcceptedMH: int64(at-day) * 95e5, CapPermille: 1000, PoolAlive: true}
			if _, err := b.Store.Append([]telemetry.Row{{Machine: n, Poll: p}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for hour := range usage.Instant(9) {
		at := day + (hour+1)*usage.Hour
		work := difficulty(at)
		if hour >= 4 {
			work -= difficulty(day + 4*usage.Hour + usage.Hour) // the pool began anew after hour 5
			if hour == 4 {
				continue
			}
		}
		if err := records.WritePool(dir, []records.PoolReading{{At: at, Worker: "honest", Work: work}, {At: at, Worker: "robbed", Work: work * 0.8}}); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := b.ComparePool(t.Context(), day, day+usage.Day)
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	honest, robbed := rows[0], rows[1]
	// What the pool counted between its last reading and its new beginning is nobody's: an hour of eight.
	if honest.OffPPM < 120_000 || honest.OffPPM > 130_000 {
		t.Errorf("honest: %+v", honest)
	}
	if lost := robbed.OffPPM; lost < 295_000 || lost > 305_000 || !robbed.Differs {
		t.Errorf("robbed: %+v", robbed)
	}
	rows, err = b.ComparePool(t.Context(), day, day+5*usage.Hour)
	if err != nil || rows[0].OffPPM < -1000 || rows[0].OffPPM > 1000 || rows[0].Differs || rows[1].OffPPM < 199_000 {
		t.Errorf("before the new beginning: %+v, %v", rows, err)
	}
	if _, err := b.ComparePool(t.Context(), day+2*usage.Day, day+3*usage.Day); code(err) != "no-readings" {
		t.Errorf("a day without readings: %v", err)
	}
}

// A list in pages is read to its end, and no page of another host is.
func TestAskPoolByPages(t *testing.T) {
	elsewhere := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch after := r.URL.Query().Get("after"); {
		case elsewhere:
			w.Header().Set("Link", `<http://192.0.2.1/v1/workers>; rel="next"`)
		case after == "":
			w.Header().Set("Link", `</v1/workers?after=1>; rel="next"`)
		case after == "1":
			w.Header().Set("Link", `</v1/workers?after=2>; rel="next"`)
		}
		_, _ = w.Write([]byte(`[{"worker":"w` + r.URL.Query().Get("after") + `","work_difficulty":1}]`))
	}))
	defer server.Close()
	got, err := records.QueryPool(t.Context(), server.URL+"/v1/workers", 7)
	if err != nil || len(got) != 3 || got[2].Worker != "w2" {
		t.Errorf("%+v, %v", got, err)
	}
	elsewhere = true
	if _, err := records.QueryPool(t.Context(), server.URL+"/v1/workers", 7); code(err) != "bad-reply" {
		t.Errorf("a page elsewhere: %v", err)
	}
}

func TestAskPool(t *testing.T) {
	reply := `[{"worker":"bc1qx.rig-7","user":"bc1qx","work_difficulty":12.5,"hash_rate_1h":1},{"worker":"plain","user":"bc1qy","work_difficulty":3}]`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/workers" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(reply))
	}))
	defer server.Close()
	got, err := records.QueryPool(t.Context(), server.URL+"/v1/workers", 7)
	if err != nil || len(got) != 2 || got[0] != (records.PoolReading{At: 7, Worker: "rig-7", Work: 12.5}) || got[1].Worker != "plain" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{`{}`, `[{"work_difficulty":-1}]`, `garbage`} {
		reply = bad
		if _, err := records.QueryPool(t.Context(), server.URL+"/v1/workers", 7); code(err) != "bad-reply" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := records.QueryPool(t.Context(), server.URL+"/", 7); err == nil {
		t.Error("a 404 was read")
	}
}

func FuzzTables(f *testing.F) {
	f.Add("marks.csv", "from,to,selector,state,why\n2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,*,planned,x\n")
	f.Add("prices.csv", "from,difficulty,reward_btc,bitcoin_kzt\n2026-10-01T00:00:00Z,150e12,3.1,5\n")
	f.Add("meter.csv", "from,to,site,kwh\n2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,s,12.5\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		if name != "marks.csv" && name != "prices.csv" && name != "meter.csv" {
			return
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := records.Open(dir)
		if err != nil {
			return
		}
		defer b.Close()
		for _, m := range b.Annotations {
			if m.To <= m.From || m.State <= usage.Running || m.State >= usage.Lost {
				t.Errorf("mark %+v", m)
			}
		}
		for _, p := range b.Prices {
			if p.Hashprice < 0 || p.Bitcoin < 0 {
				t.Errorf("price %+v", p)
			}
		}
	})
}
