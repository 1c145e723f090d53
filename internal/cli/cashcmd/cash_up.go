package cashcmd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/notes"
)

func newCashUpCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "up RESERVE", Short: "Run a cash office until interrupted",
		Long: `Serves the Cashu protocol below /cash/ on --listen, and the public log below /cash/log/. RESERVE is the
ledger wallet that backs the notes; its key is in the data directory, and a node runs the ledger. The URL that wallets
use is written to OFFICE/office.url. Beyond loopback it speaks TLS, as the node does: --tls self (a certificate of
"aqsha tls init"), files (yours), acme (fetched), or proxy=ADDRESS of a proxy before it that does.

Keysets are made and announced before (aqsha cash keys); those that are not on the ledger are not served.`,
		Example: "  aqsha cash up reserve\n  aqsha cash up reserve --listen 127.0.0.1:8430 --most 12975 --cap 50000000",
		Args:    cobra.ExactArgs(1),
		RunE:    session.OnLedger(runOffice),
	}
	addOfficeFlag(command)
	cli.AddLogFlags(command)
	nodecmd.AddTLSFlags(command)
	flags := command.Flags()
	cli.ListenFlag(flags, "listen", "127.0.0.1:8430", "address to serve on")
	flags.String("name", "cash office", "name shown to wallets")
	flags.String("contact", "", "e-mail address shown to wallets")
	flags.String("terms", "", "URL of the terms, shown to wallets")
	flags.String("most", "12975",
		"largest withdrawal or deposit, in tenge: by default the law's limit for unidentified electronic money in 2026")
	flags.String("cap", "", "most that may circulate, in tenge (default: no cap)")
	flags.Duration("interval", time.Minute, "after how long a block of the public log is closed")
	flags.Duration("retry", 24*time.Hour, "how long a repeated request gets the same answer")
	return command
}

// logSigner opens the key of the office's log, making it the first time, under this machine's name.
func logSigner(dir string) (note.Signer, string, error) {
	host, _ := os.Hostname()
	return office.LogSigner(vfs.OS, dir, "cash."+strings.ToLower(strings.Map(plainName, host))+"/log")
}

func plainName(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
		return r
	}
	return '-'
}

// runOffice runs an office until it is interrupted. It listens before it opens anything, so that an address that is
// taken costs nothing, and holds the folder's lock for all of its life. Refused are a folder without an announced
// keyset and a ledger that no node runs.
func runOffice(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
	dir := cli.Flag(command, "office")
	if _, instance, err := datadir.Announced(cli.Flag(command, "data")); cli.Flag(command, "node") == "" &&
		(err != nil || instance == "") {
		return cli.Usage(
			errors.New("no node runs on the data directory: start it with 'aqsha up', or name one with --node"))
	}
	ids, err := s.Resolve(args[0])
	if err != nil {
		return err
	}
	limits, err := officeLimits(command)
	if err != nil {
		return err
	}
	logger, err := cli.NewLogger(command, command.ErrOrStderr())
	if err != nil {
		return err
	}
	serving, err := officeListener(ctx, command, logger)
	if err != nil {
		return err
	}
	defer serving.Close()
	if err := durable.Folder(vfs.OS, dir); err != nil {
		return err
	}
	// One office on a directory: two would each take the same note.
	lock, err := vfs.OS.Lock(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	signer, public, err := logSigner(dir)
	if err != nil {
		return err
	}
	o, err := office.Open(ctx, office.Config{Dir: dir, Ledger: notes.NewReserve(s.Client, ids[0]),
		Origin: signer.Name(), Signer: signer,
		Max: limits.most, Cap: limits.circulating, Interval: limits.interval, Retry: limits.retry, Logger: logger})
	if err != nil {
		return err
	}
	if len(o.Keysets()) == 0 {
		return errors.Join(
			cli.Usage(errors.New("no keyset is announced: aqsha cash keys new, then aqsha cash keys announce")),
			o.Close())
	}
	about := apicash.About{Name: cli.Flag(command, "name"), Contact: cli.Flag(command, "contact"),
		Terms: cli.Flag(command, "terms"), Version: cli.Version(), Max: limits.most, LogKey: public,
		Description: "Banknotes of the digital tenge"}
	return errors.Join(serveOffice(ctx, command, dir, serving, o, about), o.Close())
}

// limitsOfOffice are what an office's flags bound.
type limitsOfOffice struct {
	most, circulating money.Tiyn
	interval, retry   time.Duration
}

// Bounds of an office's flags. A note is booked an interval after its answer, and its holder waits a day before he
// complains.
const (
	minInterval, maxInterval = time.Second, time.Hour
	minRetry, maxRetry       = time.Minute, 30 * 24 * time.Hour
)

// officeLimits reads them; what makes no sense is refused before anything is opened. Bounds are those of the flags: a
// cap below one operation would refuse all of that size, an interval of seconds would write a block for each note.
func officeLimits(command *cobra.Command) (l limitsOfOffice, err error) {
	if l.most, err = cli.AmountFlag(command, "most"); err != nil {
		return l, err
	}
	if l.circulating, err = cli.AmountFlag(command, "cap"); err != nil {
		return l, err
	}
	l.interval, _ = command.Flags().GetDuration("interval")
	l.retry, _ = command.Flags().GetDuration("retry")
	switch {
	case l.most <= 0:
		return l, cli.Usage(fmt.Errorf("--most %s: the largest withdrawal or deposit is more than nothing",
			cli.Flag(command, "most")))
	case command.Flags().Changed("cap") && l.circulating <= 0:
		return l,
			cli.Usage(fmt.Errorf("--cap %s: what may circulate is more than nothing; without --cap there is no cap",
				cli.Flag(command, "cap")))
	case command.Flags().Changed("cap") && l.circulating < l.most:
		return l, cli.Usage(fmt.Errorf("--cap %s is less than one operation may have, --most %s",
			l.circulating.Format(), l.most.Format()))
	case l.interval < minInterval || l.interval > maxInterval:
		return l, cli.Usage(fmt.Errorf("--interval %s: a block is closed after %s to %s", l.interval, minInterval,
			maxInterval))
	case l.retry < minRetry || l.retry > maxRetry:
		return l, cli.Usage(fmt.Errorf("--retry %s: repeated requests get the same answer for %s to %s", l.retry,
			minRetry, maxRetry))
	}
	return l, nil
}

// officeServing is where an office listens, and how it is dialled.
type officeServing struct {
	net.Listener
	url string
}

// officeListener opens the address to serve on. Nothing listens beyond loopback without TLS, as of the node: notes
// are money of whoever reads them on the way.
func officeListener(ctx context.Context, command *cobra.Command, logger *slog.Logger) (*officeServing, error) {
	var c datadir.Config
	nodecmd.TakeTLS(&c, command)
	var options api.Options
	if err := nodecmd.Secure(ctx, c, cli.Flag(command, "data"), &options, logger); err != nil {
		return nil, err
	}
	address := cli.Flag(command, "listen")
	if err := options.MayListen(address); err != nil {
		return nil, cli.Usage(fmt.Errorf("--listen: %w", err))
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("--listen: %w", err))
	}
	serving := &officeServing{listener, "http://" + listener.Addr().String() + apicash.Prefix}
	if options.Proxy != "" {
		serving.Listener = httplimit.Only(serving.Listener, options.Proxy)
	}
	if options.TLS != nil {
		host, port, _ := net.SplitHostPort(listener.Addr().String())
		if len(options.Names) > 0 {
			host = options.Names[0]
		}
		serving.Listener = tls.NewListener(serving.Listener, options.TLS)
		serving.url = "https://" + net.JoinHostPort(host, port) + apicash.Prefix
	}
	return serving, nil
}

// serveOffice serves until interrupted.
func serveOffice(ctx context.Context, command *cobra.Command, dir string, serving *officeServing, o *office.Office,
	about apicash.About) error {
	logger, err := cli.NewLogger(command, command.ErrOrStderr())
	if err != nil {
		return err
	}
	server := apicash.NewServer(o, about, logger).Bounded(httplimit.Files())
	url := serving.url
	if err := durable.Replace(vfs.OS, filepath.Join(dir, "office.url"), []byte(url+"\n")); err != nil {
		return err
	}
	err = cli.Show(command, map[string]any{"url": url, "log_key": about.LogKey, "most": about.Max,
		"keysets": len(o.Keysets())}, func(out io.Writer) {
		fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.office", "url", url, "key", about.LogKey, "most",
			about.Max.Format()))
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running := make(chan error, 2)
	go func() { running <- o.Run(ctx) }()
	go func() { running <- server.Serve(serving) }()
	select {
	case <-ctx.Done():
	case err = <-running:
	}
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	// First no more requests, then a last block over all that was signed: nobody's note waits unbooked for the next
	// start.
	_ = server.Shutdown(end)
	if err == nil {
		err = o.CloseBlock(end)
	}
	return errors.Join(err, durable.Remove(vfs.OS, filepath.Join(dir, "office.url")))
}
