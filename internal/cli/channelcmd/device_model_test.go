package channelcmd

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
	"github.com/aqsha/aqsha/wallet/device"
)

// The car's and the charger's own code with their own files, over a pipe whose other side does what it likes at every
// message: cuts, replays, lies, stands still until the other gives up, or is there when the honest side's process dies
// (its files are put back to what they were at that moment). The ledger is the channel's contract alone. Clocks run
// in a bubble: standing still for half a minute takes no time.

const (
	pipeTick    money.Tiyn = 100
	pipeDeposit            = 40 * pipeTick
	pipeTicks              = 12 // that a car wants of a session
)

// pipeLedger is a channel's contract without a ledger.
type pipeLedger struct {
	program  *contract.Program
	instance contract.Instance
	terms    channel.Terms
	held     money.Tiyn
	got      money.Tiyn // by the receiver
	ended    bool
	window   time.Duration
}

var (
	pipeSender   = token.NewPrivateKey([32]byte{1})
	pipeReceiver = token.NewPrivateKey([32]byte{2})
	pipeParties  = []token.WalletID{{1}, {2}}
)

func newPipeLedger(t *rapid.T, window time.Duration, maxDay money.Tiyn) *pipeLedger {
	program, err := contract.TemplateProgram("channel")
	if err != nil {
		t.Fatal(err)
	}
	now, key := time.Now().UnixMilli(), pipeSender.Public()
	l := &pipeLedger{program: program, window: window, instance: contract.Instance{ID: token.WalletID{9}, Parties: pipeParties, Assets: []uint32{0}, CreatedMillis: uint64(now), Version: 1,
		Terms: []token.Value{token.Bytes(key[:]), token.Int(int64(pipeTick)), token.Int(int64(maxDay)), token.Int(window.Milliseconds()), token.Int(now + 100*24*3_600_000)}}}
	c := l.call(0)
	c.Paid[0] = pipeDeposit
	if err := program.Create(&l.instance, c); err != nil {
		t.Fatal(err)
	}
	l.held = pipeDeposit
	l.terms = channel.Terms{ID: channel.ID{Network: token.NetworkID{7}, Contract: l.instance.ID}, Key: key, Tick: pipeTick, Deposit: pipeDeposit, MaxDay: maxDay, Created: uint64(now)}
	return l
}

func pipeNow() uint64 { return uint64(time.Now().UnixMilli()) }

func (l *pipeLedger) call(party int) *contract.Call {
	people := []contract.Party{{ID: pipeParties[0], Key: pipeSender.Public()}, {ID: pipeParties[1], Key: pipeReceiver.Public()}}
	return &contract.Call{Network: token.NetworkID{7}, Caller: &people[party], Party: func(i int) *contract.Party { return &people[i] }, Now: pipeNow(),
		Held: []money.Tiyn{l.held}, Paid: []money.Tiyn{0}}
}

// Act calls an action as one of the parties.
func (l *pipeLedger) act(party int, action string, args ...token.Value) error {
	if l.ended {
		return errors.New("no live contract")
	}
	c := l.call(party)
	c.Action, _ = l.program.Definition.Action(action)
	c.Args = args
	out, refused := l.program.Act(&l.instance, c)
	if refused != nil {
		return refused
	}
	for _, p := range out.Payouts {
		l.held -= p.Amount
		l.got += p.Amount
	}
	l.instance.State = append([]int64{}, out.State...)
	l.ended = out.Ends
	return nil
}

func (l *pipeLedger) Channel(context.Context, token.WalletID) (wallet.Channel, error) {
	if l.ended {
		return wallet.Channel{}, errors.New("no live contract")
	}
	c := wallet.Channel{Terms: l.terms, Sender: pipeParties[0], Receiver: pipeParties[1], Window: uint64(l.window.Milliseconds()), Ends: l.instance.EndsMillis}
	c.Left, c.Paid = uint64(l.instance.State[1]), money.Tiyn(l.instance.State[0])
	return c, nil
}

// bubbled is a test without a deadline, which has no meaning in a bubble.
type bubbled struct{ rapid.TB }

// inBubbles checks a property in many bubbles: rapid stops when a day has passed on its clock, which is the bubble's, and
// takes its seed from it.
func inBubbles(t *testing.T, bubbles int, property func(t *rapid.T)) {
	for i := range bubbles {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Duration(i))
			rapid.Check(bubbled{t}, property)
		})
	}
}

// pipeFiles are an honest side's files, to be put back as they were when its process died.
type pipeFiles map[string][]byte

func readPipeFiles(t *rapid.T, dir string) pipeFiles {
	files := pipeFiles{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func (f pipeFiles) restore(t *rapid.T, dir string) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
	}
	for name, content := range f {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// thief is a charger that keeps all that it ever saw.
type thief struct {
	claims  []channel.Claim // the best of each voucher
	served  int             // ticks that it acknowledged, and delivered
	crashed pipeFiles       // the car's files when its process died, nil if it did not
}

func (h *thief) worth(t *rapid.T) (most money.Tiyn, best *channel.Claim) {
	for i := range h.claims {
		worth, ok := h.claims[i].Worth(pipeTick)
		if !ok || contract.Walk(h.claims[i].Word, h.claims[i].Ticks) != h.claims[i].Root {
			t.Fatalf("a claim that does not hold: %+v", h.claims[i])
		}
		if worth > most || best == nil {
			most, best = worth, &h.claims[i]
		}
	}
	return most, best
}

// serve plays one session as a dishonest charger.
func (h *thief) serve(t *rapid.T, conn net.Conn, dir string) {
	defer conn.Close()
	in, out := json.NewDecoder(conn), json.NewEncoder(conn)
	for {
		var m device.Message
		if in.Decode(&m) != nil {
			return
		}
		switch {
		case m.Voucher != nil:
			h.claims = append(h.claims, channel.Claim{Voucher: *m.Voucher, Word: m.Voucher.Root})
		case m.Tick != nil:
			last := &h.claims[len(h.claims)-1]
			last.Word = *m.Tick
			last.Ticks++
		}
		total, _ := h.worth(t)
		switch rapid.SampledFrom([]string{"serve", "serve", "serve", "serve", "lie", "cut", "still", "die", "refuse"}).Draw(t, "charger") {
		case "lie":
			total = money.Tiyn(rapid.Int64Range(0, int64(2*pipeDeposit)).Draw(t, "total"))
		case "cut":
			return
		case "still":
			time.Sleep(2 * device.DeviceSilence)
			return
		case "die":
			h.crashed = readPipeFiles(t, dir)
			return
		case "refuse":
			_ = out.Encode(device.Message{Code: "no-channel", Total: total})
			return
		}
		if m.Tick != nil {
			h.served++
		}
		if out.Encode(device.Message{Total: total}) != nil {
			return
		}
	}
}

// Whatever a charger does, a session costs an honest car at most a tick more than it was served, also one in which the
// car's process dies; what is kept by nobody but the charger is worth no more.
func TestADishonestChargerGainsATickASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		rapid.Check(bubbled{t}, func(t *rapid.T) {
			pipeFiles{}.restore(t, dir)
			l, h := newPipeLedger(t, time.Hour, 0), &thief{}
			path := filepath.Join(dir, "ride.sender.json")
			err := channels.Update(path, func(f *channels.File) error {
				*f = channels.File{Channel: l.terms.ID, Key: "car", Seed: &token.Hash{5}, Paid: new(money.Tiyn)}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			sessions := rapid.IntRange(1, 5).Draw(t, "sessions")
			for range sessions {
				f, err := channels.Read(path)
				if err != nil {
					t.Fatal(err)
				}
				purse := &channel.Purse{}
				c := &device.Car{Now: pipeNow, Lead: 1, File: f, Path: path, Purse: purse, Spent: filepath.Join(dir, "car.spent.json"),
					Resume: func(base money.Tiyn) *channel.Sender {
						return channel.NewSender(l.terms, pipeSender, *f.Seed, rand.Reader, base, purse)
					}}
				_, most := f.PaidBetween()
				c.Sender = c.Resume(most)
				mine, theirs := net.Pipe()
				done := make(chan struct{})
				go func() { defer close(done); h.serve(t, theirs, dir) }()
				_ = c.Drive(t.Context(), mine, pipeTicks, 0)
				<-done
				if h.crashed != nil {
					h.crashed.restore(t, dir)
					h.crashed = nil
				}
			}
			worth, best := h.worth(t)
			if served := money.Tiyn(h.served) * pipeTick; worth > served+money.Tiyn(sessions)*pipeTick {
				t.Fatalf("%d sessions, %s served, the charger can claim %s", sessions, served, worth)
			}
			if best != nil && worth > 0 {
				if err := l.act(1, "close", best.Args()...); err != nil || l.got != worth {
					t.Fatalf("%v, %s of %s", err, l.got, worth)
				}
			}
		})
	})
}

// joyrider is a car that pays as it likes, and whose owner does.
type joyrider struct {
	sender   *channel.Sender
	vouchers []channel.Voucher
	words    []channel.Word
	served   int // ticks that were acknowledged
	crashed  pipeFiles
}

// message is what the car sends next: right, or not.
func (j *joyrider) message(t *rapid.T, l *pipeLedger) (m device.Message, tick bool) {
	kind := rapid.SampledFrom([]string{"tick", "tick", "tick", "tick", "voucher", "old", "again", "garbage", "above", "nothing"}).Draw(t, "car")
	if len(j.vouchers) == 0 {
		kind = "voucher"
	}
	switch kind {
	case "tick":
		if word, refused := j.sender.NextTick(pipeNow()); refused == nil {
			j.words = append(j.words, word)
			return device.Message{Tick: &word}, true
		}
		fallthrough
	case "voucher":
		v, err := j.sender.Pay(pipeTick*money.Tiyn(rapid.IntRange(0, 1).Draw(t, "more")), rapid.IntRange(0, 9).Draw(t, "chain"), pipeNow())
		if err != nil {
			return device.Message{}, false
		}
		j.vouchers = append(j.vouchers, v)
		return device.Message{Voucher: &v}, false
	case "old":
		return device.Message{Voucher: &j.vouchers[rapid.IntRange(0, len(j.vouchers)-1).Draw(t, "old")]}, false
	case "again":
		if len(j.words) > 0 {
			return device.Message{Tick: &j.words[rapid.IntRange(0, len(j.words)-1).Draw(t, "again")]}, true
		}
	case "garbage":
		return device.Message{Tick: &channel.Word{1, 2, 3}}, true
	case "above":
		v, err := channel.Sign(l.terms.ID, pipeSender, 2*pipeDeposit, channel.Word{})
		if err != nil {
			t.Fatal(err)
		}
		return device.Message{Voucher: &v}, false
	}
	return device.Message{}, false
}

// ride plays one session as a dishonest car, whose owner may leave the channel, wait, and take back what is left.
func (j *joyrider) ride(t *rapid.T, l *pipeLedger, conn net.Conn, dir string) {
	defer conn.Close()
	in, out := json.NewDecoder(conn), json.NewEncoder(conn)
	m, tick := device.Message{Hello: &l.terms.ID}, false
	for {
		if out.Encode(m) != nil {
			return
		}
		var answer device.Message
		if in.Decode(&answer) != nil || answer.Code != "" {
			return
		}
		if tick {
			j.served++
		}
		switch rapid.SampledFrom([]string{"go", "go", "go", "go", "go", "go", "cut", "still", "die", "die", "leave", "pause"}).Draw(t, "peer") {
		case "pause":
			time.Sleep(3 * time.Second)
		case "cut":
			return
		case "still":
			time.Sleep(2 * device.DeviceSilence)
			return
		case "die":
			j.crashed = readPipeFiles(t, dir)
			return
		case "leave":
			_ = l.act(0, "leave")
			if rapid.Bool().Draw(t, "silently") {
				time.Sleep(device.DeviceSilence - time.Second)
				_ = l.act(0, "finish")
			}
		}
		m, tick = j.message(t, l)
	}
}

// Whatever a car and its owner do, an honest charger is paid for every tick that it served, also when its process dies
// in a session, as long as it comes back within the window.
func TestADishonestCarPaysForEveryTick(t *testing.T) {
	dir := t.TempDir()
	inBubbles(t, 40, func(t *rapid.T) {
		pipeFiles{}.restore(t, dir)
		l := newPipeLedger(t, rapid.SampledFrom([]time.Duration{10 * time.Second, 2 * time.Minute}).Draw(t, "window"),
			rapid.SampledFrom([]money.Tiyn{0, 5 * pipeTick}).Draw(t, "day_most"))
		j := &joyrider{sender: channel.NewSender(l.terms, pipeSender, [32]byte{5}, rand.Reader, 0, nil)}
		path := filepath.Join(dir, "book.json")
		charge := func(f channels.File) error { return l.act(1, "close", f.Claim.Args()...) }
		for range rapid.IntRange(1, 4).Draw(t, "sessions") {
			if l.ended {
				break
			}
			if rapid.Bool().Draw(t, "late") { // a little before the limit of another day begins
				day := uint64(24 * time.Hour.Milliseconds())
				time.Sleep(time.Duration(day-(pipeNow()-l.terms.Created)%day)*time.Millisecond - 2*time.Second)
			}
			alive := true
			c := &device.Charger{Ledger: l, Now: pipeNow, Network: l.terms.Network, Wallet: pipeParties[1], LeastWindow: 2 * time.Minute, LeastLife: 2 * time.Minute, Look: rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t, "look"),
				Path: func(token.WalletID) string { return path }, Show: func(device.Result) error { return nil },
				Close: func(_ context.Context, f channels.File) (r node.Receipt, err error) {
					if alive = j.crashed == nil; alive { // a process that has died closes nothing
						err = charge(f)
					}
					return r, err
				}}
			mine, theirs := net.Pipe()
			done := make(chan struct{})
			go func() { defer close(done); j.ride(t, l, theirs, dir) }()
			_ = c.Serve(t.Context(), mine)
			<-done
			if j.crashed != nil {
				j.crashed.restore(t, dir)
				j.crashed = nil
			}
		}
		if f, err := channels.Read(path); err == nil && f.Claim != nil && !l.ended {
			if worth, _ := f.Claim.Worth(pipeTick); worth > 0 {
				if err := charge(f); err != nil {
					t.Fatal(err)
				}
			}
		}
		if served := money.Tiyn(j.served) * pipeTick; l.got < served {
			t.Fatalf("%s were served, %s paid", served, l.got)
		}
	})
}
