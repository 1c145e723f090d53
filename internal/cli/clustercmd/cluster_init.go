package clustercmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/wallet"
)

// Where a validator listens unless it is said: for wallets, and for other validators. On one machine each takes the
// next port.
const (
	apiPort  = 8420
	peerPort = 26_656
)

func newClusterInitCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "init",
		Short: "Found a network that several validators order together: a directory for each",
		Long: `Found a network in the data directory, with a directory in it for each validator: its keys, the
network's log with the genesis, and where the others are. Carry each to its owner, and have him run "aqsha up --data
DIRECTORY". The first validator's directory also has the authority's keys, as "aqsha init" makes them.

The log's key is all validators' together: a checkpoint holds under the signatures of more than two thirds of them.
Without --host all run on this machine, each on ports of its own.`,
		Example: `  aqsha cluster init --validators central,dala,tulpar,farmers --development --data ./net
  aqsha cluster init --validators central,dala,tulpar,farmers --name tenge.example.kz --host central=10.0.0.1,dala=10.0.0.2,tulpar=10.0.0.3,farmers=10.0.0.4 --data ./net`,
		Args: cobra.NoArgs,
		RunE: runClusterInit,
	}
	command.Flags().StringSlice("validators", nil,
		"names of the validators, separated by commas: 1 to 16, best 4, 7 or 10")
	command.Flags().StringSlice("host", nil,
		"where each runs, NAME=HOST (default: on this machine, each on ports of its own)")
	command.Flags().Int("peer-port", peerPort, "port for other validators; on one machine the first of as many")
	command.Flags().Int("port", apiPort, "port for wallets, likewise")
	command.Flags().String("name", "tenge.localhost",
		"the network's name, and the origin of its log: no blanks, no plus")
	command.Flags().Bool("development", false, "no passphrase, open to read on loopback: never for real money")
	command.Flags().Bool("shared-keys", false, "one set of three keys for all four roles: for demonstrations")
	command.Flags().String("daily-cap", "100000000000", "most tenge issued in a day")
	command.Flags().Duration("delay", 24*time.Hour,
		"before a change of keys, cap or delay takes effect; root can veto meanwhile")
	command.Flags().Duration("rekey-delay", 24*time.Hour, "before a new key that an intermediary asks for takes effect")
	// Nothing to fall back to: who orders a ledger together is chosen, and changed later by root alone.
	_ = command.MarkFlagRequired("validators")
	return command
}

// validatorPlan is a validator that is to be founded.
type validatorPlan struct {
	Name   string `json:"name"`
	Data   string `json:"data"`
	Listen string `json:"listen"`
	Peers  string `json:"peers"` // address for other validators
}

var validatorName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// planValidators reads the validators that the flags describe.
func planValidators(command *cobra.Command, dir string) ([]validatorPlan, error) {
	names, _ := command.Flags().GetStringSlice("validators")
	given, _ := command.Flags().GetStringSlice("host")
	first, _ := command.Flags().GetInt("port")
	firstPeer, _ := command.Flags().GetInt("peer-port")
	hosts := map[string]string{}
	for _, one := range given {
		name, host, found := strings.Cut(one, "=")
		if !found || !isHost(host) {
			return nil, cli.Usage(fmt.Errorf("--host: %q, want NAME=HOST", one))
		}
		hosts[name] = host
	}
	if apart := max(first-firstPeer, firstPeer-first); apart == 0 || len(given) == 0 && apart < len(names) {
		return nil,
			cli.Usage(fmt.Errorf("--port %d and --peer-port %d: on one machine each validator takes the next of "+
				"both, and these meet", first, firstPeer))
	}
	plans := []validatorPlan{}
	taken := map[string]string{} // whose host it is
	for i, name := range names {
		if !validatorName.MatchString(name) {
			return nil, cli.Usage(fmt.Errorf("--validators: %q, want small letters, digits and dashes, at most 32",
				name))
		}
		host, apart := hosts[name]
		// What is left over at the end was said of nobody, and is a slip.
		delete(hosts, name)
		next := i
		if apart {
			next = 0
		} else {
			host = "127.0.0.1"
		}
		if len(given) > 0 && !apart {
			return nil, cli.Usage(fmt.Errorf("--host: nothing is said of %s", name))
		}
		if other, met := taken[sameHost(host)]; apart && met {
			return nil, cli.Usage(fmt.Errorf("--host: %s and %s are both at %s, and there one could not listen beside "+
				"the other: name another host, or leave --host out to run all on this machine", other, name, host))
		}
		taken[sameHost(host)] = name
		if !isPort(first+next) || !isPort(firstPeer+next) {
			return nil, cli.Usage(errors.New("--port, --peer-port: want 1 to 65535"))
		}
		plans = append(plans, validatorPlan{name, filepath.Join(dir, name), "127.0.0.1:" + strconv.Itoa(first+next),
			net.JoinHostPort(host, strconv.Itoa(firstPeer+next))})
	}
	for name := range hosts {
		return nil, cli.Usage(fmt.Errorf("--host: %s is none of --validators", name))
	}
	return plans, nil
}

// sameHost is one text for the ways to write a host: a name in any case, an address in any form.
func sameHost(host string) string {
	if ip := net.ParseIP(host); ip != nil {
		return ip.String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func runClusterInit(command *cobra.Command, _ []string) error {
	dir := cli.Flag(command, "data")
	plans, err := planValidators(command, dir)
	if err != nil {
		return err
	}
	n, err := nodecmd.NewNetworkOf(command)
	if err != nil {
		return err
	}
	development, _ := command.Flags().GetBool("development")
	// Asked for when the plan is known to be sound, and before the first directory is made: a network founded half has
	// to be removed by hand.
	secret, err := nodecmd.PassphraseForInit(command, development)
	if err != nil {
		return err
	}
	g, err := initCluster(command.Context(), dir, secret, development, n, plans)
	if err != nil {
		return err
	}
	result := map[string]any{"network": g.Network(), "name": g.Name, "data": dir, "development": development,
		"validators": plans}
	return cli.Show(command, result, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintf(w, "%s\n        %s\n", l.Text("init.network", "name", g.Name), g.Network())
		fmt.Fprintln(w, l.Text("cluster.founded", "dir", dir, "count", len(plans), "needed",
			(cluster.Charter{Members: make([]cluster.Member, len(plans))}).Quorum().Threshold))
		if development {
			fmt.Fprintln(w, l.Text("init.development"))
		}
		for _, p := range plans {
			fmt.Fprintln(w, " ", l.Text("cluster.start", "dir", p.Data, "listen", p.Listen, "peers", p.Peers))
		}
	})
}

// initCluster founds a network and a directory for each validator, all or none: they are made beside and take their
// place at the end.
func initCluster(ctx context.Context, dir, secret string, development bool, n wallet.NewNetwork,
	plans []validatorPlan) (g ledger.Genesis, err error) {
	// A refusal before this one may have left the lock's file.
	names, err := os.ReadDir(dir)
	if err == nil && slices.ContainsFunc(names, func(e os.DirEntry) bool { return e.Name() != "LOCK" }) {
		return g, cli.Usage(fmt.Errorf("%s is not empty: choose another --data for the validators' directories", dir))
	}
	lock, undo, err := datadir.BeginDirectory(ctx, dir)
	if err != nil {
		return g, err
	}
	defer func() {
		if err == nil {
			err = lock.Close()
			return
		}
		for _, p := range plans {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, p.Name)))
		}
		err = errors.Join(err, undo())
	}()
	var charter cluster.Charter
	var keys []cluster.Keys
	for _, p := range plans {
		k, err := cluster.NewKeys()
		if err != nil {
			return g, err
		}
		keys, charter.Members = append(keys, k), append(charter.Members, k.Member(p.Name))
	}
	if err := charter.Check(); err != nil {
		return g, cli.Usage(fmt.Errorf("--validators: %w", err))
	}
	if n.LogKey, err = charter.Quorum().Key(n.Name); err != nil {
		return g, cli.Usage(fmt.Errorf("--name: %w", err))
	}
	books := make([]*wallet.Keyring, len(plans))
	for i, p := range plans {
		if books[i], err = wallet.OpenKeyring(filepath.Join(dir, p.Name), secret,
			func(string) (string, error) { return secret, nil }); err != nil {
			return g, err
		}
	}
	f, err := books[0].Genesis(n)
	if err != nil {
		return g, err
	}
	g = f.Genesis
	charter.Network = g.Network()
	for i, p := range plans {
		own := filepath.Join(dir, p.Name)
		settings := cluster.Settings{Name: p.Name, Listen: p.Peers}
		for k, other := range plans {
			if k != i {
				settings.Peers = append(settings.Peers, keys[k].PeerID()+"@"+other.Peers)
			}
		}
		c := datadir.Config{Name: n.Name, Listen: p.Listen, Development: development, Network: g.Network().String()}
		if err := initValidator(own, books[i], c, g, charter, settings, keys[i]); err != nil {
			return g, fmt.Errorf("%s: %w", p.Name, err)
		}
		if err := datadir.WriteConfig(own, c); err != nil {
			return g, err
		}
	}
	return g, nil
}

// initValidator makes one validator's directory, but for the configuration: that comes last, for a directory that has
// one has everything.
func initValidator(dir string, keyring *wallet.Keyring, c datadir.Config, g ledger.Genesis, charter cluster.Charter,
	settings cluster.Settings, keys cluster.Keys) error {
	if err := keyring.SaveValidator(keys.Text()); err != nil {
		return err
	}
	if _, err := node.InitCopy(node.Config{Dir: dir, Options: txlog.Options{Origin: c.Name}},
		g.Leaf().Encode()); err != nil {
		return err
	}
	return cluster.Init(dir, g, charter, settings)
}
