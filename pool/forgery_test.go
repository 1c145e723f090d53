package pool_test

import (
	"bytes"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// forged is a log whose records the operator has rewritten and signed anew: to who reads it, its entries.
type forged [][]byte

func (f forged) Size() uint64 { return uint64(len(f)) }
func (f forged) Entries(from, to uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, entry := range f[from:to] {
			if !yield(entry, nil) {
				return
			}
		}
	}
}

// honestLog is of a pool that pays in the coinbase: real work of two users, three blocks.
func honestLog(t *testing.T) forged {
	t.Helper()
	config := testConfig()
	config.Scheme, config.PayInCoinbase, config.FeePPM = payout.TIDES, true, 20_000
	p := startPool(t, t.TempDir(), config)
	a, b := dial(t, p.address), dial(t, p.address)
	offer := func(height uint32) {
		template := testTemplate(t, height, 0x207fffff)
		template.Previous = bitcoin.Hash{byte(height)}
		template.CoinbaseValue = 50*100_000_000 + 1000
		template.Fees = 1000
		if err := p.Offer(template, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	offer(50)
	a.login(alice)
	b.login(bob)
	network, _ := bitcoin.TargetOfBits(0x207fffff)
	salt := uint64(0)
	for height := uint32(51); height < 55; height++ {
		for i := range 4 {
			c, user := a, alice
			if i == 3 {
				c, user = b, bob
			}
			salt++
			if got := c.call("mining.submit", c.find(user, c.job(), salt, func(h bitcoin.Hash) bool { return !network.Met(h) && meets(c.difficulty)(h) })...); !got.isTrue() {
				t.Fatalf("share: %+v", got)
			}
		}
		salt++
		if height > 51 {
			if got := a.call("mining.submit", a.find(alice, a.job(), salt, network.Met)...); !got.isTrue() {
				t.Fatalf("block: %+v", got)
			}
		}
		jobs := len(a.jobs)
		offer(height)
		a.awaitJob(jobs + 1)
		for b.jobs[len(b.jobs)-1].Previous != a.job().Previous {
			b.awaitJob(len(b.jobs) + 1)
		}
	}
	p.stop()
	log, err := txlog.Open(p.dir+"/shares", txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var entries forged
	for entry, err := range log.Entries(0, log.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, slices.Clone(entry))
	}
	return entries
}

// underivable are fields that nothing else in the log says: when the pool's clock saw something, what a worker
// calls itself, which firmware a coinbase is for, what the pool's program was. A lie there moves no satoshi of a pool
// that pays in the coinbase. The mean fees are the chain's.
func underivable(path string) bool {
	for _, suffix := range []string{
		"Share.TimeMillis", "Job.TimeMillis", "Worker.Name", ".Variants.Name", "Lease.First", "Lease.Count", "Job.MeanFees", "Job.MinTime", "Scheme.Rules",
	} {
		if strings.HasSuffix(path, suffix) {
			return true
		}
	}
	return false
}

// forge calls do with each record once for every way of changing one of its fields, and undoes it.
func forge(path string, v reflect.Value, do func(path string)) {
	switch v.Kind() {
	case reflect.Pointer:
		forge(v.Elem().Type().Name(), v.Elem(), do)
	case reflect.Struct:
		for i := range v.NumField() {
			forge(path+"."+v.Type().Field(i).Name, v.Field(i), do)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.Len() > 0 {
				at := v.Index(v.Len() / 2)
				was := at.Uint()
				at.SetUint(was ^ 1)
				do(path)
				at.SetUint(was)
			}
			return
		}
		for i := range v.Len() {
			forge(path, v.Index(i), do)
		}
	case reflect.Array:
		at := v.Index(v.Len() / 2)
		was := at.Uint()
		at.SetUint(was ^ 1)
		do(path)
		at.SetUint(was)
	case reflect.Bool:
		v.SetBool(!v.Bool())
		do(path)
		v.SetBool(!v.Bool())
	case reflect.Uint64, reflect.Uint32, reflect.Uint8:
		was := v.Uint()
		for _, other := range []uint64{was + 1, 0} {
			if other != was {
				v.SetUint(other)
				do(path)
			}
		}
		v.SetUint(was)
	case reflect.Int64:
		was := v.Int()
		for _, other := range []int64{was + 1, 0} {
			if other != was {
				v.SetInt(other)
				do(path)
			}
		}
		v.SetInt(was)
	case reflect.String:
		was := v.String()
		v.SetString(strings.NewReplacer("q", "p", "tides", "pplns").Replace(was))
		if v.String() != was {
			do(path)
		}
		v.SetString(was)
	}
}

// A log is forged in every field of every record that says something about money or work, and signed again
// by the operator: each forgery is found, and the honest log is clean.
func TestEveryForgedFieldIsFound(t *testing.T) {
	honest := honestLog(t)
	clean, err := audit.Replay(honest, true)
	if err != nil || len(clean.Contradictions()) > 0 {
		t.Fatalf("the honest log: %v, %v", clean.Contradictions(), err)
	}
	if n := len(clean.Heights()); n != 3 {
		t.Fatalf("%d blocks", n)
	}
	tried, fields, missed := 0, map[string]int{}, map[string]string{}
	lastJob, lastBlock := lastOf(t, honest)
	for i, entry := range honest {
		record, err := sharelog.Decode(entry)
		if err != nil {
			t.Fatal(err)
		}
		if i >= lastJob || i >= lastBlock { // nothing was hashed that commits to these yet
			break
		}
		forge("", reflect.ValueOf(record), func(path string) {
			if underivable(path) {
				return
			}
			other := sharelog.Append(nil, record)
			if bytes.Equal(other, entry) || sameMeaning(t, honest, i, record) {
				return
			}
			copied := slices.Clone(honest)
			copied[i] = other
			tried++
			fields[path]++
			auditor, err := audit.Replay(copied, true)
			if err == nil && len(auditor.Contradictions()) == 0 {
				missed[path] = fmt.Sprintf("entry %d: %+v", i, record)
			}
		})
	}
	for path, example := range missed {
		t.Errorf("%s may be forged: %.300s", path, example)
	}
	if tried < 300 || len(fields) < 30 {
		t.Errorf("only %d forgeries of %d fields were tried", tried, len(fields))
	}
	t.Logf("%d forgeries of %d fields", tried, len(fields))
}

// lastOf are the entries of the last job and of the last block.
func lastOf(t *testing.T, log forged) (job, block int) {
	for i, entry := range log {
		record, err := sharelog.Decode(entry)
		if err != nil {
			t.Fatal(err)
		}
		switch r := record.(type) {
		case *sharelog.Job:
			job = i
		case *sharelog.Share:
			if r.SolvesBlock {
				block = i
			}
		}
	}
	return job, block
}

// sameMeaning tells of changes that say the same: a position with the same shares before it, and another
// coinbase of the same bytes.
func sameMeaning(t *testing.T, honest forged, index int, changed sharelog.Record) bool {
	t.Helper()
	was, err := sharelog.Decode(honest[index])
	if err != nil {
		t.Fatal(err)
	}
	switch r := changed.(type) {
	case *sharelog.Job:
		from, to := was.(*sharelog.Job).Position, r.Position
		if from == to || to > uint64(index) {
			return false
		}
		return !slices.ContainsFunc(honest[min(from, to):max(from, to)], sharelog.IsShare)
	case *sharelog.Share:
		from := was.(*sharelog.Share).Variant
		if from == r.Variant {
			return false
		}
		for _, entry := range honest[:index] {
			record, _ := sharelog.Decode(entry)
			if j, ok := record.(*sharelog.Job); ok && j.Number == r.Job && r.Variant < uint64(len(j.Variants)) {
				a, b := j.Variants[from], j.Variants[r.Variant]
				return bytes.Equal(a.Head, b.Head) && bytes.Equal(a.Tail, b.Tail)
			}
		}
	}
	return false
}
