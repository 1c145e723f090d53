package clustercmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// publicValidator is a validator.json: who a validator is, and at which address the others reach it.
type publicValidator struct {
	token.Validator
	Address string `json:"address,omitempty"` // HOST:PORT
}

func readPublics(paths []string) (list []publicValidator, all []token.Validator, err error) {
	for _, path := range paths {
		content, err := durable.Read(vfs.OS, path, maxPublicBytes)
		if err != nil {
			return nil, nil, err
		}
		var v publicValidator
		if err := json.Unmarshal(content, &v); err != nil {
			return nil, nil, cli.Usage(fmt.Errorf("%s: %w", path, err))
		}
		list, all = append(list, v), append(all, v.Validator)
	}
	if err := token.CheckValidators(all); err != nil {
		return nil, nil, err
	}
	return list, all, nil
}

func newClusterSetCommand() *cobra.Command {
	command := addReason(&cobra.Command{
		Use:   "set FILE...",
		Short: "Hand a ledger that one node orders to validators; root signs",
		Long: `Say who orders a ledger and signs its log from now on, all of them, by a transaction of the authority's
root keys. The files are those that "aqsha cluster prepare" made. With --adopt the ledger is one that a node orders
alone: it executes this transaction, signs its log up to there, and takes nothing more; the validators go on with a
copy of its directory (aqsha cluster adopt). Payments wait meanwhile.`,
		Example: "  aqsha cluster set a/cluster/validator.json b/cluster/validator.json c/cluster/validator.json " +
			"d/cluster/validator.json --adopt --data ./tenge",
		Args: cobra.MinimumNArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			if adopt, _ := command.Flags().GetBool("adopt"); !adopt {
				return cli.Usage(errors.New("--adopt: a cluster's validators change by add, remove and rotate"))
			}
			_, all, err := readPublics(args)
			if err != nil {
				return err
			}
			// The sequence of root's set as it is now: signed later, after another change of root's, the transaction is
			// refused, and nobody hands a ledger over twice.
			authority, err := s.API.Authority(ctx)
			if err != nil {
				return err
			}
			if ordering, err := s.API.Cluster(ctx); err != nil {
				return err
			} else if ordering.Cluster != nil {
				return cli.Usage(errors.New("validators order this ledger: they change by add, remove and rotate"))
			}
			receipt, err := s.SetValidators(ctx, authority.Set(token.RoleRoot).Sequence,
				cli.Flag(command, "reason"), all)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("cluster.handed", "names", names(all)))
		}),
	})
	command.Flags().Bool("adopt", false, "the ledger is one that a node orders alone: it takes nothing more")
	return command
}

func newClusterAdoptCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "adopt FILE...",
		Short: "Go on with the log of a node that ordered alone, as one of the validators that were set",
		Long: `Make the directory of a validator, which "aqsha cluster prepare" began, ready to order with the others,
from the directory of the node that ordered the ledger alone, or a copy of it. That node does not run. The files are all
validators', in the order in which they were set. The log goes on as it is: entries, roots and the network's id stay.`,
		Example: "  aqsha cluster adopt a.json b.json c.json d.json --from ./tenge --data ./a",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir, from := cli.Flag(command, "data"), cli.Flag(command, "from")
			list, all, err := readPublics(args)
			if err != nil {
				return err
			}
			// Which of them this one is says its own directory, not the order of the files: a directory that goes on
			// under another's name would sign with a key that nobody counts.
			own, _, err := readPublics([]string{filepath.Join(dir, publicFile)})
			if err != nil {
				return err
			}
			size, err := adopt(command.Context(), dir, from, own[0], list, all)
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"validator": own[0].Name, "entries": size}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("cluster.adopted", "name", own[0].Name, "size", size,
					"dir", dir))
			})
		},
	}
	command.Flags().String("from", "", "directory of the node that ordered alone")
	_ = command.MarkFlagRequired("from")
	return command
}

// adopt copies a log, and makes of it a cluster's beginning.
func adopt(ctx context.Context, dir, from string, own publicValidator, list []publicValidator,
	all []token.Validator) (size uint64, err error) {
	c, err := datadir.ReadConfig(from)
	if err != nil {
		return 0, err
	}
	if cluster.Here(dir) {
		return 0, cli.Usage(fmt.Errorf("%s is a validator's directory already", dir))
	}
	// Its log goes away below, for a copy of the other's.
	if a, err := os.Stat(dir); err == nil {
		if b, err := os.Stat(from); err == nil && os.SameFile(a, b) {
			return 0, cli.Usage(fmt.Errorf("--from: %s is the validator's own directory", from))
		}
	}
	lock, err := datadir.TakeDirectory(ctx, from)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	// What an earlier try has copied is not trusted to be whole. The source is locked and only read.
	for _, part := range []string{"log", "signers"} {
		if err := os.RemoveAll(filepath.Join(dir, part)); err != nil {
			return 0, err
		}
		err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(from, part)))
		if err != nil && !(part == "signers" && errors.Is(err, os.ErrNotExist)) {
			return 0, err
		}
	}
	n, err := node.Open(node.Config{Dir: dir, Options: txlog.Options{Origin: c.Name}, ReadOnly: true})
	if err != nil {
		return 0, err
	}
	members, _ := n.ExecutedValidators()
	signed, at := n.Published()
	err = errors.Join(n.CheckCheckpoint(signed), n.Close())
	g, head := n.Genesis(), n.Head()
	switch {
	case err != nil:
		return 0, err
	case !slices.Equal(members, all):
		return 0, cli.Usage(fmt.Errorf("the log in %s was not handed over to these validators, in this order", from))
	// Validators go on from a signed state: entries behind the checkpoint would stand in the log under nobody's
	// signature.
	case at.Size != head.Size:
		return 0, fmt.Errorf("the log in %s has %d entries, and its checkpoint is over %d: start the node once more, "+
			"and stop it", from, head.Size, at.Size)
	}
	charter := cluster.Charter{Network: g.Network()}
	settings := cluster.Settings{Name: own.Name, Listen: own.Address}
	for _, v := range list {
		charter.Members = append(charter.Members, cluster.MemberOf(v.Validator))
		if v.Name != own.Name {
			settings.Peers = append(settings.Peers, v.Peer.String()+"@"+v.Address)
		}
	}
	return head.Size, cluster.Init(dir, g, charter, settings)
}

// prepareAdopter makes what a validator has before the ledger of a node that orders alone is handed to it.
func prepareAdopter(command *cobra.Command, dir, from, name string) (who publicValidator, err error) {
	place, err := readNewcomer(command, dir, name)
	if err != nil {
		return who, err
	}
	known, err := datadir.ReadConfig(from)
	if err != nil {
		return who, err
	}
	keyring, keys, c, err := beginValidator(command, dir, place.listen, known)
	if err != nil {
		return who, err
	}
	// The keys first, then the file that names them to the others: a validator that is set and has lost its key votes
	// never.
	if err := keyring.SaveValidator(keys.Text()); err != nil {
		return who, err
	}
	who.Address = place.peers
	if who.Validator, err = keys.Member(name).Validator(); err != nil {
		return who, err
	}
	if err := vfs.OS.MkdirAll(filepath.Join(dir, "cluster")); err != nil {
		return who, err
	}
	if err := writePublic(dir, who); err != nil {
		return who, err
	}
	return who, datadir.WriteConfig(dir, c)
}
