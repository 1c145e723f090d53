package serve

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/job"
)

// Whatever several devices say, in whatever order, before and after they log in, through changes of jobs, tips and time:
// nothing ends the pool; every share that it was sent is answered once, or its connection is closed; what is accepted is in
// the log, once each, of a connection that may; and each block goes out once.
func TestWhateverIsSaid(t *testing.T) {
	accepted, blocks, refused := 0, 0, 0
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 37))
		h := newHall(t, nil)
		network := []uint32{hard, easy}[seed%2]
		target, err := bitcoin.TargetOfBits(network)
		if err != nil {
			t.Fatal(err)
		}
		var rigs []*rig
		var jobs []*job.Handout
		users := []string{alice, alice + ".a", bob, "nobody"}
		sent, answered := 0, 0
		for range 60 {
			if len(rigs) == 0 || rng.IntN(10) == 0 {
				rigs = append(rigs, h.connect())
			}
			r := rigs[rng.IntN(len(rigs))]
			user := users[rng.IntN(len(users))]
			switch rng.IntN(10) {
			case 0:
				jobs = append(jobs, h.offer(byte((1+rng.IntN(3))), network))
			case 1:
				h.now = h.now.Add(time.Duration((1 + rng.IntN(20000))) * time.Millisecond)
			case 2:
				r.say(`{"id":1,"method":"mining.subscribe","params":[]}`)
			case 3:
				r.say(`{"id":2,"method":"mining.authorize","params":[%q,%q]}`, user, []string{"x", "d=1e-9", "md=1e-8"}[rng.IntN(3)])
			case 4:
				r.say("%s", []string{`{"id":3,"method":"mining.suggest_difficulty","params":[1e-9]}`,
					`{"id":3,"method":"mining.configure","params":[["version-rolling"],{}]}`, `{"id":3,"method":"mining.get_transactions","params":["100"]}`,
					`{"id":3,"method":"mining.extranonce.subscribe"}`}[rng.IntN(4)])
			default:
				if len(jobs) == 0 || r.Closed() {
					continue
				}
				on := jobs[rng.IntN(len(jobs))]
				params := fmt.Sprintf(`"%x00","%016x","%08x","%08x"`, on.Number, rng.IntN(4),
					on.Job.Template.CurTime, rng.IntN(4))
				switch rng.IntN(3) {
				case 0:
					params = r.work(on, target, network == easy, uint64(rng.IntN(4)))
				case 1:
					if len(r.c.steps) > 0 && r.h.loop.loop.handouts[on.Key()] != nil {
						params = r.share(on, uint64(rng.IntN(4)))
					}
				}
				sent++
				for _, m := range r.submit(user, params) {
					if string(m.ID) != "9" {
						continue
					}
					answered++
					if code, _ := refusal(m); code != 0 {
						refused++
					}
				}
			}
		}
		if sent != answered {
			t.Fatalf("%d shares were sent, %d answered", sent, answered)
		}
		shares := h.credited()
		counted, rejected := h.server.Shares()
		if uint64(len(shares)) != counted || int(counted+rejected) != sent {
			t.Fatalf("%d shares in the log, %d accepted and %d refused of %d", len(shares), counted, rejected, sent)
		}
		seen := map[[16]byte]bool{}
		for _, s := range shares {
			if seen[s.HashPrefix] || s.Worker == 0 && s.Job == 0 {
				t.Fatalf("credited twice, or to nobody: %+v", s)
			}
			seen[s.HashPrefix] = true
		}
		out := map[bitcoin.Hash]bool{}
		for _, b := range h.solved {
			if out[b] {
				t.Fatalf("block %s goes out twice", b)
			}
			out[b] = true
		}
		accepted, blocks = accepted+len(shares), blocks+len(h.solved)
	}
	if accepted == 0 || blocks == 0 || refused == 0 {
		t.Errorf("%d accepted, %d refused, %d blocks: the draws met too little", accepted, refused, blocks)
	}
}
