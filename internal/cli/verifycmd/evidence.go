package verifycmd

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/quorum"
)

// judgedEvidence is evidence with what it means.
type judgedEvidence struct {
	Verdict node.Verdict `json:"verdict"`
	node.TwoHistories
}

// maxEvidence bounds a file of evidence.
const maxEvidence = 1 << 20

func newVerifyEvidenceCommand() *cobra.Command {
	var key string
	command := &cobra.Command{
		Use:   "evidence FILE",
		Short: "Check evidence that a log's key has signed two histories",
		Long: `Check a file that a follower saved when its leader showed two histories: that both checkpoints are
signed by the log's key, and that the longer one does not begin with the shorter one. Nothing else
is needed: no node, no log.

The verdict is "two-histories" (exit code 0: the evidence holds), or "left-behind" (exit code 3): the two were signed
in two epochs, and both begin as the fence between them states, so that the older one goes on with
what nobody had acknowledged when another leader was promoted. That is no fraud.`,
		Example: "  aqsha verify evidence evidence-1767225600000.json --key tenge.localhost+1c7f…",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			verifier, err := quorum.NewVerifier(key)
			if err != nil {
				return cli.Usage(fmt.Errorf("--key: %w", err))
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			content, err := io.ReadAll(io.LimitReader(f, maxEvidence))
			if err != nil {
				return err
			}
			var e node.TwoHistories
			if err := json.Unmarshal(content, &e); err != nil {
				return cli.Usage(fmt.Errorf("%s: %w", args[0], err))
			}
			verdict, err := e.Check(verifier)
			if err != nil {
				return &node.VerifyError{Detail: "the evidence does not hold: " + err.Error()}
			}
			shorter, _ := txlog.ParseSigned([]byte(e.Shorter))
			longer, _ := txlog.ParseSigned([]byte(e.Longer))
			err = cli.Show(command, judgedEvidence{verdict, e}, func(w io.Writer) {
				l := cli.LanguageFor(command)
				if verdict == node.LeftBehind {
					fmt.Fprintln(w, l.Text("evidence.no-fraud", "origin", terminal.Plain(e.Origin), "shorter",
						shorter.Size, "longer", longer.Size))
					return
				}
				fmt.Fprintln(w, l.Text("evidence.holds", "origin", terminal.Plain(e.Origin), "shorter_root",
					shorter.Root,
					"shorter", shorter.Size, "longer_root", longer.Root, "longer", longer.Size))
			})
			if err == nil && verdict == node.LeftBehind {
				err = cli.ExitWith(cli.ExitRefused) // as an accusation it does not stand
			}
			return err
		},
	}
	command.Flags().StringVar(&key, "key", "",
		"the log's public key (log_key of /v1/network or the genesis), from a source you trust")
	_ = command.MarkFlagRequired("key")
	return command
}
