package pool_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/admin"
	"github.com/aqsha/aqsha/pool/handover"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/txlog"
)

// successorDir tells a run of the test binary to be a pool that takes the place of the one before.
const successorDir = "AQSHA_TEST_SUCCESSOR_DIR"

// brokenSuccessor has it die after it has received everything.
const brokenSuccessor = "AQSHA_TEST_BROKEN_SUCCESSOR"

// diesAt names the step at which a successor kills itself.
const diesAt = "AQSHA_TEST_DIES_AT"

// steps of a successor, in their order. Until it has confirmed, its predecessor goes on.
var successorSteps = []string{"received", "log open", "pool open", "socket", "adopted", "confirmed"}

func step(name string) {
	if os.Getenv(diesAt) == name {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// unprepared has it read nothing before it takes over.
const unprepared = "AQSHA_TEST_UNPREPARED"

var logOptions = txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20}

// beSuccessor is the life of a pool's process as the command lives it: it takes over, serves, and hands over.
func beSuccessor(dir string) (err error) {
	ctx := context.Background()
	socket := filepath.Join(dir, "admin.sock")
	var reader *txlog.Reader
	var prepared *pool.Prepared
	if os.Getenv(unprepared) == "" {
		if reader, err = txlog.OpenReader(dir+"/shares", logOptions); err == nil {
			prepared, err = pool.Prepare(ctx, regtest, reader, dir+"/books.sqlite")
		}
		if err != nil {
			reader, prepared = nil, nil // the first process finds neither log nor books
		}
	}
	from, err := handover.TakeOver(ctx, socket)
	if err != nil {
		if !errors.As(err, new(*net.OpError)) { // somebody is there
			fmt.Fprintln(os.Stderr, err)
		}
		from = nil
	}
	if from != nil && os.Getenv(brokenSuccessor) != "" {
		os.Exit(3)
	}
	step("received")
	for {
		left, successor, err := oneLife(ctx, dir, socket, from, reader, prepared)
		reader, prepared = nil, nil
		if err != nil {
			return err
		}
		if left.SendTo(ctx, successor) == nil {
			left.Close()
			left.Wait(ctx)
			os.Exit(0)
		}
		from = left
	}
}

func oneLife(ctx context.Context, dir, socket string, from *handover.Handover, reader *txlog.Reader, prepared *pool.Prepared) (*handover.Handover, *net.UnixConn, error) {
	options := logOptions
	options.Scanned = reader
	log, err := txlog.Open(dir+"/shares", options)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	step("log open")
	config := testConfig()
	config.Scheme, config.PayInCoinbase = os.Getenv("AQSHA_TEST_SCHEME"), os.Getenv("AQSHA_TEST_SCHEME") == "solo"
	p, err := pool.Open(ctx, config, pool.Options{Network: regtest, Log: log, BooksFile: dir + "/books.sqlite", BlocksDir: dir + "/blocks",
		PaymentsDir: dir + "/payments", Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Prepared: prepared})
	if err != nil {
		return nil, nil, err
	}
	step("pool open")
	certificate, err := tls.LoadX509KeyPair(dir+"/cert.pem", dir+"/key.pem")
	if err != nil {
		return nil, nil, err
	}
	var listeners []serve.Listener
	for _, name := range []string{"plain", "tls"} {
		var one net.Listener
		if from != nil {
			one, err = from.Listener(name)
		} else {
			one, err = net.Listen("tcp", "127.0.0.1:0")
		}
		if err != nil {
			return nil, nil, err
		}
		listeners = append(listeners, serve.Listener{Name: name, Net: one})
	}
	listeners[1].TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	successors := make(chan *net.UnixConn, 1)
	control := &admin.Control{Pool: p, Successors: successors}
	admin, err := control.Listen(socket)
	if err != nil {
		return nil, nil, err
	}
	step("socket")
	serving, stop := context.WithCancel(ctx)
	closed := make(chan struct{})
	go func() { _ = control.Serve(serving, admin); close(closed) }()
	defer func() { stop(); <-closed }()
	if from != nil {
		if err := p.Adopt(from); err != nil {
			return nil, nil, err
		}
		step("adopted")
		_ = from.Confirm()
		step("confirmed")
		from.Close()
	} else {
		target, _ := bitcoin.TargetOfBits(hardBits)
		if err := p.Offer(&bitcoin.Template{Version: 0x20000000, Height: 100, Previous: bitcoin.Hash{7}, Bits: hardBits, Target: target, MinTime: 1,
			CurTime: uint32(time.Now().Unix()), CoinbaseValue: money.Bitcoin}, time.Now()); err != nil {
			return nil, nil, err
		}
	}
	fmt.Println(listeners[0].Net.Addr(), listeners[1].Net.Addr(), p.Replayed()+log.Recovery().ScannedEntries)
	leave := make(chan struct{}, 1)
	var successor *net.UnixConn
	go func() { successor = <-successors; leave <- struct{}{} }()
	left, err := p.RunUntil(ctx, leave, listeners...)
	return left, successor, err
}

// succession starts processes one after another on a directory.
type succession struct {
	t      *testing.T
	dir    string
	scheme string
	// unprepared successors read the log only once it is theirs.
	unprepared bool
	read       uint64 // entries that the newest process has read since
	dies       string // step at which the next one does
}

func (s *succession) next(broken bool) (process *exec.Cmd, addresses [2]string) {
	s.t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), successorDir+"="+s.dir, "AQSHA_TEST_SCHEME="+s.scheme)
	if broken && s.dies == "" {
		child.Env = append(child.Env, brokenSuccessor+"=1")
	}
	if s.unprepared {
		child.Env = append(child.Env, unprepared+"=1")
	}
	child.Env = append(child.Env, diesAt+"="+s.dies)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = child.Process.Kill(); _, _ = child.Process.Wait() })
	if _, err := fmt.Fscan(out, &addresses[0], &addresses[1], &s.read); err != nil && !broken {
		s.t.Fatalf("no addresses: %v", err)
	}
	return child, addresses
}

// hashing miners send shares without end and count what becomes of them.
type hashing struct {
	stop           atomic.Bool
	accepted, sent atomic.Int64
	wait           sync.WaitGroup
	each           func() // after each answer; may be nil
}

// mine has a miner at work; half of the shares are on the first job it had, however old.
func (h *hashing) mine(t *testing.T, c *client, user string) {
	c.login(user)
	first, extranonce := c.job(), c.extranonce1
	h.wait.Go(func() {
		for i := uint64(0); !h.stop.Load(); i++ {
			job := c.job()
			if i%2 == 0 {
				job = first
			}
			_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
			h.sent.Add(1)
			a := c.call("mining.submit", c.find(user, job, i, meets(c.difficulty))...)
			if !a.isTrue() {
				t.Errorf("%s (%s): share %d of job %s: %v", user, extranonce, i, job.JobID, a.Error)
				return
			}
			h.accepted.Add(1)
			if h.each != nil {
				h.each()
			}
		}
	})
}

// A rolling upgrade under load, with real processes: no connection is closed, no share refused, plain or TLS, old job or
// new, one worker or several, and a successor that dies costs nothing. The log has each share once.
func TestHandover(t *testing.T) {
	for _, scheme := range []string{"pplns", "solo"} {
		t.Run(scheme, func(t *testing.T) { handOverUnderLoad(t, scheme) })
	}
}

func handOverUnderLoad(t *testing.T, scheme string) {
	s := &succession{t: t, dir: t.TempDir(), scheme: scheme}
	writeCertificate(t, s.dir+"/cert.pem", s.dir+"/key.pem")
	first, addresses := s.next(false)
	load := &hashing{}
	for i := range 6 {
		user := []string{alice, bob}[i%2] + fmt.Sprintf(".rig%d", i)
		if i < 4 {
			load.mine(t, dial(t, addresses[0]), user)
			continue
		}
		conn, err := tls.Dial("tcp", addresses[1], &tls.Config{InsecureSkipVerify: true}) // the test's own certificate
		if err != nil {
			t.Fatal(err)
		}
		c := clientOn(t, conn)
		load.mine(t, c, user)
	}
	half := dial(t, addresses[0]).login(alice + ".half")
	several := dial(t, addresses[0]).login(alice + ".one")
	several.call("mining.authorize", bob+".two", "")
	processes := []*exec.Cmd{first}
	var earlier []any // a share that an earlier process has accepted
	for i := range 4 {
		before := load.accepted.Load()
		for load.accepted.Load() < before+50 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		line := fmt.Sprintf(`{"id":%d,"method":"mining.ping","params":[]}`+"\n", 9000+i)
		_, _ = half.conn.Write([]byte(line[:20])) // the rest comes to the next process
		process, next := s.next(i == 1)
		if broken := i == 1; broken {
			if err := process.Wait(); err == nil {
				t.Error("the broken successor is well")
			}
		} else {
			if next != addresses {
				t.Errorf("listens on %v, before on %v", next, addresses)
			}
			processes = append(processes, process)
		}
		_, _ = half.conn.Write([]byte(line[20:]))
		if a := half.await(9000 + i); string(a.Result) != `"pong"` {
			t.Errorf("half a line before and half after: %+v", a)
		}
		if earlier != nil {
			if a := several.call("mining.submit", earlier...); a.code() != 22 {
				t.Errorf("a share of an earlier process again: %+v", a)
			}
		}
		for n, user := range []string{alice + ".one", bob + ".two"} {
			work := several.find(user, several.jobs[0], uint64(10*i+n), meets(several.difficulty))
			if a := several.call("mining.submit", work...); !a.isTrue() {
				t.Errorf("%s after the handover: %v", user, a.Error)
			}
			if a := several.call("mining.submit", work...); a.code() != 22 {
				t.Errorf("the same share again: %+v", a)
			}
			earlier = work
		}
		dial(t, addresses[0]).login(bob) // new miners too
	}
	load.stop.Store(true)
	load.wait.Wait()
	if load.accepted.Load() != load.sent.Load() {
		t.Errorf("%d of %d shares accepted", load.accepted.Load(), load.sent.Load())
	}
	last := processes[len(processes)-1]
	_ = last.Process.Signal(syscall.SIGKILL)
	_, _ = last.Process.Wait()
	shares, jobs := logged(t, s.dir)
	inLog := map[[16]byte]bool{}
	for _, share := range shares {
		if inLog[share.HashPrefix] {
			t.Errorf("share %x is twice in the log", share.HashPrefix)
		}
		inLog[share.HashPrefix] = true
		if err := share.Verify(jobs[share.Job]); err != nil {
			t.Error(err)
		}
	}
	if want := load.accepted.Load() + 8; int64(len(shares)) != want {
		t.Errorf("%d shares in the log, %d were answered true", len(shares), want)
	}
	t.Logf("%d shares through four handovers, one of them failed", len(shares))
}

// writeCertificate makes a certificate for the loopback address.
func writeCertificate(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
