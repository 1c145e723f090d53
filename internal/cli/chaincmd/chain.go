package chaincmd

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/words"
)

// NewChainCommand holds what is asked of a Bitcoin node.
func NewChainCommand() *cobra.Command {
	chain := &cobra.Command{
		Use:   "chain",
		Short: "Read a Bitcoin chain, or run a private one",
		Long: `Reads blocks and transactions from Bitcoin Core or btcd, tells how likely a payment
is to be reversed, and runs a private network for development.`,
	}
	var node NodeFlags
	node.Register(chain)
	chain.AddCommand(newChainUpCommand(), newChainAddressCommand(), newChainInfoCommand(&node),
		newChainBlockCommand(&node), newChainTxCommand(&node), newChainRiskCommand())
	return chain
}

func newChainInfoCommand(node *NodeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "info",
		Short: "Print the state of a node's chain",
		Example: "  aqsha chain info --bitcoin @node.url\n  aqsha chain info --bitcoin http://127.0.0.1:8332 " +
			"--cookie ~/.bitcoin/.cookie --json",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			client, _, err := node.Dial(command.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			info, err := client.Info(command.Context())
			if err != nil {
				return err
			}
			return cli.Show(command, info, func(w io.Writer) {
				l := cli.LanguageFor(command)
				// Which network first: every other figure is read wrongly of another one.
				fmt.Fprintln(w, l.Text("chain.head", "node", info.Node, "network", info.Network))
				cli.Tabbed(w, func(tab io.Writer) {
					row(tab, l.Text("chain.height"), l.Text("chain.height-text", "height", info.Height, "headers",
						info.Headers))
					row(tab, l.Text("chain.tip"), fmt.Sprintf("%s, %s", info.Tip, info.TipTime.Format(time.RFC3339)))
					row(tab, l.Text("chain.difficulty"), l.Text("chain.difficulty-text", "difficulty",
						fmt.Sprintf("%.6g", info.Difficulty), "bits", info.Bits))
					row(tab, l.Text("chain.rate"), l.Text("chain.rate-text", "rate", fmt.Sprintf("%.4g",
						info.HashRate)))
					row(tab, l.Text("chain.peers"), l.Text("chain.peers-text", "peers", info.Peers, "waiting",
						info.Mempool))
				})
			})
		},
	}
}

func newChainBlockCommand(node *NodeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "block HEIGHT|HASH",
		Short: "Print a block: who paid whom, how much, with what remark",
		Example: "  aqsha chain block 170\n  aqsha chain block " +
			"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f --json",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if _, err := bitcoin.ParseHash(args[0]); err != nil { // before a node is asked
				if height, err := strconv.Atoi(args[0]); err != nil || height < 0 {
					return cli.Usage(fmt.Errorf("%.80q: want a height or a hash of 64 hexadecimal digits", args[0]))
				}
			}
			// The node says of which network it is, and addresses are written by that: the same script is another
			// address on each.
			client, network, err := node.Dial(command.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			block, err := client.Block(command.Context(), network, args[0])
			if err != nil {
				return err
			}
			return cli.Show(command, block, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("chain.block", "height", block.Height, "hash", block.Hash))
				cli.Tabbed(w, func(tab io.Writer) {
					row(tab, "  "+l.Text("chain.mined"), l.Text("chain.mined-text", "at",
						block.Time.Format(time.RFC3339),
						"difficulty", fmt.Sprintf("%.6g", block.Difficulty), "nonce", block.Nonce))
					row(tab, "  "+l.Text("chain.after"), block.Previous)
					row(tab, "  "+l.Text("chain.confirmations"), block.Confirmations)
					row(tab, "  "+l.Text("chain.size"), l.Text("chain.size-text", "bytes", block.SizeBytes, "count",
						len(block.Transactions)))
				})
				for _, tx := range block.Transactions {
					printTransaction(w, l, &tx, nil)
				}
			})
		},
	}
}

func newChainTxCommand(node *NodeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "tx TXID",
		Short: "Print a transaction: sender, recipient, amount, remark, confirmations",
		Long: "Prints a transaction of the mempool or, if the node keeps a transaction index (txindex=1), of the " +
			"chain.",
		Example: "  aqsha chain tx f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			id, err := bitcoin.ParseHash(args[0])
			if err != nil {
				return cli.Usage(err)
			}
			client, network, err := node.Dial(command.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			tx, err := client.Transaction(command.Context(), network, id)
			if err != nil {
				return err
			}
			return cli.Show(command, tx, func(w io.Writer) {
				l := cli.LanguageFor(command)
				printTransaction(w, l, tx, func(tab io.Writer) {
					// Of a transaction in the mempool there is no block, and its confirmations are none.
					if tx.Block != nil {
						row(tab, "  "+l.Text("chain.in-block"), fmt.Sprintf("%d, %s", tx.Height, tx.Block))
					}
					row(tab, "  "+l.Text("chain.confirmations"), tx.Confirmations)
				})
			})
		},
	}
}

// row is a line of a table of two columns.
func row(tab io.Writer, label string, value any) { fmt.Fprintf(tab, "%s\t%v\n", label, value) }

// printTransaction shows a transaction; more, where there is any, are rows of its table beside its own.
func printTransaction(w io.Writer, l words.Language, tx *bitcoin.TransactionView, more func(tab io.Writer)) {
	fmt.Fprintln(w, l.Text("chain.transaction", "id", tx.ID))
	cli.Tabbed(w, func(tab io.Writer) {
		switch {
		case tx.Coinbase:
			row(tab, "  "+l.Text("chain.sender"), l.Text("chain.new-coins"))
		case len(tx.Senders) == 0:
			row(tab, "  "+l.Text("chain.sender"), l.Text("chain.no-sender"))
		}
		for _, sender := range tx.Senders {
			row(tab, "  "+l.Text("chain.sender"), sender)
		}
		for _, payment := range tx.Payments {
			text := fmt.Sprintf("%s  %s", payment.Recipient, payment.Amount.Format())
			if payment.Change {
				text = l.Text("chain.change", "recipient", payment.Recipient, "amount", payment.Amount.Format())
			}
			row(tab, "  "+l.Text("chain.recipient"), text)
		}
		for _, remark := range tx.Remarks {
			row(tab, "  "+l.Text("chain.remark"), fmt.Sprintf("%q", remark))
		}
		if tx.Fee != nil {
			row(tab, "  "+l.Text("chain.fee"), l.Text("chain.fee-text", "fee", int64(*tx.Fee), "rate",
				fmt.Sprintf("%.1f", float64(*tx.Fee)/float64(tx.VirtualBytes))))
		}
		// Within the same table, so that the columns stand under each other.
		if more != nil {
			more(tab)
		}
	})
}
