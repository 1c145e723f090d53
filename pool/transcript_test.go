package pool_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/stratum"
)

// recordedLine is one line between a real miner and this pool.
type recordedLine struct{ From, Line string }

// Conversations of pooler's minerd 2.5.1 and JayDDee's cpuminer-opt 26.1 with this pool on btcd
// regtest. Every answer of true was right: the header rebuilt here from the pool's own lines meets
// the difficulty in force. And the pool still answers their opening lines in the same way.
func TestTranscriptsOfRealMiners(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.jsonl")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lines []recordedLine
		for line := range bytes.Lines(raw) {
			var one recordedLine
			if err := json.Unmarshal(line, &one); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, one)
		}
		if n := checkShares(t, lines); n < 3 {
			t.Errorf("%s: %d shares", file, n)
		}
		replayOpening(t, lines)
	}
}

// checkShares rebuilds the header of every share that was answered true.
func checkShares(t *testing.T, lines []recordedLine) (checked int) {
	t.Helper()
	jobs := map[string]*stratum.Notify{}
	var extranonce1 []byte
	var pending *stratum.Message
	difficulty := 0.0
	for _, l := range lines {
		m := new(stratum.Message)
		if err := m.Parse([]byte(l.Line)); err != nil {
			t.Fatalf("%q: %v", l.Line, err)
		}
		switch {
		case string(m.Method) == "mining.notify":
			job, err := m.ParseNotify()
			if err != nil {
				t.Fatal(err)
			}
			jobs[job.JobID] = job
		case string(m.Method) == "mining.set_difficulty":
			difficulty, _ = m.Number(0)
		case string(m.Method) == "mining.submit":
			pending = m
		case l.From == "pool" && string(m.ID) == "1":
			s, err := stratum.ParseSubscription(m.Result)
			if err != nil {
				t.Fatal(err)
			}
			extranonce1 = s.Extranonce1
		case l.From == "pool" && pending != nil && string(m.ID) == string(pending.ID) && string(m.Result) == "true":
			header := headerOf(t, pending, jobs, extranonce1)
			network, _ := bitcoin.TargetOfBits(header.Bits)
			d, _ := stratum.FloorDifficulty(difficulty)
			if target := d.Clamp(network).Target(); !target.Met(header.Hash()) {
				t.Errorf("%s: hash %s does not meet difficulty %v", l.Line, header.Hash(), difficulty)
			}
			pending = nil
			checked++
		}
	}
	return checked
}

func headerOf(t *testing.T, submit *stratum.Message, jobs map[string]*stratum.Notify, extranonce1 []byte) bitcoin.Header {
	t.Helper()
	text := func(i int) string {
		s, err := submit.Text(i)
		if err != nil {
			t.Fatal(err)
		}
		return string(s)
	}
	job := jobs[text(1)]
	extranonce2, err := hex.DecodeString(text(2))
	if job == nil || err != nil {
		t.Fatalf("job %s, extranonce2 %s", text(1), text(2))
	}
	coinbase := append(append(append(append([]byte(nil), job.Head...), extranonce1...), extranonce2...), job.Tail...)
	ntime, _ := stratum.Hex32([]byte(text(3)))
	nonce, _ := stratum.Hex32([]byte(text(4)))
	return bitcoin.Header{
		Version: job.Version, Previous: job.Previous, MerkleRoot: bitcoin.RootOf(bitcoin.HashOf(coinbase), job.Branch), Time: ntime, Bits: job.Bits, Nonce: nonce,
	}
}

// replayOpening sends a real miner's lines up to its first share to a pool and compares the
// methods of what comes back, in order.
func replayOpening(t *testing.T, lines []recordedLine) {
	t.Helper()
	config := testConfig()
	config.StartDifficulty = 1.0 / (1 << 10)
	p := startOffered(t, config)
	c := dial(t, p.address)
	_ = c.conn.SetDeadline(time.Now().Add(20 * time.Second))
	jobs := 0
	for _, l := range lines {
		var m stratum.Message
		_ = m.Parse([]byte(l.Line))
		if l.From == "miner" {
			if string(m.Method) == "mining.submit" {
				return
			}
			if _, err := c.conn.Write([]byte(l.Line + "\n")); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if string(m.Method) == "mining.notify" {
			if jobs++; jobs > 1 {
				continue // came with time
			}
		}
		got, ok := c.next()
		if !ok || got.Method != string(m.Method) || m.ID != nil && string(m.ID) != "null" && string(got.ID) != string(m.ID) {
			t.Errorf("pool answers %+v where it said %s", got, l.Line[:min(len(l.Line), 100)])
		}
	}
}
