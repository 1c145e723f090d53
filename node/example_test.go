package node_test

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

// A network is founded and a node run on it; what it answers is durable, and stands in the log.
func Example() {
	w := sim.NewWorld(1)
	config := node.Config{Dir: "data", NoIndex: true, Now: func() uint64 { return sim.StartMillis + 1 },
		Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, FS: disk.New(1).FS(), SegmentBytes: 1 << 20}}
	if err := node.Init(config, w.Genesis); err != nil {
		fmt.Println(err)
		return
	}
	n, err := node.Open(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()
	admit, bank := w.Admit("bank", 1, sim.StartMillis+1000)
	if _, err := n.Submit(context.Background(), admit); err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := n.Submit(context.Background(), w.Issue(1, bank, sim.StartMillis+1000, 5*money.Tenge))
	fmt.Println(receipt.Height, receipt.Index, err, n.Head().Circulating)
	// Output: 2 4 <nil> 5.00
}
