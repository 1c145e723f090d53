package console

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/token"
)

// bodiesToJudge is how many mutated bodies are compared; make fuzz sets more (AQSHA_BODIES).
const bodiesToJudge = 6_000

// judge is the page's codec as a program: bundled from its sources, and run by Node.
type judge struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	bundler := filepath.Join("ui", "node_modules", ".bin", "esbuild")
	if _, err := os.Stat(bundler); err != nil {
		t.Skip("the console's packages are not here: make test fetches them where npm is")
	}
	script := filepath.Join(t.TempDir(), "judge.mjs")
	if out, err := exec.Command(bundler, filepath.Join("ui", "src", "ledger", "judge.ts"), "--bundle", "--format=esm", "--platform=node", "--outfile="+script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := exec.Command("node", script)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	return &judge{in, bufio.NewScanner(out)}
}

// vectorBodies are the bodies of all transactions of the project's vectors.
func vectorBodies(t *testing.T) (bodies [][]byte) {
	t.Helper()
	files, err := filepath.Glob("../testdata/vectors/ledger*.json")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Transactions []struct{ Body string }
		}
		if err := json.Unmarshal(content, &v); err != nil {
			t.Fatal(err)
		}
		for _, tx := range v.Transactions {
			body, err := hex.DecodeString(tx.Body)
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// mutated changes a body a little: bits, bytes that are extreme, pieces left out, doubled or taken from another.
func mutated(r *rand.Rand, bodies [][]byte) []byte {
	b := append([]byte(nil), bodies[r.IntN(len(bodies))]...)
	for range 1 + r.IntN(2) {
		at := r.IntN(len(b))
		switch r.IntN(6) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = []byte{0, 1, 0x17, 0x18, 0x19, 0x1b, 0x20, 0x40, 0x60, 0x80, 0xf4, 0xf5, 0xf6, 0xff}[r.IntN(14)]
		case 2:
			end := min(len(b), at+1+r.IntN(20))
			b = append(b[:at], b[end:]...)
		case 3:
			end := min(len(b), at+1+r.IntN(34))
			b = append(b[:end], append(append([]byte(nil), b[at:end]...), b[end:]...)...)
		case 4:
			other := bodies[r.IntN(len(bodies))]
			from := r.IntN(len(other))
			b = append(b[:at], append(append([]byte(nil), other[from:min(len(other), from+1+r.IntN(34))]...), b[at:]...)...)
		case 5:
			b[at]++
		}
		if len(b) == 0 {
			return []byte{0}
		}
	}
	return b
}

// ledgerSays is the ledger's own verdict: whether it reads the body, as a transaction without signatures.
func ledgerSays(body []byte) error {
	_, err := token.Decode(append(append([]byte{0x82}, body...), 0x80))
	return err
}

// What the page's codec reads the ledger reads, and the other way round: bodies of every kind, changed at random.
func TestThePageReadsWhatTheLedgerReads(t *testing.T) {
	j := newJudge(t)
	bodies := vectorBodies(t)
	want := bodiesToJudge
	if text := os.Getenv("AQSHA_BODIES"); text != "" {
		var err error
		if want, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	read, differ := 0, map[string]int{}
	for i := range want {
		body := bodies[i%len(bodies)]
		if i >= len(bodies) {
			body = mutated(r, bodies)
		}
		if _, err := fmt.Fprintln(j.in, hex.EncodeToString(body)); err != nil {
			t.Fatal(err)
		}
		if !j.out.Scan() {
			t.Fatalf("the codec ended at %x: %v", body, j.out.Err())
		}
		page, err := j.out.Text(), ledgerSays(body)
		if err == nil {
			read++
		}
		if (err == nil) != (page == "yes") {
			reason := fmt.Sprintf("page %s, ledger %v", page, err)
			if cut := strings.IndexByte(reason, '\n'); cut > 0 {
				reason = reason[:cut]
			}
			if differ[reason]++; len(differ) <= 40 && differ[reason] == 1 {
				t.Errorf("%s\n%x", reason, body)
			}
		}
	}
	if read < want/20 {
		t.Errorf("only %d of %d bodies were read at all: the changes are too coarse", read, want)
	}
	t.Logf("%d bodies, of which the ledger reads %d; %d differ", want, read, len(differ))
}
