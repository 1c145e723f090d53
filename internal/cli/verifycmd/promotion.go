package verifycmd

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog/quorum"
)

func newVerifyPromotionCommand() *cobra.Command {
	var key string
	command := &cobra.Command{
		Use:   "promotion FILE",
		Short: "Check that a promotion was in order",
		Long: `Check a promotion-EPOCH.json, which "aqsha promote" leaves in the new leader's directory: that enough
followers (or the old leader) have signed that they acknowledge nothing of an older epoch, that the new leader began
with everything that they had, and that the epoch was prepared and begun with the log's key. Nothing else is needed:
no node, no log. Who was given up is named. Who the followers were, and how many had to acknowledge, no signature
says: compare it with what is known of the leader before.`,
		Example: "  aqsha verify promotion promotion-1.json --key tenge.localhost+1c7f…",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			verifier, err := quorum.NewVerifier(key)
			if err != nil {
				return cli.Usage(fmt.Errorf("--key: %w", err))
			}
			p, err := readPromotion(args[0])
			if err != nil {
				return err
			}
			// By signatures alone; what no signature says is named below, for it decides as much.
			fence, err := p.Check(verifier)
			if err != nil {
				return &node.VerifyError{Detail: "the promotion was not in order: " + err.Error()}
			}
			return cli.Show(command, p, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("evidence.promotion", "epoch", fence.Epoch, "origin", p.Origin, "size",
					fence.Size,
					"count", len(p.Promises)))
				fmt.Fprintln(w, l.Text("evidence.promotion-not", "acks", p.Acks, "followers", len(p.Followers)))
				if len(p.GivenUp) > 0 {
					fmt.Fprintln(w, l.Text("evidence.given-up", "names", strings.Join(p.GivenUp, ", ")))
				}
			})
		},
	}
	command.Flags().StringVar(&key, "key", "",
		"the log's public key (log_key of /v1/network or the genesis), from a source you trust")
	_ = command.MarkFlagRequired("key")
	return command
}

func readPromotion(path string) (p node.Promotion, err error) {
	f, err := os.Open(path)
	if err != nil {
		return p, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, node.MaxPromotionBytes))
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(content, &p); err != nil {
		return p, cli.Usage(fmt.Errorf("%s: %w", path, err))
	}
	return p, nil
}
