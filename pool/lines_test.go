package pool

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
	"golang.org/x/sys/unix"
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
	config := Defaults()
	config.Operator, config.Loops = user, 1
	p, err := Open(context.Background(), config, Options{Network: network, Log: log})
	if err != nil {
		f.Fatal(err)
	}
	target, _ := bitcoin.TargetOfBits(0x1d00ffff)
	if err := p.Offer(&bitcoin.Template{Height: 9, Bits: 0x1d00ffff, Target: target, CurTime: 1_800_000_000, CoinbaseValue: 5}, time.Now()); err != nil {
		f.Fatal(err)
	}
	l := p.loops[0]
	l.broadcast(p.current.Load())
	f.Fuzz(func(t *testing.T, line []byte) {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(pair[0])
		ip := netip.MustParseAddr("192.0.2.1")
		p.guard.admit(ip, time.Now(), &p.config)
		p.extranonce.Store(1) // fuzzing connects more often than the world has miners
		port := p.config.Port()
		l.adopt(pair[1], ip, &port, false)
		c := l.conns[len(l.conns)-1]
		accepted := p.counters.accepted.Load()
		for _, one := range [][]byte{[]byte(`{"id":1,"method":"mining.subscribe","params":[]}`), []byte(`{"id":2,"method":"mining.authorize","params":["` + user + `"]}`), line, line} {
			if !c.gone {
				l.line(c, one)
			}
		}
		if p.counters.accepted.Load() != accepted {
			t.Fatalf("%q was credited at difficulty %s", line, c.vardiff.wanted)
		}
		network := stratum.Difficulty{N: 1}
		if wanted := c.vardiff.wanted; !wanted.Valid() || wanted.Float() < config.MinDifficulty || c.vardiff.grant(target).Compare(network) > 0 {
			t.Fatalf("%q leaves difficulty %s", line, wanted)
		}
		l.close(c)
		l.reply = l.reply[:0]
		p.guard.banned = map[netip.Addr]time.Time{}
	})
}
