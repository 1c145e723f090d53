package miningcmd

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Addresses on regtest; nobody's keys matter here.
const (
	alice    = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	bob      = "bcrt1qtp7fhly84qm6q4hhzmp0nh5frtdugmyszllqc7"
	operator = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"
)

// height is that of the block which the logs of these tests have.
const height = 7

// minute is a moment of the pool's clock.
const minute = int64(1_780_000_000_000)

// honest is a pool's log as its pool writes it: shares of two users, alice's twice bob's, and a block that is final. The
// work is hashed.
func honest(t *testing.T) (records []sharelog.Record) {
	t.Helper()
	network, err := bitcoin.FindNetwork("regtest")
	if err != nil {
		t.Fatal(err)
	}
	script, err := network.PayTo(operator)
	if err != nil {
		t.Fatal(err)
	}
	reward := payout.Subsidy(network, height)
	parts, err := bitcoin.Coinbase{Height: height, Extranonce: sharelog.ExtranonceSize, Tag: []byte("/test/"),
		Outputs: []bitcoin.Output{{Value: reward, Script: script}}}.Parts()
	if err != nil {
		t.Fatal(err)
	}
	job := &sharelog.Job{Number: 1, TimeMillis: minute, Height: height, Previous: bitcoin.Hash{9}, Version: 0x20000000,
		Bits: 0x207fffff, MinTime: uint32(minute / 1000), CoinbaseValue: reward,
		Variants: []sharelog.Variant{{Name: "unknown", Head: parts.Head, Tail: parts.Tail,
			Payees: []sharelog.Payee{{Amount: reward}}}}}
	records = []sharelog.Record{
		&sharelog.Scheme{Name: payout.PPLNS, FeePPM: 20_000, Address: operator, Rules: sharelog.RulesAtBlock},
		&sharelog.Worker{Number: 1, User: 1, Address: alice, Name: "a"},
		&sharelog.Worker{Number: 2, User: 2, Address: bob, Name: "b"}, job,
	}
	target, err := bitcoin.TargetOfBits(job.Bits)
	if err != nil {
		t.Fatal(err)
	}
	easiest, err := stratum.FloorDifficulty(1.0 / (1 << 32))
	if err != nil {
		t.Fatal(err)
	}
	var block bitcoin.Hash
	for shares, nonce := 0, uint32(0); shares < 6 || block == (bitcoin.Hash{}); nonce++ {
		s := &sharelog.Share{TimeMillis: minute + int64(nonce), Worker: uint64(1 + shares%3/2), Job: 1, Difficulty: easiest,
			Version: job.Version, Time: job.MinTime, Nonce: nonce, Extranonce: make([]byte, sharelog.ExtranonceSize)}
		header, err := s.Header(job)
		if err != nil {
			t.Fatal(err)
		}
		hash := header.Hash()
		solves := target.Met(hash)
		if goal := easiest.Target(); !goal.Met(hash) || solves != (shares == 5) { // the sixth is the block
			continue
		}
		copy(s.HashPrefix[:], hash[:])
		if s.SolvesBlock = solves; solves {
			block = hash
		}
		records = append(records, s)
		shares++
	}
	return append(records, &sharelog.Status{TimeMillis: minute + 3_600_000, Hash: block, Status: sharelog.StatusConfirmed})
}

// write appends records to the log of a pool's directory, which is made with its key if there is none.
func write(t *testing.T, dir string, records ...sharelog.Record) {
	t.Helper()
	options, err := poolLogOptions(dir, "test", true)
	if err != nil {
		t.Fatal(err)
	}
	options.SegmentBytes = 1 << 20 // as little as it takes
	log, err := txlog.Open(filepath.Join(dir, "shares"), options)
	if err != nil {
		t.Fatal(err)
	}
	var entries [][]byte
	for _, r := range records {
		entries = append(entries, sharelog.Append(nil, r))
	}
	batch, err := log.Stage(entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Commit(batch); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Publish(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// published is a pool's directory with a log, served as a pool serves it while open.
func published(t *testing.T, records ...sharelog.Record) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "pool")
	write(t, dir, records...)
	return dir
}

// serveLog serves the log of a directory, and ends with the test or by stop.
func serveLog(t *testing.T, dir string) (url string, stop func()) {
	t.Helper()
	log, err := openPoolLog(dir, "", false)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "log.pub"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/log/key", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(key) })
	mux.Handle("/log/tile/entries/", http.StripPrefix("/log", log.EntriesHandler()))
	mux.Handle("/log/", http.StripPrefix("/log", log.Handler()))
	server := httptest.NewServer(mux)
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			server.Close()
			_ = log.Close()
		}
	}
	t.Cleanup(stop)
	return server.URL, stop
}

// copyOf fetches a copy of a pool's log.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	url, stop := serveLog(t, dir)
	defer stop()
	to := filepath.Join(t.TempDir(), "copy")
	run(t, "pool", "fetch", url, "--data", to).Wants(t, 0, "test")
	return to
}

// change puts another record in the place of each of a kind.
func change[R sharelog.Record](records []sharelog.Record, by func(R)) []sharelog.Record {
	for _, r := range records {
		if one, is := r.(R); is {
			by(one)
		}
	}
	return records
}

// recomputed is a block's split as "pool recompute --json" says it.
type recomputed struct {
	Status  string
	Reward  money.Satoshi `json:"reward_satoshi"`
	Credits []struct {
		User    uint64
		Address string
		Amount  money.Satoshi `json:"amount_satoshi"`
	}
	Checked struct{ Shares, Blocks uint64 }
}

// Anybody recomputes a block from a pool's directory, from one whose secret is taken out, and from a copy: the same
// split, of which every satoshi is somebody's, and which gives alice, who worked twice as much, twice as much.
func TestABlockIsRecomputedFromAnyCopy(t *testing.T) {
	dir := published(t, honest(t)...)
	public := filepath.Join(t.TempDir(), "public")
	if err := os.CopyFS(public, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(public, "log.key")); err != nil {
		t.Fatal(err)
	}
	fetched := copyOf(t, dir)
	var first string
	for _, from := range []string{dir, public, fetched} {
		e := run(t, "pool", "recompute", "--data", from, "--block", "7", "--verify", "--json").Wants(t, 0)
		if first == "" {
			first = e.Out
		}
		if e.Out != first {
			t.Errorf("%s: %s\n%s", from, e.Out, first)
		}
	}
	for _, scheme := range []string{payout.PPLNS, payout.TIDES, payout.PROP, payout.SOLO} {
		var r recomputed
		run(t, "pool", "recompute", "--data", fetched, "--block", "7", "--scheme", scheme, "--verify", "--json").JSON(t, &r)
		sum, by := money.Satoshi(0), map[string]money.Satoshi{}
		for _, c := range r.Credits {
			sum += c.Amount
			by[c.Address] += c.Amount
		}
		if sum != r.Reward || r.Status != "final" || r.Checked.Shares != 6 || r.Checked.Blocks != 1 {
			t.Errorf("%s: %d of %d, %+v", scheme, sum, r.Reward, r)
		}
		switch double := 2 * by[bob]; {
		case scheme == payout.SOLO && by[alice] != 0, by[bob] == 0: // the sixth share was bob's
			t.Errorf("%s: %v", scheme, by)
		case scheme == payout.PPLNS: // whose window is of the last four shares here, half of them bob's
			double = by[bob]
			fallthrough
		case scheme != payout.SOLO:
			if by[alice] < double || by[alice] > double+double/100 {
				t.Errorf("%s: %v", scheme, by)
			}
		}
	}
	run(t, "pool", "recompute", "--data", fetched, "--block", "7").Wants(t, 0, alice, bob, operator)
	e := run(t, "pool", "recompute", "--data", fetched, "--block", "8", "--json")
	if code, field := e.Code(t); code != "cannot-recompute" || field != "block" || e.Exit != 3 {
		t.Errorf("%d %s %s", e.Exit, code, field)
	}
	var spread []struct {
		Address string
		Shares  int
		Earned  map[string]money.Satoshi `json:"earned_satoshi"`
	}
	run(t, "pool", "recompute", "--data", fetched, "--json").JSON(t, &spread)
	shares := map[string]int{}
	for _, s := range spread {
		shares[s.Address] += s.Shares
		if len(s.Earned) != len(payout.Schemes) {
			t.Errorf("%s: %v", s.Address, s.Earned)
		}
	}
	if shares[alice] != 4 || shares[bob] != 2 {
		t.Errorf("%v", shares)
	}
	run(t, "pool", "recompute", "--data", fetched).Wants(t, 0, alice, "pplns")
}

// A scheme that nobody knows is refused, with and without a block, before a log is read.
func TestASchemeIsJudgedBeforeALogIsRead(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, line := range [][]string{{"--scheme", "luck"}, {"--scheme", "luck", "--block", "7"}, {"--scheme", ""}} {
		run(t, append([]string{"pool", "recompute", "--data", none}, line...)...).Wants(t, 3, "scheme")
	}
}

// A log that says what its own bytes deny convicts its pool: no figure is shown, and the place is.
func TestALogThatContradictsItself(t *testing.T) {
	for name, lie := range map[string]func(*testing.T) []sharelog.Record{
		"reward": func(t *testing.T) []sharelog.Record {
			return change(honest(t), func(j *sharelog.Job) { j.CoinbaseValue++ })
		},
		"height": func(t *testing.T) []sharelog.Record {
			return change(honest(t), func(j *sharelog.Job) { j.Height++ })
		},
		"share": func(t *testing.T) []sharelog.Record { // work that was not done
			return change(honest(t), func(s *sharelog.Share) { s.Difficulty = stratum.Difficulty{N: 1 << 40} })
		},
		"solves": func(t *testing.T) []sharelog.Record { // a block that is kept back
			return change(honest(t), func(s *sharelog.Share) { s.SolvesBlock = false })
		},
		"time": func(t *testing.T) []sharelog.Record {
			return change(honest(t), func(j *sharelog.Job) { j.MinTime++ })
		},
		"payees": func(t *testing.T) []sharelog.Record {
			return change(honest(t), func(j *sharelog.Job) { j.Variants[0].Payees[0].User = 1 })
		},
		"bits": func(t *testing.T) []sharelog.Record {
			return change(honest(t), func(j *sharelog.Job) { j.Bits = 0 })
		},
	} {
		dir := published(t, lie(t)...)
		e := run(t, "pool", "recompute", "--data", dir, "--verify")
		if e.Exit != 3 || !strings.Contains(e.Err, name) || e.Out != "" {
			t.Errorf("%s: exit %d\n%s%s", name, e.Exit, e.Out, e.Err)
		}
	}
}

// chain is a node of Bitcoin that knows hashes by height, and answers what it is asked as told.
func chain(t *testing.T, answers map[string]any) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			ID     any
			Method string
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		result, knows := answers[asked.Method]
		switch text, raw := result.(string); {
		case !knows:
			_ = json.NewEncoder(w).Encode(map[string]any{"id": asked.ID,
				"error": map[string]any{"code": -32601, "message": "no " + asked.Method}})
		case raw && strings.HasPrefix(text, "raw:"):
			_, _ = w.Write([]byte(text[4:]))
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"id": asked.ID, "result": result})
		}
	}))
	t.Cleanup(server.Close)
	return "http://u:p@" + strings.TrimPrefix(server.URL, "http://")
}

// blockOf is the block in a log.
func blockOf(t *testing.T, records []sharelog.Record) (hash bitcoin.Hash) {
	t.Helper()
	for _, r := range records {
		if s, is := r.(*sharelog.Status); is {
			return s.Hash
		}
	}
	t.Fatal("no block")
	return hash
}

// With a node the chain has its say: it agrees, has another block, or is not so high; one that does not answer, or
// answers rubbish, convicts nobody.
func TestALogAgainstTheChain(t *testing.T) {
	records := honest(t)
	dir, block := published(t, records...), blockOf(t, records)
	info := map[string]any{"chain": "regtest", "blocks": 200}
	for name, c := range map[string]struct {
		answers   map[string]any
		convicted bool
		exit      int
	}{
		"agrees":     {map[string]any{"getblockchaininfo": info, "getblockhash": block.String()}, false, 0},
		"another":    {map[string]any{"getblockchaininfo": info, "getblockhash": bitcoin.Hash{1}.String()}, true, 3},
		"rubbish":    {map[string]any{"getblockchaininfo": info, "getblockhash": "raw:<html>"}, false, -1},
		"no hash":    {map[string]any{"getblockchaininfo": info, "getblockhash": 12}, false, -1},
		"no chain":   {map[string]any{"getblockchaininfo": "raw:{}"}, false, -1},
		"says no":    {map[string]any{"getblockchaininfo": info}, false, -1},
		"other name": {map[string]any{"getblockchaininfo": map[string]any{"chain": "lunar"}}, false, -1},
	} {
		e := run(t, "pool", "recompute", "--data", dir, "--block", "7", "--bitcoin", chain(t, c.answers))
		if convicted := strings.Contains(e.Err, "contradicts"); convicted != c.convicted ||
			c.exit >= 0 && e.Exit != c.exit || c.exit < 0 && (e.Exit == 0 || e.Exit == 3 || e.Out != "") {
			t.Errorf("%s: exit %d\n%s%s", name, e.Exit, e.Out, e.Err)
		}
	}
}

// A directory with something else in the log's place is refused, and nothing is written into it.
func TestDirectoriesWithoutAPoolsLog(t *testing.T) {
	for name, make := range map[string]func(dir string){
		"nothing":      func(string) {},
		"a file":       func(dir string) { clitest.Put(t, "x", dir, "shares") },
		"an empty log": func(dir string) { _ = os.MkdirAll(filepath.Join(dir, "shares"), 0o700) },
		"a torn key":   func(dir string) { write(t, dir, honest(t)...); clitest.Put(t, "PRIVATE+KEY+x", dir, "log.key") },
		"a torn head":  func(dir string) { write(t, dir, honest(t)...); clitest.Put(t, "torn", dir, "shares", "checkpoint") },
		"a torn copy":  func(dir string) { _ = os.CopyFS(dir, os.DirFS(copyOf(t, published(t, honest(t)...)))); tear(t, dir) },
	} {
		dir := filepath.Join(t.TempDir(), "pool")
		make(dir)
		before := listing(t, dir)
		for _, line := range [][]string{{"recompute"}, {"report", "--members", clitest.Put(t, "", t.TempDir(), "m.csv")}} {
			if e := run(t, append(append([]string{"pool"}, line...), "--data", dir)...); e.Exit == 0 || e.Out != "" {
				t.Errorf("%s, %v: %s", name, line, e.Out)
			}
		}
		if after := listing(t, dir); after != before {
			t.Errorf("%s: was\n%s\nis\n%s", name, before, after)
		}
	}
}

// tear damages the entries of a copy.
func tear(t *testing.T, dir string) {
	t.Helper()
	_ = filepath.WalkDir(filepath.Join(dir, "tile"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			raw, _ := os.ReadFile(path)
			raw[len(raw)/2]++
			clitest.Put(t, string(raw), path)
		}
		return nil
	})
}

// listing is the names and sizes of a directory's files.
func listing(t *testing.T, dir string) (text string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(path, "/shares/tiles/") { // which are made of the log anew
			info, _ := d.Info()
			text += fmt.Sprintf("%s %d\n", path, info.Size())
		}
		return nil
	})
	return text
}

// sized is how many entries a directory's log has.
func sized(t *testing.T, dir string) uint64 {
	t.Helper()
	log, err := openPoolLog(dir, "", false)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	return log.Size()
}

// A log is made whole from a copy that has more of it; what was there is kept. From a copy that has nothing more, of
// another pool, that is damaged or the log itself, and while the log is open, nothing is done; nor without --discard
// where shares would be lost. A restore that was cut off between two names is ended by the next.
func TestALogIsMadeWholeFromACopy(t *testing.T) {
	all := honest(t)
	dir := published(t, all[:6]...)
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, all[6:]...)
	whole := copyOf(t, dir)
	restore := func(from string, more ...string) clitest.Ended {
		t.Helper()
		return run(t, append([]string{"pool", "restore", "--data", backup, "--from", from}, more...)...)
	}
	before := listing(t, backup)
	other, torn := copyOf(t, published(t, all...)), filepath.Join(t.TempDir(), "torn")
	if err := os.CopyFS(torn, os.DirFS(whole)); err != nil {
		t.Fatal(err)
	}
	tear(t, torn)
	restore(other).Wants(t, 2, "the pool's is")
	restore(backup)
	for _, from := range []string{torn, backup, t.TempDir()} {
		if e := restore(from); e.Exit == 0 {
			t.Errorf("%s: %s", from, e.Out)
		}
	}
	log, err := openPoolLog(backup, "", false)
	if err != nil {
		t.Fatal(err)
	}
	if e := restore(whole); e.Exit == 0 {
		t.Errorf("restored under a pool that runs: %s", e.Out)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if after := listing(t, backup); after != before {
		t.Errorf("what was refused has changed\n%s\ninto\n%s", before, after)
	}
	var done poolRestored
	restore(whole, "--json").JSON(t, &done)
	if done.Entries != uint64(len(all)) || done.Before != 6 || done.Common != 6 || done.Discarded != 0 ||
		sized(t, backup) != uint64(len(all)) {
		t.Errorf("%+v", done)
	}
	if _, err := txlog.StoredCheckpoint(vfs.OS, filepath.Join(done.Kept, "shares")); err != nil {
		t.Errorf("what was there is not kept: %v", err)
	}
	restore(whole).Wants(t, 2, "nothing to restore")

	// Shares that only this directory has.
	fork := filepath.Join(t.TempDir(), "fork")
	if err := os.CopyFS(fork, os.DirFS(done.Kept)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"log.key", "log.pub"} {
		raw, _ := os.ReadFile(filepath.Join(dir, name))
		clitest.Put(t, string(raw), fork, name)
	}
	write(t, fork, all[7], all[6])
	forked := func(more ...string) clitest.Ended {
		return run(t, append([]string{"pool", "restore", "--data", fork, "--from", whole}, more...)...)
	}
	forked().Wants(t, 2, "2 shares")
	forked("--discard", "--json").JSON(t, &done)
	if done.Discarded != 2 || done.Shares != 2 || done.Common != 6 || sized(t, fork) != uint64(len(all)) {
		t.Errorf("%+v", done)
	}

	// Cut off: the old log has left its name, the new one has not taken it.
	if err := os.Rename(filepath.Join(fork, "shares"), filepath.Join(fork, restoredLog)); err != nil {
		t.Fatal(err)
	}
	run(t, "pool", "recompute", "--data", fork).Wants(t, 2, "no pool's log")
	if _, err := openPoolLog(fork, "test", true); err == nil || !strings.Contains(err.Error(), "run it again") {
		t.Errorf("a pool begins a new log: %v", err)
	}
	forked().Wants(t, 0)
	if got := sized(t, fork); got != uint64(len(all)) {
		t.Errorf("%d entries", got)
	}
}

// A copy grows by what is new; a pool that has rewritten its log, or changed its key, is found out, and one that serves
// rubbish brings nothing.
func TestACopyOfAPoolThatLies(t *testing.T) {
	all := honest(t)
	dir := published(t, all[:5]...)
	to := copyOf(t, dir)
	write(t, dir, all[5:]...)
	url, stop := serveLog(t, dir)
	var grown struct {
		Entries uint64
		Before  uint64 `json:"entries_before"`
	}
	run(t, "pool", "fetch", url, "--data", to, "--json").JSON(t, &grown)
	if grown.Entries != uint64(len(all)) || grown.Before != 5 {
		t.Errorf("%+v", grown)
	}
	run(t, "pool", "fetch", url+"/", "--data", to, "--json").JSON(t, &grown) // once more: nothing is new
	if grown.Before != grown.Entries {
		t.Errorf("%+v", grown)
	}
	run(t, "pool", "fetch", url, "--data", t.TempDir(), "--key", "rubbish").Wants(t, 1)
	stop()
	before := listing(t, to)
	rewritten := filepath.Join(t.TempDir(), "rewritten")
	if err := os.MkdirAll(rewritten, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"log.key", "log.pub"} {
		raw, _ := os.ReadFile(filepath.Join(dir, name))
		clitest.Put(t, string(raw), rewritten, name)
	}
	write(t, rewritten, append(honest(t)[:4], all[5:]...)...)
	url, stop = serveLog(t, rewritten)
	e := run(t, "pool", "fetch", url, "--data", to, "--json")
	if code, _ := e.Code(t); code != "log-rewritten" || e.Exit != 3 {
		t.Errorf("exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	stop()
	if after := listing(t, to); !strings.HasPrefix(strings.TrimSuffix(before, "\n"), strings.SplitN(after, "\n", 2)[0]) {
		t.Errorf("the copy has become\n%s\nof\n%s", after, before)
	}
	run(t, "pool", "recompute", "--data", to, "--block", "7").Wants(t, 0, alice)
	url, _ = serveLog(t, published(t, all...))
	run(t, "pool", "fetch", url, "--data", to).Wants(t, 1, "no verifiable signatures")
	for _, rubbish := range []string{"", "rubbish", strings.Repeat("x", 1<<20)} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(rubbish)) }))
		if e := run(t, "pool", "fetch", server.URL, "--data", filepath.Join(t.TempDir(), "new")); e.Exit == 0 {
			t.Errorf("%.20q: %s", rubbish, e.Out)
		}
		server.Close()
	}
}
