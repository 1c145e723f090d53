package stratum_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/stratum"
)

func ExampleMessage_Parse() {
	var m stratum.Message
	err := m.Parse([]byte(`{"id":4,"method":"mining.submit","params":["worker","6b02","00000000","6b029179","3ab47b76"]}`))
	nonce, _ := m.Text(4)
	fmt.Println(err, string(m.Method), m.N, string(nonce))
	// Output: <nil> mining.submit 5 3ab47b76
}

// transcript returns the lines that real miners and pools have exchanged.
func transcript(t testing.TB) [][]byte {
	files, _ := filepath.Glob("../../../shared/data/transcripts/stratum-*.jsonl")
	if len(files) == 0 {
		files, _ = filepath.Glob("testdata/*.jsonl")
	}
	var lines [][]byte
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(raw) {
			var record struct{ Line string }
			if json.Unmarshal(line, &record) == nil && record.Line != "" {
				lines = append(lines, []byte(record.Line))
			}
		}
	}
	return lines
}

// The scanner agrees with encoding/json on what real programs send.
func TestTranscripts(t *testing.T) {
	lines := transcript(t)
	if len(lines) == 0 {
		t.Fatal("no transcripts")
	}
	notified := 0
	for _, line := range lines {
		agree(t, line)
		var m stratum.Message
		if m.Parse(line) != nil || string(m.Method) != "mining.notify" {
			continue
		}
		n, err := m.ParseNotify()
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		// What we write, we read as the same job.
		var back stratum.Message
		if err := back.Parse(bytes.TrimSpace(stratum.AppendNotify(nil, n))); err != nil {
			t.Fatal(err)
		}
		if again, err := back.ParseNotify(); err != nil || fmt.Sprint(*again) != fmt.Sprint(*n) {
			t.Errorf("%v comes back as %v, %v", n, again, err)
		}
		notified++
	}
	if notified == 0 {
		t.Error("no mining.notify among the transcripts")
	}
}

// agree fails when Parse and encoding/json see a different object.
func agree(t *testing.T, line []byte) {
	t.Helper()
	var m stratum.Message
	err := m.Parse(line)
	var want map[string]json.RawMessage
	wantErr := json.Unmarshal(line, &want)
	if want == nil && wantErr == nil {
		wantErr = errors.New("null")
	}
	switch {
	case errors.Is(err, stratum.ErrTooDeep) || errors.Is(err, stratum.ErrTooMany) || errors.Is(err, stratum.ErrTooLong):
		return
	case (err == nil) != (wantErr == nil):
		t.Fatalf("%q: %v, encoding/json: %v", line, err, wantErr)
	case err != nil:
		return
	}
	if bytes.ContainsRune(line, '\\') {
		return // keys with escapes are resolved by encoding/json only
	}
	if string(m.ID) != string(want["id"]) || string(m.Result) != string(want["result"]) || string(m.Error) != string(want["error"]) {
		t.Fatalf("%q: got id %s, result %s, error %s", line, m.ID, m.Result, m.Error)
	}
	var params []json.RawMessage
	if json.Unmarshal(want["params"], &params) != nil || params == nil {
		if m.N > 0 {
			t.Fatalf("%q: %d parameters of no array", line, m.N)
		}
		return
	}
	if m.N != len(params) {
		t.Fatalf("%q: %d parameters, want %d", line, m.N, len(params))
	}
	for i, p := range params {
		if string(p) != string(m.Params[i]) {
			t.Fatalf("%q: parameter %d is %s, want %s", line, i, m.Params[i], p)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range transcript(f)[:40] {
		f.Add(line)
	}
	for _, line := range []string{`{}`, `{"id":1,"id":2}`, `[]`, `{"params":{"a":[1,2,{"b":null}]}}`, `{"params":[1e-5,-0.1,"\u00e9\\"]}`, `{"a":01}`, "{\"\x01\":1}"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		agree(t, line)
		var m stratum.Message
		if m.Parse(line) != nil {
			return
		}
		_, _ = m.ParseNotify()
		_, _ = stratum.ParseSubscription(m.Result)
		_ = stratum.ParseRefusal(m.Error)
		for i := range m.N {
			_, _ = m.Text(i)
			_, _ = m.Number(i)
		}
	})
}

// Granted difficulties are never above what was asked, and their targets are exact.
func TestDifficulty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asked := math.Ldexp(rapid.Float64Range(0.5, 1).Draw(t, "fraction"), rapid.IntRange(-50, 70).Draw(t, "exponent"))
		d, err := stratum.FloorDifficulty(asked)
		if err != nil || !d.Valid() {
			t.Fatalf("%v: %v, %v", asked, d, err)
		}
		if d.Float() > asked && d != (stratum.Difficulty{N: 1, K: stratum.MaxK}) {
			t.Fatalf("%v is granted %v", asked, d)
		}
		if d.K > 0 && d.Float()*2 <= asked || d.K == 0 && asked < 1<<53 && d.Float()+1 <= asked {
			t.Fatalf("%v is granted %v only", asked, d)
		}
		product := new(big.Int).Mul(d.Target().Big(), new(big.Int).SetUint64(d.N))
		one := new(big.Int).Lsh(big.NewInt(0xffff), 208+uint(d.K))
		if one.BitLen() <= 256 && (product.Cmp(one) > 0 || new(big.Int).Sub(one, product).Cmp(new(big.Int).SetUint64(d.N)) >= 0) {
			t.Fatalf("target of %v is %s", d, d.Target())
		}
		other, _ := stratum.FloorDifficulty(rapid.Float64Range(1e-6, 1e6).Draw(t, "other"))
		if c := d.Compare(other); (c < 0) != (d.Float() < other.Float()) || (c == 0) != (d.Float() == other.Float()) {
			t.Fatalf("Compare(%v, %v) = %d", d, other, c)
		}
	})
}

// A share is never harder than a block.
func TestClamp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := uint32(rapid.IntRange(0x14, 0x20).Draw(t, "exponent"))<<24 | uint32(rapid.IntRange(0x8000, 0x7fffff).Draw(t, "mantissa"))
		network, err := bitcoin.TargetOfBits(bits)
		if err != nil {
			t.Skip("bits were drawn that are no target")
		}
		d, _ := stratum.FloorDifficulty(math.Ldexp(1, rapid.IntRange(-40, 61).Draw(t, "power")))
		clamped := d.Clamp(network)
		if target := clamped.Target(); !clamped.Valid() || target.Compare(network) < 0 {
			t.Fatalf("%v clamps to %v, harder than %s", d, clamped, network)
		}
		if target := d.Target(); target.Compare(network) >= 0 && clamped != d {
			t.Fatalf("%v, easy enough, became %v", d, clamped)
		}
	})
}

func TestHex(t *testing.T) {
	for text, want := range map[string]uint32{"0": 0, "deadBEEF": 0xdeadbeef, "00002000": 0x2000, "0x1f": 0x1f} {
		if got, ok := stratum.Hex32([]byte(text)); !ok || got != want {
			t.Errorf("Hex32(%q) = %x, %v", text, got, ok)
		}
	}
	for _, bad := range []string{"", "zz", "123456789", "0x", " 1", "-1"} {
		if got, ok := stratum.Hex32([]byte(bad)); ok {
			t.Errorf("Hex32(%q) = %x", bad, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	for raw, want := range map[string]stratum.Refusal{
		`[23,"Above target",null]`:         {Code: 23, Text: "Above target"},
		`"Invalid job_id"`:                 {Code: 20, Text: "Invalid job_id"},
		`{"code":21,"message":"Job gone"}`: {Code: 21, Text: "Job gone"},
		`7`:                                {Code: 20, Text: "7"},
	} {
		if got := stratum.ParseRefusal([]byte(raw)); got == nil || *got != want {
			t.Errorf("%s: %v", raw, got)
		}
	}
	if stratum.ParseRefusal([]byte("null")) != nil {
		t.Error("null is a refusal")
	}
}

func BenchmarkParseSubmit(b *testing.B) {
	submit := []byte(`{"id":4,"method":"mining.submit","params":["bcrt1qtp7fhly84qm6q4hhzmp0nh5frtdugmyszllqc7.rig1","6b028f770000004f","0000000000000000","6b0290ad","be062e00"]}`)
	var m stratum.Message
	b.ReportAllocs()
	for b.Loop() {
		if m.Parse(submit) != nil {
			b.Fatal()
		}
	}
}
