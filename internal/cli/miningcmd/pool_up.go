package miningcmd

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aqsha/aqsha/bitcoin/zmq"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/chaincmd"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/admin"
	"github.com/aqsha/aqsha/pool/handover"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/web"
)

// poolUp are the settings of a pool node that is started.
type poolUp struct {
	config                        settings.Config
	node                          chaincmd.NodeFlags
	others                        []string
	dir, name, importFile, mirror string
	listen, tlsListen             []string
	tlsCert, tlsKey               string
	httpTLS                       cli.PageTLS
	zmq                           string
	peers, exempt                 []string
	adminSocket                   string
	adminGroups                   []string
	http                          string
	fee                           float64
	nodeNumber                    uint8
	payEvery                      time.Duration
	wallet                        string
	payMinimum                    string
	maxFeeRate                    float64
	payDepth                      int
	paySweep                      time.Duration
	bip323                        bool
	replace                       bool
}

func newPoolUpCommand() *cobra.Command {
	up := &poolUp{config: settings.Defaults()}
	command := &cobra.Command{
		Use:   "up",
		Short: "Run the pool until interrupted",
		Long: `Runs a pool node: Stratum V1 on --listen (and with TLS on --tls-listen), figures, metrics
and the log on --http. The operator's address gets the fee and what nobody else does; with
--in-coinbase the miners are paid by the block itself and the operator never holds their
coins. A second node of the same pool runs with another --node-number and directory;
miners list both. Settings of a ckpool.conf are taken over with --import; flags given as
well have the last word.

With --replace it takes the place of the pool that runs on the same --data, with this
program's version and these flags: the listening sockets, the miners' connections and
their jobs go over, miners notice nothing but a pause while the log is read. If the new
pool cannot begin, the running one goes on. It stays for as long as miners do whose TLS
it has begun, and does nothing else. Without a running pool it just starts.`,
		Example: `  aqsha pool up --bitcoin @aqsha-devnet/node.url --operator bcrt1q... --start-difficulty 0.001 --min-difficulty 1e-9
  aqsha pool up --bitcoin http://127.0.0.1:8332 --cookie ~/.bitcoin/.cookie --operator bc1q... --scheme tides --in-coinbase
  aqsha pool up --replace --bitcoin http://127.0.0.1:8332 --cookie ~/.bitcoin/.cookie --operator bc1q... --scheme tides
  aqsha pool up --import /etc/ckpool/ckpool.conf`,
		Args: cobra.NoArgs,
		// Flags are only taken here; what they mean together, with a ckpool.conf below them, is judged when it runs.
		RunE: func(command *cobra.Command, _ []string) error { return up.run(command) },
	}
	up.node.Register(command)
	cli.AddLogFlags(command)
	up.settingFlags(command.Flags())
	up.placeFlags(command.Flags())
	return command
}

// settingFlags are what a ckpool.conf may say as well.
func (up *poolUp) settingFlags(flags *pflag.FlagSet) {
	c := &up.config
	flags.StringVar(&c.Operator, "operator", "", "the operator's address")
	flags.StringVar(&c.Scheme, "scheme", c.Scheme, "pps, fpps, pplns, tides, prop or solo")
	flags.BoolVar(&c.PayInCoinbase, "in-coinbase", false, "pay miners in the coinbase")
	flags.Float64Var(&up.fee, "fee", float64(c.FeePPM)/10_000,
		"operator's fee in percent; one that is higher than before holds after a day's notice")
	flags.StringVar(&c.Tag, "tag", c.Tag, "text in the coinbase")
	flags.Float64Var(&c.StartDifficulty, "start-difficulty", c.StartDifficulty, "first difficulty of a connection")
	flags.Float64Var(&c.MinDifficulty, "min-difficulty", c.MinDifficulty, "least difficulty")
	flags.Float64Var(&c.MaxDifficulty, "max-difficulty", c.MaxDifficulty, "greatest difficulty")
	flags.Float64Var(&c.SharesPerMinute, "shares-per-minute", c.SharesPerMinute, "that difficulties aim at")
	flags.IntVar(&c.MaxConnections, "max-connections", c.MaxConnections, "of all miners")
	flags.IntVar(&c.MaxPerIP, "max-per-ip", c.MaxPerIP, "connections from one address")
	flags.DurationVar(&c.JobInterval, "job-interval", c.JobInterval, "a new job at least this often")
	flags.DurationVar(&c.MaxTemplateAge, "max-template-age", c.MaxTemplateAge,
		"older, and the node counts as frozen: work stops")
	flags.StringToIntVar(&c.ClassBytes, "coinbase-bytes", nil,
		"coinbase size by class of firmware, such as unknown=1000")
}

// placeFlags are where the pool is and how it pays.
func (up *poolUp) placeFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&up.others, "second-node", nil,
		"another node's URL, or @FILE that holds it, to stand in and to compare with")
	// Where this node of the pool stands and who pays. These may differ between the nodes of one pool, whose settings
	// are the same.
	flags.StringVar(&up.dir, "data", "aqsha-pool", "data directory: share log, key, books")
	cli.Formerly(flags, "data", "dir")
	flags.StringVar(&up.name, "name", "pool", "name of the pool in its log's checkpoints")
	flags.StringArrayVar(&up.listen, "listen", []string{"127.0.0.1:3333"},
		"Stratum address, with difficulties of its own as in 0.0.0.0:3334,start=500000,min=500000")
	flags.StringArrayVar(&up.tlsListen, "tls-listen", nil, "Stratum address with TLS, as --listen")
	flags.StringVar(&up.tlsCert, "tls-cert", "", "PEM certificate chain; read again when it changes or on SIGHUP")
	flags.StringVar(&up.zmq, "zmq", "",
		"the first node's ZeroMQ publisher of hashblock or rawblock, tcp://host:port: news of blocks beside its RPC")
	flags.StringArrayVar(&up.peers, "peer", nil,
		"host:port of a Bitcoin node's peer-to-peer port that gets every block of the pool as well")
	flags.StringVar(&up.adminSocket, "admin-socket", "", "socket of 'aqsha pool admin' (default DIR/admin.sock)")
	flags.StringArrayVar(&up.adminGroups, "admin-group", nil,
		"GROUP=ROLE: what members of a group of this system may do there: viewer, support or admin")
	flags.StringArrayVar(&up.exempt, "exempt", nil,
		"address or network (10.0.0.0/8) that is never banned nor limited in connections")
	flags.StringVar(&up.tlsKey, "tls-key", "", "PEM key")
	cli.ListenVar(flags, &up.http, "http", "", "address of figures, metrics and log, such as 127.0.0.1:8080")
	up.httpTLS.AddFlag(flags, "http")
	flags.Uint8Var(&up.nodeNumber, "node-number", 0, "number of this pool node")
	flags.BoolVar(&up.bip323, "bip323", false, "let miners roll the bits of the BIP 323 draft")
	flags.DurationVar(&up.payEvery, "pay-every", 0, "pay what users are owed from the wallet at this interval")
	flags.StringVar(&up.wallet, "wallet", "",
		"URL, or @FILE that holds it, of the wallet that pays: btcwallet's, or Bitcoin Core's with …/wallet/NAME "+
			"(default the node's own)")
	flags.StringVar(&up.payMinimum, "pay-minimum", "0.001", "least amount of a payment in bitcoin")
	flags.Float64Var(&up.maxFeeRate, "max-fee-rate", 50,
		"cap of a payment's fee, satoshi per virtual byte; dearer, and it waits")
	flags.IntVar(&up.payDepth, "pay-confirmations", payments.DefaultConfirmations,
		"blocks that make a payment paid, or the loss of its coin final")
	flags.DurationVar(&up.paySweep, "pay-sweep", 30*24*time.Hour,
		"pay users below the minimum who have sent no share for so long; 0: never")
	flags.StringVar(&up.mirror, "mirror", "",
		"a copy of this pool's log (aqsha pool fetch), as a URL or a directory: while it has more of the log, nobody is paid")
	flags.BoolVar(&up.replace, "replace", false,
		"take the place of the pool that runs on --data, without closing a connection of its miners")
	flags.StringVar(&up.importFile, "import", "", "take settings from a ckpool.conf")
}

// importedURL is the URL of a node in a ckpool.conf. Its password may have any character, and one that means
// something in a URL is escaped: the node would else be looked for at another host, or under another name.
func importedURL(node settings.ImportedNode) string {
	return (&url.URL{Scheme: "http", User: url.UserPassword(node.User, node.Password), Host: node.Address}).String()
}

// settings joins defaults, the imported file and the flags, in this order.
func (up *poolUp) settings(command *cobra.Command) error {
	if err := up.checkFlags(); err != nil {
		return cli.Usage(err)
	}
	up.config.FeePPM = uint64(up.fee*10_000 + 0.5)
	up.config.Node = up.nodeNumber
	if up.bip323 {
		up.config.VersionMask = settings.MaskBIP323
	}
	for _, text := range up.exempt {
		prefix, err := admin.ParseNetwork(text)
		if err != nil {
			return cli.Usage(fmt.Errorf("--exempt: %w", err))
		}
		up.config.Exempt = append(up.config.Exempt, prefix)
	}
	if up.importFile == "" {
		return up.config.Validate()
	}
	raw, err := os.ReadFile(up.importFile)
	if err != nil {
		return cli.Usage(err)
	}
	imported, err := settings.ImportCkpool(raw, up.config)
	if err != nil {
		return err
	}
	given := command.Flags().Changed
	merged := imported.Config
	merged.Exempt = up.config.Exempt
	// The file is taken over whole, then what was said on the command line goes over it: a flag that was left alone
	// must not put its default in the file's place.
	for flag, keep := range map[string]func(){
		"operator": func() { merged.Operator = up.config.Operator }, "tag": func() { merged.Tag = up.config.Tag },
		"start-difficulty": func() { merged.StartDifficulty = up.config.StartDifficulty },
		"min-difficulty":   func() { merged.MinDifficulty = up.config.MinDifficulty },
		"max-difficulty":   func() { merged.MaxDifficulty = up.config.MaxDifficulty },
		"max-connections":  func() { merged.MaxConnections = up.config.MaxConnections },
		"job-interval":     func() { merged.JobInterval = up.config.JobInterval },
		"bip323":           func() { merged.VersionMask = up.config.VersionMask },
	} {
		if given(flag) {
			keep()
		}
	}
	up.config = merged
	if imported.ZMQ != "" && !given("zmq") {
		up.zmq = imported.ZMQ
	}
	if len(imported.Listen) > 0 && !given("listen") {
		up.listen = imported.Listen
	}
	for i, node := range imported.Nodes {
		if at := importedURL(node); i == 0 && up.node.URL == "" {
			up.node.URL = at
		} else if i > 0 {
			up.others = append(up.others, at)
		}
	}
	for _, key := range imported.Ignored {
		fmt.Fprintln(command.ErrOrStderr(), cli.LanguageFor(command).Text("pool.ignored", "file", up.importFile, "key",
			key))
	}
	return up.config.Validate()
}

func (up *poolUp) run(command *cobra.Command) error {
	if err := up.settings(command); err != nil {
		return err
	}
	if err := up.checkListens(); err != nil {
		return err
	}
	if err := up.checkPlaces(); err != nil {
		return err
	}
	return up.serve(command)
}

// serveAdmin opens the administration's socket. It is closed once ended is.
func (up *poolUp) serveAdmin(ctx context.Context, p *pool.Pool, logger *slog.Logger,
	successors chan<- *net.UnixConn) (ended <-chan struct{}, err error) {
	done := make(chan struct{})
	groups, err := up.groups()
	if err != nil {
		return nil, cli.Usage(err)
	}
	control := &admin.Control{Pool: p, Groups: groups, Successors: successors}
	listener, err := control.Listen(up.socket())
	if err != nil && up.adminSocket == "" {
		logger.Warn("no administration: give --admin-socket a shorter path", "error", err) // of a socket: 107 bytes
		close(done)
		return done, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--admin-socket: %w", err)
	}
	go func() {
		defer close(done)
		if err := control.Serve(ctx, listener); err != nil {
			logger.Error("the administration's socket fails", "error", err)
		}
	}()
	return done, nil
}

// socket is where the administration listens.
func (up *poolUp) socket() string { return cmp.Or(up.adminSocket, filepath.Join(up.dir, adminSocket)) }

// blockNews subscribes to the node's ZeroMQ publisher, if there is one.
func (up *poolUp) blockNews(ctx context.Context, logger *slog.Logger) (<-chan struct{}, error) {
	if up.zmq == "" {
		return nil, nil
	}
	address, err := zmq.ParseAddress(up.zmq)
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("--zmq: %w", err))
	}
	return zmq.Blocks(ctx, address, func(err error) {
		logger.Warn("no news of blocks from ZeroMQ; RPC goes on", "error",
			err)
	}), nil
}

// httpName is what the listener of --http is handed over as.
func (up *poolUp) httpName() string { return "http " + up.http }

func (up *poolUp) serveHTTP(ctx context.Context, p *pool.Pool, from *handover.Handover,
	logger *slog.Logger) (*httplimit.Server, net.Listener, error) {
	if up.http == "" {
		return nil, nil, nil
	}
	up.httpTLS.UseCertificate(up.tlsCert, up.tlsKey)
	if err := up.httpTLS.Read(ctx, hangups(), logger); err != nil {
		return nil, nil, err
	}
	listener, err := listenAs(ctx, from, up.httpName(), up.http)
	if err != nil {
		return nil, nil, fmt.Errorf("--http: %w", err)
	}
	secured, err := up.httpTLS.Secure(listener)
	if err != nil {
		return nil, nil, err
	}
	server := web.Bounded(p, httplimit.Files(), logger)
	go func() { _ = server.Serve(secured) }()
	return server, listener, nil // the socket itself, which a successor takes over
}
