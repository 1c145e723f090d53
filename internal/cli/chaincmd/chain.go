package chaincmd

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/cli"
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
				fmt.Fprintf(w, "%s on %s\n", info.Node, info.Network)
				fmt.Fprintf(w, "height      %d (headers %d)\n", info.Height, info.Headers)
				fmt.Fprintf(w, "tip         %s, %s\n", info.Tip, info.TipTime.Format(time.RFC3339))
				fmt.Fprintf(w, "difficulty  %.6g (bits %s)\n", info.Difficulty, info.Bits)
				fmt.Fprintf(w, "hash rate   %.4g per second over 120 blocks\n", info.HashRate)
				fmt.Fprintf(w, "peers       %d, %d transactions wait\n", info.Peers, info.Mempool)
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
				fmt.Fprintf(w, "block %d  %s\n", block.Height, block.Hash)
				fmt.Fprintf(w, "  mined          %s, difficulty %.6g, nonce %d\n", block.Time.Format(time.RFC3339),
					block.Difficulty, block.Nonce)
				fmt.Fprintf(w, "  after          %s\n", block.Previous)
				fmt.Fprintf(w, "  confirmations  %d\n", block.Confirmations)
				fmt.Fprintf(w, "  size           %d bytes, %d transactions\n", block.SizeBytes, len(block.Transactions))
				for _, tx := range block.Transactions {
					printTransaction(w, &tx)
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
				printTransaction(w, tx)
				// Of a transaction in the mempool there is no block, and its confirmations are none.
				if tx.Block != nil {
					fmt.Fprintf(w, "  block          %d, %s\n", tx.Height, tx.Block)
				}
				fmt.Fprintf(w, "  confirmations  %d\n", tx.Confirmations)
			})
		},
	}
}

func printTransaction(w io.Writer, tx *bitcoin.TransactionView) {
	fmt.Fprintf(w, "transaction %s\n", tx.ID)
	switch {
	case tx.Coinbase:
		fmt.Fprintln(w, "  sender         (new coins)")
	case len(tx.Senders) == 0:
		fmt.Fprintln(w, "  sender         (not told by the inputs)")
	}
	for _, sender := range tx.Senders {
		fmt.Fprintf(w, "  sender         %s\n", sender)
	}
	for _, payment := range tx.Payments {
		change := ""
		if payment.Change {
			change = "  (change)"
		}
		fmt.Fprintf(w, "  recipient      %s  %s%s\n", payment.Recipient, payment.Amount.Format(), change)
	}
	for _, remark := range tx.Remarks {
		fmt.Fprintf(w, "  remark         %q\n", remark)
	}
	if tx.Fee != nil {
		fmt.Fprintf(w, "  fee            %d sat, %.1f sat/vB\n", *tx.Fee, float64(*tx.Fee)/float64(tx.VirtualBytes))
	}
}
