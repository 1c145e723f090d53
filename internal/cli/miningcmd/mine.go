package miningcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/chaincmd"
	"github.com/aqsha/aqsha/pool/miner"
	"github.com/aqsha/aqsha/words"
)

// mineFlags are the settings of a miner.
type mineFlags struct {
	node              chaincmd.NodeFlags
	payTo             string
	pools             []string
	user, password    string
	threads, blocks   int
	affinity          bool
	kernel, apiListen string
	difficulty        float64
	duration          time.Duration
}

// NewMineCommand makes the command "mine".
func NewMineCommand() *cobra.Command {
	var f mineFlags
	command := &cobra.Command{
		Use:   "mine",
		Short: "Mine on this machine's processors, alone on a node or for a pool",
		Long: `Mines Bitcoin with the fastest kernel that the processor runs. Alone, it takes templates
from a node (--bitcoin) and every block pays --pay-to. For a pool (--pool, again for others
to fall back to), it works under --user. It never works for anybody else.

The hash rate is shown live on a terminal; fleet software reads it from --api-listen as
from a cgminer. An interrupt stops it; what was found is handed in first.`,
		Example: `  aqsha mine --pool stratum+tcp://pool.example:3333 --user bc1q...worker
  aqsha mine --bitcoin @aqsha-devnet/node.url --pay-to bcrt1q... --blocks 1 --threads 1
  aqsha mine --pool stratum+ssl://a:443 --pool stratum+tcp://b:3333 --user ... --api-listen 127.0.0.1:4028`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return f.run(command) },
	}
	f.node.Register(command)
	cli.AddLogFlags(command)
	flags := command.Flags()
	flags.StringVar(&f.payTo, "pay-to", "", "address that solo blocks pay")
	flags.StringArrayVar(&f.pools, "pool", nil, "pool, stratum+tcp://host:port, stratum+ssl://host:port, or @FILE "+
		"that holds it")
	flags.StringVar(&f.user, "user", "", "user at the pool, often an address and .worker")
	// Never on the command line itself, where every user of the machine reads it.
	cli.SecretFlags(flags, "password", "AQSHA_POOL_PASSWORD", "the password at the pool, which most do not look at")
	flags.Float64Var(&f.difficulty, "difficulty", 0, "share difficulty to suggest to the pool")
	flags.IntVar(&f.threads, "threads", 0, "threads (default: one for each processor)")
	flags.BoolVar(&f.affinity, "affinity", false, "pin each thread to a processor (Linux)")
	flags.StringVar(&f.kernel, "kernel", "", "kernel to use (default: the fastest here; see 'aqsha bench sha256d')")
	cli.ListenVar(flags, &f.apiListen, "api-listen", "",
		"answer cgminer API requests on this address, such as 127.0.0.1:4028")
	flags.IntVar(&f.blocks, "blocks", 0, "solo: stop after this many blocks")
	flags.DurationVar(&f.duration, "duration", 0, "stop after this long")
	return command
}

func (f *mineFlags) check() error {
	solo := len(f.pools) == 0
	switch {
	case solo && f.payTo == "":
		return errors.New("--pay-to: whose address should solo blocks pay? (or give --pool)")
	case !solo && f.user == "":
		return errors.New("--user: who works at the pool?")
	case !solo && f.payTo != "":
		return errors.New("--pay-to is for solo mining; at a pool, --user says who is paid")
	case !solo && f.blocks > 0: // at a pool it would go on for ever
		return errors.New("--blocks is for solo mining; at a pool, --duration says how long")
	case solo && f.user != "":
		return errors.New("--user is for a pool; alone, --pay-to says who is paid")
	case solo && f.difficulty > 0:
		return errors.New("--difficulty is for a pool: alone, the network's counts")
	case f.threads < 0 || f.threads > 4096:
		return fmt.Errorf("--threads %d: want 1 to 4096", f.threads)
	case f.blocks < 0:
		return fmt.Errorf("--blocks %d: want a number of blocks, or 0 for no end", f.blocks)
	case f.duration < 0:
		return fmt.Errorf("--duration %s: want a time, or 0 for no end", f.duration)
	case !(f.difficulty >= 0 && f.difficulty < 1e30): // not a number neither
		return fmt.Errorf("--difficulty %g: want a difficulty, or 0 for the pool's own", f.difficulty)
	}
	for i, pool := range f.pools {
		var err error
		if pool, err = cli.TextOrFile(pool); err != nil {
			return cli.Usage(fmt.Errorf("--pool: %w", err))
		}
		f.pools[i] = pool
		if err := miner.CheckURL(pool); err != nil {
			return cli.Usage(err)
		}
	}
	return nil
}

func (f *mineFlags) run(command *cobra.Command) error {
	password, err := cli.Secret(command, "password", "AQSHA_POOL_PASSWORD")
	if err != nil {
		return err
	}
	f.password = cmp.Or(password, "x")
	if err := f.check(); err != nil {
		return cli.Usage(err)
	}
	options := miner.Options{Threads: f.threads, Affinity: f.affinity}
	if f.kernel != "" {
		kernel, ok := sha256d.Find(f.kernel)
		if !ok {
			return cli.Usage(fmt.Errorf("--kernel %q: unknown, or this processor cannot run it", f.kernel))
		}
		options.Kernel = kernel
	}
	ctx, cancel := context.WithCancel(command.Context())
	defer cancel()
	if f.duration > 0 {
		ctx, cancel = context.WithTimeout(ctx, f.duration)
		defer cancel()
	}
	log, err := cli.NewLogger(command, command.ErrOrStderr())
	if err != nil {
		return err
	}
	stats := miner.NewStats(time.Now())
	source, err := f.source(ctx, log)
	if err != nil {
		return err
	}
	if f.apiListen != "" {
		listener, err := net.Listen("tcp", f.apiListen)
		if err != nil {
			return fmt.Errorf("--api-listen: %w", err)
		}
		api := &miner.API{Stats: stats, Version: cli.Version(), Now: time.Now}
		go func() { _ = api.Serve(ctx, listener) }()
	}
	engine := miner.NewEngine(options, stats)
	stopped := make(chan struct{})
	go func() { engine.Run(ctx); close(stopped) }()
	go liveRate(ctx, command.ErrOrStderr(), stats)
	// The source ends first and hands in what was found; then the engine is ended and waited for, so that the figures
	// are final.
	err = source.Run(ctx, engine, stats)
	cancel()
	<-stopped
	var nobody *miner.NotReachedError
	ended := err
	if err != nil && !errors.As(err, &nobody) && !errors.Is(err, miner.ErrNoWork) {
		return err
	}
	// Shown first, whatever came of it: programs read the same figures, and the exit code says the rest.
	summary := stats.Summary(time.Now())
	if err := cli.Show(command, summary, func(w io.Writer) {
		printSummary(w, cli.LanguageFor(command), summary)
	}); err != nil {
		return err
	}
	if nobody != nil {
		return cli.EndWith(cli.ExitUnreached, ended)
	}
	return ended
}

// workSource is where the engine's jobs come from.
type workSource interface {
	Run(ctx context.Context, engine *miner.Engine, stats *miner.Stats) error
}

func (f *mineFlags) source(ctx context.Context, log *slog.Logger) (workSource, error) {
	if len(f.pools) > 0 {
		return &miner.PoolClient{URLs: f.pools, User: f.user, Password: f.password, Agent: "aqsha/" + agentVersion(),
			Log: log, RequestedDifficulty: f.difficulty}, nil
	}
	client, network, err := f.node.Dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := network.CheckMinable(); err != nil {
		return nil, err
	}
	script, err := network.PayTo(f.payTo)
	if err != nil {
		return nil, err
	}
	return &miner.Solo{Client: client, Script: script, Tag: "/aqsha/", Log: log, Blocks: f.blocks}, nil
}

// agentVersion is short, for it travels with every connection.
func agentVersion() string {
	short, _, _ := strings.Cut(cli.Version(), " ")
	return strings.Trim(short, "()")
}

// liveRate rewrites one line a second when a terminal is there.
func liveRate(ctx context.Context, stderr io.Writer, stats *miner.Stats) {
	file, ok := stderr.(*os.File)
	terminal := ok && isatty.IsTerminal(file.Fd())
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if terminal {
				fmt.Fprintln(stderr)
			}
			return
		case <-tick.C:
			s := stats.Summary(time.Now())
			if terminal {
				fmt.Fprintf(stderr,
					"\r\033[K%.2f MH/s (1 min %.2f)  accepted %d  rejected %d  blocks %d  best share %.4g",
					s.MH5s, s.MH1m, s.Accepted, s.RejectedTotal(), s.Blocks, s.BestShare)
			}
		}
	}
}

func printSummary(w io.Writer, l words.Language, s miner.Summary) {
	fmt.Fprintln(w, l.Text("mine.rate", "rate", fmt.Sprintf("%.2f", s.MHAverage), "seconds",
		fmt.Sprintf("%.1f", s.ElapsedSeconds), "kernel", s.Kernel, "threads", s.Threads))
	fmt.Fprintln(w, l.Text("mine.shares", "accepted", s.Accepted, "rejected", s.RejectedTotal(), "blocks", s.Blocks,
		"best", fmt.Sprintf("%.4g", s.BestShare)))
	for _, reason := range slices.Sorted(maps.Keys(s.Rejected)) {
		fmt.Fprintln(w, " ", l.Text("mine.rejected", "count", s.Rejected[reason], "reason", reason))
	}
}
