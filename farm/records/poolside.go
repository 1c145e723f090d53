package records

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/httplimit"
)

// PoolReading is a worker's counter at the pool: the difficulty of all its credited shares so far.
type PoolReading struct {
	At     usage.Instant
	Worker string
	Work   float64
}

var poolHeader = []string{"time", "worker", "work_difficulty"}

// MaxPoolReply is how much of a pool's answer is read.
const MaxPoolReply = 64 << 20

// maxPoolPages bounds the pages of workers that are read.
const maxPoolPages = 10_000

// QueryPool reads the counters of a pool's workers: a JSON list with worker and work_difficulty, as
// 'aqsha pool up --http' gives at /v1/workers, page after page.
func QueryPool(ctx context.Context, address string, at usage.Instant) (readings []PoolReading, err error) {
	for range maxPoolPages {
		page, next, err := queryPool(ctx, address, at)
		if err != nil {
			return nil, err
		}
		readings = append(readings, page...)
		if next == "" {
			return readings, nil
		}
		address = next
	}
	return nil, farm.Refuse("bad-reply", "pool", "more than %d pages of workers", maxPoolPages)
}

// poolClient asks a pool. Its redirects are not followed, as its pages elsewhere are not.
var poolClient = &http.Client{Timeout: 30 * time.Second, CheckRedirect: httplimit.NoRedirect}

// queryPool reads one page and the address of the next, from the Link header (RFC 8288).
func queryPool(ctx context.Context, address string, at usage.Instant) (readings []PoolReading, next string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", err
	}
	response, err := poolClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%s answered %s", address, response.Status)
	}
	if link, _, more := strings.Cut(strings.TrimPrefix(response.Header.Get("Link"), "<"), `>; rel="next"`); more {
		// A page of the same pool: the rest of what it says is not obeyed.
		followed, err := request.URL.Parse(link)
		if err != nil || followed.Host != request.URL.Host {
			return nil, "", farm.Refuse("bad-reply", "pool", "the next page is elsewhere: %.100q", link)
		}
		next = followed.String()
	}
	readings, err = readPool(io.LimitReader(response.Body, MaxPoolReply), at)
	return readings, next, err
}

func readPool(r io.Reader, at usage.Instant) ([]PoolReading, error) {
	var workers []struct {
		Worker string  `json:"worker"`
		User   string  `json:"user"`
		Work   float64 `json:"work_difficulty"`
	}
	if err := json.NewDecoder(r).Decode(&workers); err != nil {
		return nil, farm.Refuse("bad-reply", "pool", "want a list of workers: %v", err)
	}
	var readings []PoolReading
	for _, w := range workers {
		if w.Work < 0 || w.Work > 1e18 || len(w.Worker) > 200 {
			return nil, farm.Refuse("bad-reply", "pool", "worker %.40q with work %v", w.Worker, w.Work)
		}
		readings = append(readings, PoolReading{at, workerName(w.Worker, w.User), w.Work})
	}
	return readings, nil
}

// workerName is the part after the account, as machines call themselves.
func workerName(worker, user string) string {
	return strings.TrimPrefix(strings.TrimPrefix(worker, user), ".")
}

// WritePool appends readings to pool.csv.
func WritePool(dir string, readings []PoolReading) error {
	var rows [][]string
	for _, r := range readings {
		rows = append(rows, []string{r.At.Time().Format("2006-01-02T15:04:05.0Z07:00"), r.Worker,
			strconv.FormatFloat(r.Work, 'f', -1, 64)})
	}
	return appendRows(dir, "pool.csv", poolHeader, rows...)
}

func readPoolTable(dir string) (readings []PoolReading, err error) {
	err = table(dir, "pool.csv", poolHeader, func(f []string) error {
		at, err := instant("time", f[0])
		if err != nil {
			return err
		}
		work, err := strconv.ParseFloat(f[2], 64)
		if err != nil || !(work >= 0 && work <= 1e18) {
			return farm.Refuse("not-a-number", "work_difficulty", "%q", f[2])
		}
		readings = append(readings, PoolReading{at, f[1], work})
		return nil
	})
	slices.SortStableFunc(readings, func(a, b PoolReading) int { return cmp.Compare(a.At, b.At) })
	return readings, err
}

// Compared is what a machine and the pool say of the same work.
type Compared struct {
	Machine string     `json:"machine"`
	Worker  string     `json:"worker"`
	From    time.Time  `json:"from"`
	To      time.Time  `json:"to"`
	Device  farm.Total `json:"device_hashes"`
	Pool    farm.Total `json:"pool_hashes"`
	OffPPM  int64      `json:"off_ppm"` // device − pool, of the device's
	Differs bool       `json:"differs"`
}

// differsPPM is from where a difference needs a look: shares under way and clocks explain less.
const differsPPM = 20_000

// ComparePool compares accepted work by machines with that by the pool, between the first and the last
// of the pool's readings in [from, to), for machines whose worker the pool knows.
func (b *Records) ComparePool(ctx context.Context, from, to usage.Instant) ([]Compared, error) {
	readings, err := readPoolTable(b.Dir)
	if err != nil {
		return nil, err
	}
	byWorker := map[string][]PoolReading{}
	for _, r := range readings {
		if r.At >= from && r.At < to {
			byWorker[r.Worker] = append(byWorker[r.Worker], r)
		}
	}
	numbers, newest := b.numbers(nil), b.Store.Newest()
	var out []Compared
	for i := range b.Fleet.Machines {
		m := &b.Fleet.Machines[i]
		series, number := byWorker[m.Worker], numbers[m.ID]
		// Two readings: the pool's counters are sums since some day, and work is their difference.
		if len(series) < 2 || m.Worker == "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := b.compare(m, number, series, newest)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, farm.Refuse("no-readings", "pool",
			"no machine's worker has two readings of the pool in this time; 'aqsha farm watch --pool-workers URL' takes them")
	}
	return out, nil
}

func (b *Records) compare(m *fleet.Machine, number uint32, series []PoolReading,
	newest usage.Instant) (Compared, error) {
	first, last := series[0], series[len(series)-1]
	begin, end := first.At.Floor(usage.Grid), last.At.Floor(usage.Grid)
	c := Compared{Machine: m.ID, Worker: m.Worker, From: first.At.Time().In(b.Config.zone),
		To: last.At.Time().In(b.Config.zone)}
	cells, err := b.cells(m, number, begin.Floor(usage.Day), end.Floor(usage.Day)+usage.Day, newest)
	if err != nil {
		return c, err
	}
	for _, cell := range cells {
		if cell.From >= begin && cell.From < end {
			c.Device = c.Device.AddHashes(cell.Work[usage.Accepted])
		}
	}
	work := 0.0
	for i := 1; i < len(series); i++ {
		step := series[i].Work - series[i-1].Work
		if step < 0 { // the pool began anew
			step = series[i].Work
		}
		work += step
	}
	c.Pool = farm.TotalOfDifficulty(work)
	ppm, ok := c.Device.Sub(c.Pool).RatioPPM(c.Device)
	if !ok && c.Pool.Sign() > 0 {
		ppm = -1_000_000
	}
	c.OffPPM, c.Differs = ppm, ppm > differsPPM || ppm < -differsPPM
	return c, nil
}
