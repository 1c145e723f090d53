package fleet

import (
	"bytes"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
)

// model is a kind of device by its name.
func model(t testing.TB, name string) *Model {
	t.Helper()
	for _, m := range Models() {
		if m.Name == name {
			return &m
		}
	}
	t.Fatalf("no model %s", name)
	return nil
}

// made is a device that has logged in nowhere yet.
func made(t testing.TB, name string) *device {
	return &device{Model: model(t, name), rate: 1000, names: []string{"addr.1"}, pending: map[int]bitcoin.Hash{}, difficulty: 1e-9}
}

// pool are lines as a pool writes them.
func lines(all ...string) []byte { return []byte(strings.Join(all, "\n") + "\n") }

// notify is a job with a branch of two.
func notify(id string, clean bool) string {
	n := &stratum.Notify{JobID: id, Previous: bitcoin.Hash{7}, Head: []byte("head"), Tail: []byte("tail"), CleanJobs: clean,
		Branch: []bitcoin.Hash{{1}, {2}}, Version: 0x20000000, Bits: 0x207fffff, Time: 1_800_000_000}
	return strings.TrimSpace(string(stratum.AppendNotify(nil, n)))
}

const (
	subscribed = `{"id":1,"result":[[["mining.set_difficulty","1"],["mining.notify","1"]],"0a0b0c0d0e",8],"error":null}`
	configured = `{"id":2,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null}`
)

// Every model is whole and of its own name, says where it was seen, and logs in with lines that a pool understands: each
// with a number of its own, every worker named.
func TestModelsLogIn(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Models() {
		if m.Name == "" || seen[m.Name] || m.Agent == "" || len(m.Source) < 10 || m.Suggest < 0 || m.OldJob < 0 ||
			m.RollVersion && !m.Configure || !slices.Contains([]string{"", "underscore", "escaped"}, m.Writes) {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
		d := &device{Model: &m, rate: 1000, names: []string{"addr.1", `addr.\u049b2`}}
		ids, methods := map[string]bool{}, []string{}
		for _, line := range d.login() {
			var said stratum.Message
			if err := said.Parse(line); err != nil || !json.Valid(line) {
				t.Fatalf("%s says %s: %v", m.Name, line, err)
			}
			if ids[string(said.ID)] {
				t.Errorf("%s says %s twice", m.Name, said.ID)
			}
			ids[string(said.ID)] = true
			methods = append(methods, string(said.Method))
		}
		count := func(method string) (n int) {
			for _, said := range methods {
				if said == method {
					n++
				}
			}
			return n
		}
		for method, want := range map[string]bool{"mining.configure": m.Configure, "mining.subscribe": true,
			"mining.extranonce.subscribe": m.ExtranonceSubscribe, "mining.suggest_difficulty": m.Suggest > 0} {
			if n := count(method); n > 1 || (n == 1) != want {
				t.Errorf("%s says %s %d times", m.Name, method, n)
			}
		}
		if n := count("mining.authorize"); n != 2 {
			t.Errorf("%s names %d workers of two", m.Name, n)
		}
	}
	if len(seen) < 8 {
		t.Errorf("%d models", len(seen))
	}
}

// What a pool sends is understood however it is cut into pieces on its way.
func TestHeardInPieces(t *testing.T) {
	said := lines(subscribed, configured, `{"id":null,"method":"mining.set_difficulty","params":[0.5]}`, notify("j1", true))
	rapid.Check(t, func(rt *rapid.T) {
		d, r, now := made(t, "Braiins OS"), &Result{}, time.Unix(1_800_000_000, 0)
		for rest := said; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "bytes")
			if err := d.hear(rest[:n], now, r); err != nil {
				rt.Fatal(err)
			}
			rest = rest[n:]
		}
		if hex.EncodeToString(d.extranonce1) != "0a0b0c0d0e" || d.mask != settings.MaskBIP320 || d.difficulty != 0.5 ||
			d.next == nil || d.next.JobID != "j1" || len(d.partial) != 0 {
			rt.Fatalf("%+v", d)
		}
	})
}

// A pool that answers rubbish ends the run with the line that was rubbish, and whose device heard it.
func TestAPoolThatAnswersRubbish(t *testing.T) {
	for what, line := range map[string]string{
		"no JSON":                 `{"id":1,`,
		"a number":                "1",
		"a list":                  "[]",
		"no difficulty":           `{"id":null,"method":"mining.set_difficulty","params":[]}`,
		"a difficulty in words":   `{"id":null,"method":"mining.set_difficulty","params":["hard"]}`,
		"a job of nothing":        `{"id":null,"method":"mining.notify","params":[]}`,
		"a job of half":           strings.Replace(notify("j", true), "20000000", "2000", 1),
		"a subscription of words": `{"id":1,"result":[[["mining.notify","1"]],"zz",8],"error":null}`,
	} {
		d := made(t, "cgminer")
		if err := d.hear(lines(line), time.Unix(0, 0), &Result{}); err == nil || !strings.Contains(err.Error(), "cgminer") {
			t.Errorf("%s: %v", what, err)
		}
	}
	// What devices do not know they leave alone.
	d, r := made(t, "cgminer"), &Result{Refused: map[string]uint64{}, Models: map[string]*ModelResult{}}
	for _, line := range []string{`{"id":null,"method":"client.show_message","params":["hello"]}`, `{"id":77,"result":true,"error":null}`,
		`{"id":"x","result":true,"error":null}`, `{"id":null,"result":null,"error":null}`} {
		if err := d.hear(lines(line), time.Unix(0, 0), r); err != nil || r.Accepted != 0 || len(r.Refused) != 0 {
			t.Errorf("%s: %v, %+v", line, err, r)
		}
	}
	// A difficulty of nothing cannot be worked for.
	d.difficulty = 0
	if err := d.hear(lines(notify("j", true)), time.Unix(0, 0), r); err == nil {
		t.Error("a job without a difficulty is taken")
	}
}

// A job that is told to be clean is taken at once; another only when the device is done with its old one.
func TestWhenAJobIsTaken(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, name := range []string{"cgminer", "minerd", "ESP-Miner"} {
		d := made(t, name)
		hear := func(id string, clean bool) {
			t.Helper()
			if err := d.hear(lines(notify(id, clean)), now, &Result{}); err != nil {
				t.Fatal(err)
			}
			d.take(now)
		}
		d.extranonce1 = []byte{1}
		if hear("first", false); d.job == nil || d.job.JobID != "first" {
			t.Fatalf("%s does not begin", name)
		}
		before := d.extranonce2
		hear("later", false)
		if early := d.job.JobID == "later"; early != (d.OldJob == 0) {
			t.Errorf("%s takes another job at once: %v", name, early)
		}
		d.take(now.Add(time.Duration(d.OldJob) * time.Second))
		if d.job.JobID != "later" || d.RestartExtranonce2 != (d.extranonce2 == 0) || !d.RestartExtranonce2 && d.extranonce2 == before {
			t.Errorf("%s works for %s at its extranonce %d, before %d", name, d.job.JobID, d.extranonce2, before)
		}
		hear("clean", true)
		if d.job.JobID != "clean" {
			t.Errorf("%s goes on with %s when told to clean", name, d.job.JobID)
		}
		d.leaving = true
		if hear("last", true); d.job.JobID != "clean" || d.ready() {
			t.Errorf("%s takes work on its way out", name)
		}
	}
}

// What a device submits is the work that it did: whoever puts a header together from the job and the five fields of its
// line, by Bitcoin's rules and nothing of ours, comes to the hash that it found.
func TestSubmissionsAgainstBitcoinsRules(t *testing.T) {
	twice := func(b []byte) []byte {
		once := sha256.Sum256(b)
		again := sha256.Sum256(once[:])
		return again[:]
	}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom([]string{"Braiins OS", "NerdMiner", "rental proxy"}).Draw(rt, "model")
		d := made(t, name)
		d.names = []string{"addr.1", "addr.2"}
		d.extranonce1, d.mask = rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(rt, "extranonce1"), settings.MaskBIP320
		d.extranonce2 = rapid.Uint64().Draw(rt, "extranonce2")
		if err := d.hear(lines(notify("job", true)), time.Unix(0, 0), &Result{}); err != nil {
			rt.Fatal(err)
		}
		d.take(time.Unix(0, 0))
		nonce := rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(0, 300)).Draw(rt, "nonce")
		line, hash := d.submission(nonce)
		var said stratum.Message
		if err := said.Parse(line); err != nil || string(said.Method) != "mining.submit" {
			rt.Fatalf("%s: %v", line, err)
		}
		var params struct{ Params []string }
		if err := json.Unmarshal(line, &params); err != nil {
			rt.Fatal(err)
		}
		number := func(text string) uint32 {
			n, ok := new(big.Int).SetString(text, 16)
			if !ok || n.BitLen() > 32 {
				rt.Fatalf("%q is no number of 32 bits", text)
			}
			return uint32(n.Uint64())
		}
		extranonce2, err := hex.DecodeString(params.Params[2])
		if err != nil || len(extranonce2) != 8 || params.Params[1] != "job" || !strings.HasPrefix(params.Params[0], "addr.") {
			rt.Fatalf("%s", line)
		}
		version := d.job.Version
		if rolled := len(params.Params) == 6; rolled != d.RollVersion {
			rt.Fatalf("%s rolls its version: %s", name, line)
		} else if rolled {
			version = version&^settings.MaskBIP320 | number(params.Params[5])&settings.MaskBIP320
		}
		if d.Unpadded && len(params.Params[4]) != max(1, len(fmt.Sprintf("%x", nonce))) || !d.Unpadded && len(params.Params[4]) != 8 {
			rt.Fatalf("a nonce written as %q", params.Params[4])
		}
		root := twice(slices.Concat(d.job.Head, d.extranonce1, extranonce2, d.job.Tail))
		for _, sibling := range d.job.Branch {
			root = twice(slices.Concat(root, sibling[:]))
		}
		header := binary.LittleEndian.AppendUint32(nil, version)
		header = slices.Concat(header, d.job.Previous[:], root)
		for _, n := range []uint32{number(params.Params[3]), d.job.Bits, number(params.Params[4])} {
			header = binary.LittleEndian.AppendUint32(header, n)
		}
		if want := twice(header); !bytes.Equal(want, hash[:]) {
			rt.Fatalf("%s\nis work of %x, the device found %x", line, want, hash)
		}
	})
}

// Answers to shares are counted by what was answered, each share's once.
func TestAnswersAreCountedOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, r := made(t, "cgminer"), &Result{Refused: map[string]uint64{}, Models: map[string]*ModelResult{}}
		shares := rapid.IntRange(0, 12).Draw(rt, "shares")
		for id := range shares {
			d.pending[id] = bitcoin.Hash{byte(id)}
		}
		var accepted, refused, stale uint64
		for range rapid.IntRange(0, 30).Draw(rt, "answers") {
			id := rapid.IntRange(0, 15).Draw(rt, "id")
			_, waits := d.pending[id]
			line := fmt.Sprintf(`{"id":%d,"result":true,"error":null}`, id)
			kind := rapid.IntRange(0, 2).Draw(rt, "kind")
			switch kind {
			case 1:
				line = fmt.Sprintf(`{"id":%d,"result":null,"error":[21,"stale",null]}`, id)
			case 2:
				line = fmt.Sprintf(`{"id":%d,"result":false,"error":[23,"low",null]}`, id)
			}
			if waits {
				accepted += uint64(map[bool]int{true: 1}[kind == 0])
				stale += uint64(map[bool]int{true: 1}[kind == 1])
				refused += uint64(map[bool]int{true: 1}[kind != 0])
			}
			if err := d.hear(lines(line), time.Unix(0, 0), r); err != nil {
				rt.Fatal(err)
			}
		}
		if r.Accepted != accepted || r.by("cgminer").Refused != refused || r.Refused[`[21,"stale",null]`] != stale ||
			uint64(shares) != accepted+refused+uint64(len(d.pending)) {
			rt.Fatalf("%+v; %d accepted and %d refused of %d, %d wait", r, accepted, refused, shares, len(d.pending))
		}
	})
}

// Events come in the order of their time, and those of one time in that in which they were queued.
func TestEventsInTheirOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var q queue
		var want []event
		for i, at := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 30).Draw(rt, "times") {
			e := event{at: time.Unix(int64(at), 0), number: uint64(i)}
			heap.Push(&q, e)
			want = append(want, e)
		}
		slices.SortStableFunc(want, func(a, b event) int { return a.at.Compare(b.at) })
		for _, e := range want {
			if got := heap.Pop(&q).(event); got.number != e.number {
				rt.Fatalf("event %d comes before %d", got.number, e.number)
			}
		}
	})
}

// A target in compact form is the largest that the form has which is not easier.
func TestTargetsInCompactForm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 3, 32).Draw(rt, "target"))
		if n.BitLen() < 24 || n.BitLen() > 255 {
			return
		}
		bits := bitsOf(bitcoin.TargetOfBig(n))
		back, err := bitcoin.TargetOfBits(bits)
		if err != nil {
			rt.Fatal(err)
		}
		next, err := bitcoin.TargetOfBits(bits + 1)
		if back.Big().Cmp(n) > 0 || err == nil && bits&0x7fffff != 0x7fffff && next.Big().Cmp(n) <= 0 {
			rt.Fatalf("%x is %08x, which is %x; the next is %x", n, bits, back.Big(), next.Big())
		}
	})
}
