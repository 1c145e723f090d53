package serve

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/guard"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/worker"
	"github.com/aqsha/aqsha/txlog"
)

// FuzzLines feeds whatever a client may send to a logged-in connection: the loop neither panics nor
// credits what it should not, and the connection either lives or is closed.
func FuzzLines(f *testing.F) {
	const user = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	for _, seed := range []string{
		`{"id":1,"method":"mining.configure","params":[["version-rolling","minimum-difficulty"],{"version-rolling.mask":"ffffffff","minimum-difficulty.value":0.5}]}`,
		`{"id":2,"method":"mining.submit","params":["` + user + `","100","0000000000000000","6b029179","3ab47b76","00002000"]}`,
		`{"id":3,"method":"mining.suggest_difficulty","params":[1e-300]}`,
		`{"id":4,"method":"mining.suggest_target","params":["ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"]}`,
		`{"id":5,"method":"mining.authorize","params":["` + user + `.x","d=1e30,md=-1"]}`,
		`{"id":6,"method":"mining.subscribe","params":[[],null]}`, "{}", "[]", "", "\x00", `{"id":{"a":[1]},"method":"mining.ping"}`,
	} {
		f.Add([]byte(seed))
	}
	log, err := txlog.Open(f.TempDir(), txlog.Options{Origin: "fuzz.pool", SegmentBytes: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { log.Close() })
	network, _ := bitcoin.FindNetwork("regtest")
	config := settings.Defaults()
	config.Loops = 1
	writer := commit.New(log, func(err error) { f.Error(err) })
	guarded := func() *guard.Guard { return guard.New(guard.Options{MaxConnections: 10, MaxPerIP: 10}) }
	s := New(Options{
		Config: config, Logger: slog.New(slog.DiscardHandler), Writer: writer, Registry: worker.NewRegistry(network), Guard: guarded(), Seen: job.NewSeenShares(),
		Solved: func(*job.Handout, []byte, [bitcoin.HeaderSize]byte, bitcoin.Hash) {},
	})
	s.Reserve()
	if err := errors.Join(writer.Commit(), s.Open()); err != nil {
		f.Fatal(err)
	}
	target, _ := bitcoin.TargetOfBits(0x1d00ffff)
	template := &bitcoin.Template{Height: 9, Bits: 0x1d00ffff, Target: target, CurTime: 1_800_000_000, CoinbaseValue: 5}
	parts, err := (&bitcoin.Coinbase{Height: 9, Extranonce: job.Extranonce1Size + job.Extranonce2Size, Outputs: []bitcoin.Output{{Value: 5, Script: []byte{1}}}}).Parts()
	if err != nil {
		f.Fatal(err)
	}
	j := &job.Job{Template: template, Arrived: time.Now(), Clean: true, Seen: s.seen.On(template.Previous)}
	j.Handouts = []*job.Handout{job.NewHandout(j, 1, 0, parts)}
	l := s.loops[0]
	s.current.Store(j)
	l.broadcast(j)
	f.Fuzz(func(t *testing.T, line []byte) {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(pair[0])
		ip := netip.MustParseAddr("192.0.2.1")
		s.guard.Admit(ip, time.Now())
		s.extranonce.Store(1) // fuzzing connects more often than the world has miners
		port := s.config.Port()
		l.adopt(pair[1], ip, &port, false)
		c := l.conns[len(l.conns)-1]
		accepted := s.counters.accepted.Load()
		// Before the login, between its two parts, and after it.
		for _, one := range [][]byte{line, []byte(`{"id":1,"method":"mining.subscribe","params":[]}`), line, []byte(`{"id":2,"method":"mining.authorize","params":["` + user + `"]}`), line, line} {
			if !c.gone {
				l.line(c, one)
			}
		}
		if s.counters.accepted.Load() != accepted {
			t.Fatalf("%q was credited at difficulty %s", line, c.vardiff.wanted)
		}
		network := stratum.Difficulty{N: 1}
		if wanted := c.vardiff.wanted; !wanted.Valid() || wanted.Float() < config.MinDifficulty || c.vardiff.grant(target).Compare(network) > 0 {
			t.Fatalf("%q leaves difficulty %s", line, wanted)
		}
		l.close(c)
		l.reply = l.reply[:0]
		s.guard = guarded()
	})
}
