package clustercmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/cli/statuscmd"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/quorum"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
)

// publicFile says who a validator is, for the authority's key holders: its name and public keys.
const publicFile = "cluster/validator.json"

const maxPublicBytes = 4096

func newClusterPrepareCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "prepare [NAME]",
		Short: "Make a new validator's directory, or next keys for the one that is here",
		Long: `With NAME and --from, make the directory of a validator that is to join, or to take over from a node that
orders alone, whose directory --from is then: its keys, the network's first
entry, and where the others are, as an existing validator's directory says it. Of that one only config.toml and of
cluster/ genesis.json, first_entry and cluster.toml are read, so that a copy of these will do. Without NAME, make next
keys for the validator whose directory this is; they take the place of the present ones when it starts after the ledger
has set them.

Give cluster/validator.json, which says who it is and is no secret, to the authority: "aqsha cluster add" or "aqsha
cluster rotate" sets it.`,
		Example: `  aqsha cluster prepare kazpost --from ./net/central --host 10.0.0.5 --data ./net/kazpost
  aqsha cluster prepare --data ./net/dala`,
		Args: cobra.MaximumNArgs(1),
		RunE: runClusterPrepare,
	}
	command.Flags().String("from", "", "directory of a validator that is there, or of the node that orders alone")
	command.Flags().String("host", "127.0.0.1", "at which the others reach it")
	command.Flags().Int("port", apiPort, "for wallets")
	command.Flags().Int("peer-port", peerPort, "for other validators")
	command.Flags().StringSlice("peers", nil, "where the others are, ID@HOST:PORT (default: as --from says)")
	return command
}

func runClusterPrepare(command *cobra.Command, args []string) error {
	dir := cli.Flag(command, "data")
	var who publicValidator
	var err error
	from := cli.Flag(command, "from")
	switch {
	case len(args) == 0:
		who.Validator, err = prepareNext(command, dir)
	case from != "" && !cluster.Here(from):
		who, err = prepareAdopter(command, dir, from, args[0])
	default:
		who.Validator, err = prepareNew(command, dir, args[0])
	}
	if err != nil {
		return err
	}
	path := filepath.Join(dir, publicFile)
	return cli.Show(command, map[string]any{"validator": who, "file": path}, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("cluster.ready", "name", who.Name, "dir", dir))
		verb := "add"
		if len(args) == 0 {
			verb = "rotate"
		} else if !cluster.Here(from) {
			fmt.Fprintln(w, " ", l.Text("cluster.ready-adopt"))
			return
		}
		fmt.Fprintln(w, " ", l.Text("cluster.ready-change", "verb", verb, "file", path))
	})
}

// writePublic writes who a validator is, when its keys are on disk: the file is carried to whoever has the root keys.
func writePublic(dir string, who publicValidator) error {
	content, err := json.MarshalIndent(who, "", "  ")
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, filepath.Join(dir, publicFile), append(content, '\n'))
}

// newcomer is where a validator that joins listens, as the flags say.
type newcomer struct{ listen, peers string }

// readNewcomer refuses a validator that could not be one, or a directory that is taken, before anything is made.
func readNewcomer(command *cobra.Command, dir, name string) (n newcomer, err error) {
	if !validatorName.MatchString(name) {
		return n, cli.Usage(fmt.Errorf("%q: want small letters, digits and dashes, at most 32", name))
	}
	port, _ := command.Flags().GetInt("port")
	peer, _ := command.Flags().GetInt("peer-port")
	if !isPort(port) || !isPort(peer) || port == peer {
		return n, cli.Usage(fmt.Errorf("--port %d, --peer-port %d: want two that differ, 1 to 65535", port, peer))
	}
	host := cli.Flag(command, "host")
	if !isHost(host) {
		return n, cli.Usage(fmt.Errorf("--host: %q, want a name or an address", host))
	}
	if _, err := os.Stat(filepath.Join(dir, datadir.ConfigFile)); err == nil {
		return n, cli.Usage(fmt.Errorf("%s holds a ledger already", dir))
	}
	// The configuration comes last, so these keys are nobody's yet; what stands beside them may not be whole.
	if _, err := os.Stat(filepath.Join(dir, wallet.ValidatorKeyFile)); err == nil {
		return n, cli.Usage(fmt.Errorf("%s was begun, and something came between: remove it, and try again", dir))
	}
	return newcomer{net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), net.JoinHostPort(host, strconv.Itoa(peer))}, nil
}

func isPort(port int) bool { return port >= 1 && port <= 65_535 }

// isHost says whether a text is a host's name, as far as it can be known here, or an address.
func isHost(text string) bool {
	return text != "" && (!strings.ContainsAny(text, ":/@[] \t\n") || net.ParseIP(text) != nil)
}

// prepareNext makes next keys for the validator of a directory.
func prepareNext(command *cobra.Command, dir string) (who token.Validator, err error) {
	if !cluster.Here(dir) {
		return who, cli.Usage(fmt.Errorf("%s is no validator's directory: name the new validator", dir))
	}
	settings, err := cluster.ReadSettings(dir)
	if err != nil {
		return who, err
	}
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return who, err
	}
	return nextKeys(dir, settings.Name, keyring)
}

// nextKeys makes next keys for the validator of a name and a directory, in its keyring.
func nextKeys(dir, name string, keyring *wallet.Keyring) (who token.Validator, err error) {
	keys, err := cluster.NewKeys()
	if err != nil {
		return who, err
	}
	// Its name among peers stays: the others' settings find it by that.
	text, err := keyring.Validator()
	if err != nil {
		return who, err
	}
	present, err := cluster.ParseKeys(text)
	if err != nil {
		return who, err
	}
	keys.Peer = present.Peer
	if waiting, err := keyring.NextValidator(); err != nil {
		return who, err
	} else if waiting != "" {
		return waitingNext(dir, name, waiting)
	}
	if err := cluster.Rekey(dir, keys); err != nil {
		return who, err
	}
	if err := keyring.SaveNextValidator(keys.Text()); err != nil {
		return who, err
	}
	return publish(dir, name, keys)
}

// publish writes who a validator is that has keys.
func publish(dir, name string, keys cluster.Keys) (who token.Validator, err error) {
	if who, err = keys.Member(name).Validator(); err != nil {
		return who, err
	}
	return who, writePublic(dir, publicValidator{Validator: who})
}

// waitingNext refuses to make next keys beside those that wait; where something came between these and the file that
// says which they are, it is made now.
func waitingNext(dir, name, waiting string) (who token.Validator, err error) {
	keys, err := cluster.ParseKeys(waiting)
	if err != nil {
		return who, fmt.Errorf("%s: %w", wallet.NextValidatorKeyFile, err)
	}
	if who, err = keys.Member(name).Validator(); err != nil {
		return who, err
	}
	if said, err := readPublic(filepath.Join(dir, publicFile)); err == nil && said == who {
		return who, cli.Usage(fmt.Errorf("next keys wait in %s already: give its %s to the authority, and start this "+
			"validator when they are set", dir, publicFile))
	}
	return who, writePublic(dir, publicValidator{Validator: who})
}

// prepareNew makes a new validator's directory.
func prepareNew(command *cobra.Command, dir, name string) (who token.Validator, err error) {
	from := cli.Flag(command, "from")
	place, err := readNewcomer(command, dir, name)
	if err != nil {
		return who, err
	}
	if from == "" || !cluster.Here(from) {
		return who, cli.Usage(errors.New("--from: name the directory of a validator that is there"))
	}
	known, err := datadir.ReadConfig(from)
	if err != nil {
		return who, err
	}
	// The genesis from a validator that is there: whoever gives another one founds another network, whose blocks the
	// others refuse.
	charter, first, err := cluster.ReadFirst(from)
	if err != nil {
		return who, err
	}
	e, err := ledger.DecodeEntry(first)
	if err != nil || e.Leaf == nil || e.Leaf.Genesis == nil {
		return who, fmt.Errorf("%s: cluster/first_entry is no genesis: %w", from, err)
	}
	settings, err := newSettings(command, from, name, place.peers, charter)
	if err != nil {
		return who, err
	}
	keyring, keys, c, err := beginValidator(command, dir, place.listen, known)
	if err != nil {
		return who, err
	}
	if err := initValidator(dir, keyring, c, *e.Leaf.Genesis, charter, settings, keys); err != nil {
		return who, err
	}
	if err := cluster.Fetch(dir); err != nil {
		return who, err
	}
	if who, err = publish(dir, name, keys); err != nil {
		return who, err
	}
	return who, datadir.WriteConfig(dir, c)
}

// beginValidator makes a validator's keys, and says what its directory is configured with, as another's is of the same
// network. It writes nothing but what the passphrase is checked by.
func beginValidator(command *cobra.Command, dir, listen string, known datadir.Config) (keyring *wallet.Keyring,
	keys cluster.Keys, c datadir.Config, err error) {
	secret, err := nodecmd.PassphraseForInit(command, known.Development)
	if err != nil {
		return nil, keys, c, err
	}
	if keyring, err = wallet.OpenKeyring(dir, secret, func(string) (string, error) { return secret, nil }); err != nil {
		return nil, keys, c, err
	}
	c = datadir.Config{Name: known.Name, Listen: listen, Development: known.Development, Network: known.Network}
	keys, err = cluster.NewKeys()
	return keyring, keys, c, err
}

// newSettings says where a new validator listens, and where the others are.
func newSettings(command *cobra.Command, from, name, listen string, charter cluster.Charter) (s cluster.Settings,
	err error) {
	of, err := cluster.ReadSettings(from)
	if err != nil {
		return s, err
	}
	s = cluster.Settings{Name: name, Listen: listen}
	if s.Peers, _ = command.Flags().GetStringSlice("peers"); len(s.Peers) > 0 {
		var wrong *cluster.SettingError
		if err := s.Check(); errors.As(err, &wrong) {
			return s, cli.Usage(fmt.Errorf("--peers: %s", wrong.Rule))
		}
		return s, nil
	}
	at := slices.IndexFunc(charter.Members, func(m cluster.Member) bool { return m.Name == of.Name })
	if at < 0 {
		return s, cli.Usage(fmt.Errorf("%s is not of the first validators: say where the others are with --peers",
			of.Name))
	}
	s.Peers = append(slices.Clone(of.Peers), charter.Members[at].Peer+"@"+of.Listen)
	return s, nil
}

func readPublic(path string) (v token.Validator, err error) {
	content, err := durable.Read(vfs.OS, path, maxPublicBytes)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(content, &v); err != nil {
		return v, cli.Usage(fmt.Errorf("%s: %w", path, err))
	}
	if err := token.CheckValidators([]token.Validator{v}); err != nil {
		return v, cli.Usage(fmt.Errorf("%s is no validator.json: %w", path, err))
	}
	return v, nil
}

// changed submits, or drafts, who the validators are after a change of those that the node names now.
// It then waits until so many blocks are there behind the change that whoever leaves, or starts with other keys, is not
// needed as he was.
func changed(done string, blocks uint64, change func([]token.Validator, []string) ([]token.Validator, error)) func(
	*cobra.Command, []string) error {
	return session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
		authority, err := s.API.Authority(ctx)
		if err != nil {
			return err
		}
		ordering, err := s.API.Cluster(ctx)
		if err != nil {
			return err
		}
		if ordering.Cluster == nil {
			return cli.Usage(errors.New("this node orders alone, or does not run: name a validator that runs"))
		}
		present := slices.Clone(authority.Validators.Members)
		if len(present) == 0 { // none were set yet: they are those of the cluster's genesis
			if present, err = membersOf(ordering.Cluster.Members); err != nil {
				return err
			}
		}
		next, err := change(slices.Clone(present), args)
		if err != nil {
			return err
		}
		if there, needed := running(ordering.Cluster.Members, next); there < needed {
			fmt.Fprintln(command.ErrOrStderr(), cli.LanguageFor(command).Text("cluster.few", "all", len(next), "there",
				there, "needed", needed))
		}
		reason := cli.Flag(command, "reason")
		for i := range ordering.Cluster.Faults {
			if f := &ordering.Cluster.Faults[i]; reason == "" && f.Member == args[0] {
				reason = fmt.Sprintf("signed twice at block %d, evidence %s", f.Height, f.Evidence())
			}
		}
		receipt, err := s.SetValidators(ctx, authority.Set(token.RoleRoot).Sequence, reason, next)
		if err != nil {
			return session.ShowDone(command, receipt, err, "")
		}
		l := cli.LanguageFor(command)
		// Before the answer: whoever stops a validator at once would take from the others a vote that they need.
		waiting := awaitBlocks(ctx, s.API.Cluster, receipt.Index, blocks, func(seen *status.Status) {
			fmt.Fprintln(command.ErrOrStderr(), l.Text("cluster.comes", "block", seen.Changed+blocks))
		})
		said := l.Text("cluster."+done, "names", names(next))
		if left := without(present, next); waiting == nil && len(left) > 0 && blocks == status.InForce {
			said += "\n" + l.Text("cluster.may-stop", "names", names(left))
		}
		return errors.Join(session.ShowDone(command, receipt, nil, said), waiting)
	})
}

// Bounds of waiting for a change to be in force.
const (
	forceBound = time.Minute
	forcePoll  = 200 * time.Millisecond
)

// awaitBlocks waits, at most forceBound, until the node that is asked has so many blocks behind the change of
// validators in the entry of an index. notify is called once if they are not there yet. The error says that the change
// is executed, who is away, and that nobody may be stopped.
func awaitBlocks(ctx context.Context, ask func(context.Context) (api.Ordering, error), index, blocks uint64,
	notify func(*status.Status)) error {
	bounded, done := context.WithTimeout(ctx, forceBound)
	defer done()
	tick := time.NewTicker(forcePoll)
	defer tick.Stop()
	why := "the node that was asked does not say"
	for notified := false; ; {
		ordering, err := ask(bounded)
		if seen := ordering.Cluster; err == nil && seen != nil {
			if seen.Has(index, blocks) {
				return nil
			}
			if seen.Since > index && !notified {
				notify(seen)
				notified = true
			}
			if why = "it is at block " + strconv.FormatUint(seen.Height, 10); len(seen.Away()) > 0 {
				why += ", and does not reach " + strings.Join(seen.Away(), ", ")
			}
		}
		select {
		case <-tick.C:
		case <-bounded.Done():
			// No refusal of the change, which stands: the code is that of payments which wait.
			return token.Errorf(statuscmd.GroupUnwell, "cluster", "the change is executed and not in force yet (%s): "+
				"stop no validator until \"aqsha cluster status\" names nobody who is still needed",
				terminal.Plain(why))
		}
	}
}

// without lists the validators of a list who are none of the next, or have other keys there.
func without(present, next []token.Validator) (left []token.Validator) {
	for i := range present {
		if !slices.ContainsFunc(next, func(v token.Validator) bool { return v.Vote == present[i].Vote }) {
			left = append(left, present[i])
		}
	}
	return left
}

// running is how many of the next validators are there with the keys that they will have, and how many must be.
func running(members []status.Member, next []token.Validator) (there, needed int) {
	for i := range next {
		if slices.ContainsFunc(members, func(m status.Member) bool {
			return m.Vote == next[i].Vote && (m.Connected || m.Self)
		}) {
			there++
		}
	}
	return there, quorum.Max(len(next))
}

// membersOf are validators as a node names those that order.
func membersOf(members []status.Member) (list []token.Validator, err error) {
	for _, m := range members {
		v := token.Validator{Name: m.Name, Vote: m.Vote, Checkpoint: m.Checkpoint}
		if err := v.Peer.UnmarshalText([]byte(m.Peer)); err != nil {
			return nil, fmt.Errorf("what the node says of validator %s: %w", m.Name, err)
		}
		list = append(list, v)
	}
	return list, nil
}

func names(list []token.Validator) string {
	var all []string
	for i := range list {
		all = append(all, list[i].Name)
	}
	return strings.Join(all, ", ")
}

func addReason(command *cobra.Command) *cobra.Command {
	command.Flags().String("reason", "", "kept in the log with the change, at most 64 bytes")
	return command
}

func newClusterAddCommand() *cobra.Command {
	return addReason(&cobra.Command{
		Use:   "add FILE",
		Short: "Have another validator order with those that are there; root signs",
		Long: `Have a validator order with the others, by a transaction of the authority's root keys. FILE is the
validator.json that "aqsha cluster prepare" made. The validator votes from the second block after the transaction's on,
and signs the log behind it; start it with "aqsha up" then: the others let it in from that block on. Until it runs, its
turn to propose costs each round a wait.`,
		Example: "  aqsha cluster add ./net/kazpost/cluster/validator.json --data ./net/central\n" +
			"  aqsha cluster add ./kazpost.json --out draft.json --node https://10.0.0.1:8420",
		Args: cobra.ExactArgs(1),
		RunE: changed("added", status.Handing, func(present []token.Validator,
			args []string) ([]token.Validator, error) {
			v, err := readPublic(args[0])
			if err != nil {
				return nil, err
			}
			return append(present, v), nil
		}),
	})
}

func newClusterRemoveCommand() *cobra.Command {
	return addReason(&cobra.Command{
		Use:   "remove NAME",
		Short: "Have a validator order no more; root signs",
		Long: `Have a validator order no more, by a transaction of the authority's root keys, which says why:
without --reason, at which block it signed twice and by which hash the proof is known, if the node has it. From the
second block after it on its votes do not count, and its signatures of the log neither; what it signed before stays.
Until that block is there the others need it: the command waits for it, and then says that the validator may be stopped.
If it is not there within a minute, the exit code is 3 (group-unwell): the change is executed, and nobody may be stopped
yet.`,
		Example: "  aqsha cluster remove tulpar --reason left --data ./net/central",
		Args:    cobra.ExactArgs(1),
		RunE: changed("removed", status.InForce, func(present []token.Validator,
			args []string) ([]token.Validator, error) {
			at := slices.IndexFunc(present, func(v token.Validator) bool { return v.Name == args[0] })
			if at < 0 {
				return nil, cli.Usage(fmt.Errorf("%s is no validator: %s", args[0], names(present)))
			}
			if len(present) == 1 {
				return nil, cli.Usage(fmt.Errorf("%s is the last validator, and nobody would order the ledger: stop "+
					"it, and \"aqsha cluster dissolve\" makes a node of it that orders alone", args[0]))
			}
			return slices.Delete(present, at, at+1), nil
		}),
	})
}

func newClusterRotateCommand() *cobra.Command {
	return addReason(&cobra.Command{
		Use:   "rotate FILE",
		Short: "Give a validator the next keys that it has made; root signs",
		Long: `Give a validator other keys, by a transaction of the authority's root keys. FILE is the validator.json
that "aqsha cluster prepare" made in its directory. The others go on; the validator itself is started again after the
transaction, and goes on with its next keys.`,
		Example: "  aqsha cluster rotate ./dala.json --data ./net/central",
		Args:    cobra.ExactArgs(1),
		RunE: changed("rotated", status.Handing, func(present []token.Validator,
			args []string) ([]token.Validator, error) {
			v, err := readPublic(args[0])
			if err != nil {
				return nil, err
			}
			at := slices.IndexFunc(present, func(p token.Validator) bool { return p.Name == v.Name })
			if at < 0 {
				return nil, cli.Usage(fmt.Errorf("%s is no validator: %s", v.Name, names(present)))
			}
			if present[at] == v {
				return nil, cli.Usage(fmt.Errorf("%s has these keys already", v.Name))
			}
			present[at] = v
			return present, nil
		}),
	})
}
