package consolebench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/console"
	"github.com/aqsha/aqsha/console/bench"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/words"
)

// consoleBench is what bench console prints. Times are medians; Bare is a page of one heading, met in the same turns.
type consoleBench struct {
	Pages       []pageTimes `json:"pages"`
	Use         *use        `json:"use,omitempty"` // nil where no page was met
	Subscribers int         `json:"subscribers"`
	Heard       float64     `json:"heard"`                // of the blocks that subscribers should hear of
	WithEvents  float64     `json:"with_events"`          // payments a second
	WithoutThem float64     `json:"without_them"`         // payments a second, in turns with those
	EventsRatio float64     `json:"events_ratio"`         // of the two
	WorkRatio   float64     `json:"work_ratio"`           // of the node's processor time for a payment, likewise
	HearingCPU  float64     `json:"hearing_cpu"`          // processors that the subscribers' own process took meanwhile
	Rounds      int         `json:"rounds"`               // of each
	NoBrowser   string      `json:"no_browser,omitempty"` // why no page was met
}

// pageTimes are of one way to meet the pages.
type pageTimes struct {
	Visit         string  `json:"visit"`
	OverviewMilli float64 `json:"overview_millis"`
	WalletMillis  float64 `json:"wallet_millis"`
	BareMillis    float64 `json:"bare_millis"`
	Aim           float64 `json:"aim_millis"`
}

// visits are those that people make, with what is aimed at.
var visits = []struct {
	name      string
	visit     bench.Visit
	aimMillis float64
}{
	{"processor 4 times slower", bench.Visit{Slower: 4}, 800},
	{"slow 4G", bench.Visit{Slower: 1, Slow4G: true}, 1500},
	{"second visit, slow 4G", bench.Visit{Slower: 1, Slow4G: true, Second: true}, 500},
}

// eventsAim is the least part of the payments that subscribers should leave.
const eventsAim = 0.95

// Bounds of what is asked for. Each subscriber takes a connection at both ends, and descriptors for them.
const (
	maxPayments    = 100_000
	maxSubscribers = 100_000
)

// NewBenchConsoleCommand is the verb "console" of "bench".
func NewBenchConsoleCommand() *cobra.Command {
	var rounds, subscribers, payments int
	var heard string
	command := &cobra.Command{
		Use: "console", Short: "Measure the node's pages in Chromium, and payments beside subscribers to events",
		Long: `Serves a simulated network and meets its overview and its wallet in Chromium, in turns with a bare page:
until the largest paint, with the processor slowed four times, on slow 4G, and at the second visit. It makes a wallet
there and pays a shop: from the tap to the receipt, the sign-in, and the longest task, on the slowed processor. Then it
makes payments in turns with and without subscribers to the stream of blocks. They are a process of their own, which takes
part of this machine too, so the node's processor time for a payment is compared besides. The load of the machine is in
all of it: ratios count.`,
		Example: `  aqsha bench console --rounds 5
  aqsha bench console --rounds 1 --subscribers 50 --payments 100 --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if subscribers < 1 || subscribers > maxSubscribers {
				return cli.Usage(fmt.Errorf("--subscribers %d: want 1 to %d", subscribers, maxSubscribers))
			}
			// This program again, as the subscribers' process.
			if heard != "" {
				return hear(command.Context(), heard, subscribers, command.InOrStdin(), command.OutOrStdout())
			}
			// By division: a product of two large numbers wraps round to a small one.
			if rounds < 1 || payments < 1 || payments > maxPayments/rounds {
				return cli.Usage(errors.New("want at least one round and payment, and 100,000 payments at most"))
			}
			result := consoleBench{Rounds: rounds, Subscribers: subscribers}
			err := benchServed(command.Context(), subscribers, func(n *pagesNode) error {
				if err := n.pages(command.Context(), rounds, &result); err != nil {
					return err
				}
				return n.payments(command.Context(), payments, &result)
			})
			if err != nil {
				return err
			}
			if result.NoBrowser != "" {
				fmt.Fprintf(os.Stderr, "NO PAGE WAS MEASURED: %s\n", result.NoBrowser)
			}
			return cli.Show(command, result, func(w io.Writer) { describeConsole(w, cli.LanguageFor(command), result) })
		},
	}
	command.Flags().IntVar(&rounds, "rounds", 5, "times that each is done, in turns, of which medians count")
	command.Flags().IntVar(&subscribers, "subscribers", 1000, "to the stream of blocks")
	command.Flags().IntVar(&payments, "payments", 5000, "of each round, with subscribers and without")
	command.Flags().StringVar(&heard, "hear", "", "")
	_ = command.Flags().MarkHidden("hear")
	return command
}

// describeConsole writes the figures beside what they should be at most.
func describeConsole(w io.Writer, l words.Language, r consoleBench) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(r.Pages) > 0 {
		fmt.Fprintln(table, l.Text("bench-pages.columns"))
	}
	for _, p := range r.Pages {
		cells := []string{l.Phrase("bench-visit", p.Visit)}
		for _, millis := range []float64{p.OverviewMilli, p.WalletMillis, p.BareMillis, p.Aim} {
			cells = append(cells, inMillis(l, millis))
		}
		fmt.Fprintf(table, "%s\t\n", strings.Join(cells, "\t"))
	}
	_ = table.Flush()
	if r.Use != nil {
		fmt.Fprintln(table, l.Text("bench-pages.use", "times", useSlower))
		for _, row := range r.Use.rows(l) {
			fmt.Fprintf(table, "%s\t\n", strings.Join(row, "\t"))
		}
		_ = table.Flush()
	}
	figure := func(format string, n float64) string { return fmt.Sprintf(format, n) }
	fmt.Fprintln(w, l.Text("bench-pages.subscribers", "count", r.Subscribers, "with", figure("%.0f", r.WithEvents),
		"without", figure("%.0f", r.WithoutThem),
		"ratio", figure("%.2f", r.EventsRatio), "aim", figure("%.2f", eventsAim),
		"heard", figure("%.2f", r.Heard)))
	fmt.Fprintln(w, " ", l.Text("bench-pages.work", "ratio", figure("%.2f", r.WorkRatio), "hearing",
		figure("%.2f", r.HearingCPU)))
}

// inMillis is a time of a browser's in a language.
func inMillis(l words.Language, millis float64) string {
	return l.Text("bench-pages.millis", "n", fmt.Sprintf("%.0f", millis))
}

// pagesNode is a node that serves a simulated network on loopback, and a bare page beside it.
type pagesNode struct {
	node      *node.Node
	world     *sim.World
	url, bare string
	bank      token.WalletID
	payee     token.WalletID
	sequence  uint64 // of the next issue
	// registered is the sequence of the bank's last act.
	registered uint64
	hearer     hearer // makes the subscribers' process
}

// benchMinutes is how long what the bench signs may be executed.
const benchMinutes = 30 * time.Minute

// benchServed makes a network in a directory of its own, a node that serves it, and beside it a server of a bare page,
// which shows what the browser alone takes. It hands them to use, and ends and deletes all of it afterwards.
func benchServed(ctx context.Context, subscribers int, use func(n *pagesNode) error) (err error) {
	dir, err := os.MkdirTemp("", "aqsha-bench-console-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p := &pagesNode{world: sim.NewWorld(1), sequence: 1, hearer: thisProgram}
	config := node.Config{Dir: filepath.Join(dir, "net"), Options: txlog.Options{Origin: p.world.Genesis.Name,
		Signers: []note.Signer{p.world.LogSigner}}}
	if err := node.Init(config, p.world.Genesis); err != nil {
		return err
	}
	if p.node, err = node.Open(config); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.node.Close()) }()
	// Limits are for strangers; here all subscribers come from one address.
	limits := httplimit.Default(httplimit.Files())
	limits.Streams, limits.StreamsPerAddress = 2*subscribers, 2*subscribers
	limits.Connections += 2 * subscribers
	limits.ConnectionsPerAddress = limits.Connections
	server := api.New(p.node, api.Options{Open: true, Limits: &limits})
	listener, err := server.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	p.url = "http://" + listener.Addr().String()
	bare, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.bare = "http://" + bare.Addr().String()
	served := make(chan error, 1)
	serving, stop := context.WithCancel(ctx)
	go func() { served <- server.Serve(serving, listener) }()
	page := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<!doctype html><html lang=en><title>Bare</title><h1>A bare page</h1>"))
	})}
	httplimit.Configure(page)
	go func() { _ = page.Serve(bare) }()
	// In the reverse order of starting: the server ends, is waited for, and only then the node under it closes.
	defer func() {
		stop()
		err = errors.Join(err, page.Close(), <-served)
	}()
	if err := p.populate(ctx); err != nil {
		return err
	}
	return use(p)
}

// soon is until when a transaction can be executed.
func (p *pagesNode) soon() uint64 { return uint64(time.Now().Add(benchMinutes).UnixMilli()) }

func (p *pagesNode) submit(ctx context.Context, tx *token.Transaction) error {
	_, err := p.node.Submit(ctx, tx)
	return err
}

// populate admits a bank and registers who is paid.
func (p *pagesNode) populate(ctx context.Context) error {
	tx, bank := p.world.Admit("bank", 1, p.soon())
	if err := p.submit(ctx, tx); err != nil {
		return err
	}
	p.bank = bank
	p.registered = 1
	tx, p.payee = p.world.Register("bank", bank, p.registered, "shop", 1, p.soon())
	return p.submit(ctx, tx)
}

// pages meets the pages in a browser.
func (p *pagesNode) pages(ctx context.Context, rounds int, result *consoleBench) (err error) {
	if !console.Built() {
		// Said in the result and no error: payments beside subscribers are measured without a browser, too.
		result.NoBrowser = "the pages are not built into this program: make build builds them where Node is"
		return nil
	}
	browser, err := bench.Start(ctx)
	if errors.Is(err, bench.ErrNoBrowser) {
		result.NoBrowser = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, browser.Close()) }()
	for _, v := range visits {
		medians, err := browser.Medians(ctx, []string{p.url + "/", p.url + "/wallet/", p.bare}, v.visit, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		millis := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		result.Pages = append(result.Pages, pageTimes{v.name, millis(medians[0]), millis(medians[1]),
			millis(medians[2]), v.aimMillis})
	}
	u, err := p.used(ctx, browser, rounds)
	if err != nil {
		return fmt.Errorf("the wallet in use: %w", err)
	}
	result.Use = &u
	return nil
}

// spent is what payments took.
type spent struct{ time, work time.Duration }

// payments makes payments in turns with and without subscribers.
func (p *pagesNode) payments(ctx context.Context, each int, result *consoleBench) error {
	var with, without spent
	var heard, due uint64
	var hearing float64
	for range result.Rounds {
		// Without and with in turns within each round, so that a machine that slows down slows both.
		if err := p.round(ctx, each, &without); err != nil {
			return err
		}
		h, blocks, err := p.beside(ctx, each, result.Subscribers, &with)
		if err != nil {
			return err
		}
		// What was heard is counted and reported: a stream that dropped blocks would make payments look fast.
		due, heard, hearing = due+blocks, heard+min(h.Heard, blocks), hearing+h.CPUSeconds
	}
	all := float64(each * result.Rounds)
	result.WithEvents, result.WithoutThem = all/with.time.Seconds(), all/without.time.Seconds()
	result.EventsRatio = result.WithEvents / result.WithoutThem
	result.WorkRatio = without.work.Seconds() / with.work.Seconds()
	result.HearingCPU = hearing / with.time.Seconds()
	result.Heard = float64(heard) / float64(max(1, due))
	return nil
}

// beside makes payments beside subscribers, and says what those heard, of how many blocks, and took. What is still said
// when the last payment has been made is work of these payments too.
func (p *pagesNode) beside(ctx context.Context, each, n int, with *spent) (h hearing, due uint64, err error) {
	s, err := subscribe(ctx, p.hearer, p.url, n)
	if err != nil {
		return h, 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	began, err := s.await(ctx, 0)
	if err != nil {
		return h, 0, err
	}
	before := p.node.Head().Height
	if err := p.round(ctx, each, with); err != nil {
		return h, 0, err
	}
	due = (p.node.Head().Height - before) * uint64(n)
	work := cli.CpuTime()
	h, err = s.await(ctx, due)
	with.work += cli.CpuTime() - work
	h.CPUSeconds -= began.CPUSeconds
	return h, due, err
}

// Payments are issued in parts of so many tokens, and so many are under way at once.
const (
	benchTokens   = 64
	benchUnderWay = 16
)

// round issues tokens and adds what paying each of them on takes.
func (p *pagesNode) round(ctx context.Context, each int, took *spent) error {
	var list []*token.Transaction
	for len(list) < each {
		amounts := make([]money.Tiyn, min(benchTokens, each-len(list)))
		for i := range amounts {
			amounts[i] = money.Tenge
		}
		issue := p.world.Issue(p.sequence, p.bank, p.soon(), amounts...)
		if err := p.submit(ctx, issue); err != nil {
			return err
		}
		p.sequence++
		for i := range amounts {
			list = append(list, p.world.Pay(p.bank, p.world.Key("bank treasury"), p.payee, money.Tenge,
				[]token.ID{token.OutputID(issue.ID(), i)}, money.Tenge, p.soon()))
		}
	}
	slots, errs := make(chan struct{}, benchUnderWay), make(chan error, len(list))
	var group sync.WaitGroup
	// Everything is signed by now: what is timed is the node.
	began, work := time.Now(), cli.CpuTime()
	for _, tx := range list {
		slots <- struct{}{}
		group.Go(func() {
			errs <- p.submit(ctx, tx)
			<-slots
		})
	}
	group.Wait()
	took.time, took.work = took.time+time.Since(began), took.work+cli.CpuTime()-work
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
