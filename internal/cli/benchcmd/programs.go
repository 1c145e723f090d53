package benchcmd

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/trace"
)

// programsBench is what bench uses prints. Rates are per second of one core's processor time.
type programsBench struct {
	Vouchers     float64 `json:"vouchers_per_second"`
	Batched      float64 `json:"vouchers_batched_per_second"`
	Ticks        float64 `json:"ticks_per_second"`
	TraceEdges   float64 `json:"trace_edges_per_second"`
	Edges        int     `json:"trace_edges"`
	TraceSeconds float64 `json:"trace_seconds"` // reading the entries into a graph, tracing, drawing
	Cores        int     `json:"cores"`
}

func newBenchProgramsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "uses", Short: "Measure vouchers, ticks and traces",
		Long: `Vouchers verified one by one, under a key expanded once, and in batches of 1,024 over as many
channels; ticks of a hash chain; a trace through 100,000 edges: building the graph, following and
drawing it. Rates are per second of processor time of one core.`,
		Example: "  aqsha bench uses --json", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			// One after the other: beside each other they would share what the processor has for one core.
			result := programsBench{Cores: runtime.NumCPU()}
			var err error
			if result.Vouchers, err = benchVouchers(); err != nil {
				return err
			}
			if result.Batched, err = benchBatched(); err != nil {
				return err
			}
			if result.Ticks, err = benchTicks(); err != nil {
				return err
			}
			if result.Edges, result.TraceSeconds, err = benchTrace(); err != nil {
				return err
			}
			result.TraceEdges = float64(result.Edges) / result.TraceSeconds
			return cli.Show(command, result, func(w io.Writer) {
				fmt.Fprintf(w, "vouchers: %.0f a second one by one, %.0f in batches\n", result.Vouchers, result.Batched)
				fmt.Fprintf(w, "ticks: %.0f a second\n", result.Ticks)
				fmt.Fprintf(w, "trace: %d edges in %.2f s, %.0f a second\n", result.Edges, result.TraceSeconds,
					result.TraceEdges)
			})
		},
	}
}

// benchSpan is how long each rate is measured.
const benchSpan = 1500 * time.Millisecond

// onOneCore measures the processor time of work that uses one core, until the span has passed.
func onOneCore(work func() (int, error)) (perSecond float64, err error) {
	began, done := cli.CpuTime(), 0
	for cli.CpuTime()-began < benchSpan {
		n, err := work()
		if err != nil {
			return 0, err
		}
		done += n
	}
	return float64(done) / (cli.CpuTime() - began).Seconds(), nil
}

// benchChannels opens channels off any ledger and signs vouchers on each.
func benchChannels(channels, vouchers int) (terms []channel.Terms, signed [][]channel.Voucher, err error) {
	for i := range channels {
		var seed [32]byte
		binary.BigEndian.PutUint64(seed[:], uint64(i)+1)
		key := token.NewPrivateKey(seed)
		t := channel.Terms{ID: channel.ID{Contract: token.WalletID(seed[:16])}, Key: key.Public(), Tick: 1,
			Deposit: 1 << 40, Created: 1}
		s := channel.NewSender(t, key, seed, rand.Reader, 0, nil)
		var list []channel.Voucher
		for range vouchers {
			v, err := s.Pay(1, 0, 1)
			if err != nil {
				return nil, nil, err
			}
			list = append(list, v)
		}
		terms, signed = append(terms, t), append(signed, list)
	}
	return terms, signed, nil
}

func benchVouchers() (float64, error) {
	terms, signed, err := benchChannels(1, 512)
	if err != nil {
		return 0, err
	}
	return onOneCore(func() (int, error) {
		r, refused := channel.NewReceiver(terms[0])
		if refused != nil {
			return 0, refused
		}
		for i := range signed[0] {
			if refused := r.Accept(&signed[0][i], 1); refused != nil {
				return 0, refused
			}
		}
		return len(signed[0]), nil
	})
}

func benchBatched() (float64, error) {
	const size, each = 1024, 8
	terms, signed, err := benchChannels(size, each)
	if err != nil {
		return 0, err
	}
	var client channel.Client
	arrivals, errs := make([]channel.Arrival, size), make([]*token.Error, size)
	receivers := make([]*channel.Receiver, size)
	kept := make([]channel.Receiver, size)
	for i := range terms {
		r, refused := channel.NewReceiver(terms[i])
		if refused != nil {
			return 0, refused
		}
		receivers[i], kept[i] = r, *r
	}
	return onOneCore(func() (int, error) {
		for i := range receivers {
			// Back to before the first voucher: a receiver takes each voucher once.
			*receivers[i] = kept[i]
		}
		for round := range each {
			for i := range arrivals {
				arrivals[i] = channel.Arrival{Receiver: receivers[i], Voucher: &signed[i][round]}
			}
			if err := client.Accept(arrivals, 1, rand.Reader, errs); err != nil {
				return 0, err
			}
			for _, refused := range errs {
				if refused != nil {
					return 0, refused
				}
			}
		}
		return size * each, nil
	})
}

func benchTicks() (float64, error) {
	key := token.NewPrivateKey([32]byte{1})
	t := channel.Terms{Key: key.Public(), Tick: 1, Deposit: 1 << 40, Created: 1}
	chain := channel.NewChain([32]byte{2}, contract.MaxChain)
	v, err := channel.Sign(t.ID, key, 0, chain.Root())
	if err != nil {
		return 0, err
	}
	r, refused := channel.NewReceiver(t)
	if refused == nil {
		refused = r.Accept(&v, 1)
	}
	if refused != nil {
		return 0, refused
	}
	start := *r
	return onOneCore(func() (int, error) {
		for range 16 { // one signature for 65,536 ticks is left out of what is measured
			*r = start
			for i := 1; i <= contract.MaxChain; i++ {
				if refused := r.Tick(chain.Tick(i), 1); refused != nil {
					return 0, refused
				}
			}
		}
		return 16 * contract.MaxChain, nil
	})
}

// benchTrace makes a log of payments, of which each spends what an earlier one made, reads it into a
// graph, follows it from its first token, and draws it.
func benchTrace() (edges int, seconds float64, err error) {
	random := mathrand.New(mathrand.NewPCG(1, 2))
	wallet := func(n int) (id token.WalletID) {
		binary.BigEndian.PutUint64(id[:], uint64(n)+1)
		return id
	}
	type live struct {
		id     token.ID
		owner  int
		amount money.Tiyn
	}
	var entries []ledger.Entry
	add := func(body token.Body) (token.TransactionID, error) {
		tx, err := token.New(body, 1)
		if err != nil {
			return token.TransactionID{}, err
		}
		entries = append(entries, ledger.Entry{Transaction: tx})
		return tx.ID(), nil
	}
	id, err := add(&token.Issue{Sequence: 1, To: wallet(0), Amounts: []money.Tiyn{1 << 50}})
	if err != nil {
		return 0, 0, err
	}
	first := token.OutputID(id, 0)
	tokens := []live{{first, 0, 1 << 50}}
	for len(entries) < 50_001 {
		k := random.IntN(len(tokens))
		in := tokens[k]
		to := random.IntN(1000)
		if to == in.owner || in.amount < 2 {
			continue
		}
		// Halved each time: payments and change grow into a graph as wide as deep, which is the worst to follow.
		amount := in.amount / 2
		if id, err = add(&token.Transfer{Parties: []token.WalletID{wallet(in.owner), wallet(to)}, Payers: 1,
			Inputs:  []token.ID{in.id},
			Outputs: []token.Output{{Party: 1, Amount: amount}, {Amount: in.amount - amount}}}); err != nil {
			return 0, 0, err
		}
		tokens[k] = live{token.OutputID(id, 0), to, amount}
		tokens = append(tokens, live{token.OutputID(id, 1), in.owner, in.amount - amount})
	}
	began := cli.CpuTime()
	g := trace.New()
	for i := range entries {
		if err := g.Add(uint64(i), &entries[i]); err != nil {
			return 0, 0, err
		}
	}
	t, _ := g.Of(first, trace.Options{Forwards: 1 << 30})
	err = t.SVG(io.Discard, trace.Drawing{Wallet: token.WalletID.String,
		Purpose: func(uint32) string { return "plain" }})
	return t.Edges, (cli.CpuTime() - began).Seconds(), err
}
