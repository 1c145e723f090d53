package recount

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// leaves are what the ledger's leaves say, by height.
type leaves map[uint64]money.Tiyn

func (l leaves) at(_ context.Context, height uint64) (money.Tiyn, bool, error) {
	holds, found := l[height]
	return holds, found, nil
}

// logBlock is a block of an office that has sold notes for 1,000 and whose books have that sum in the reserve.
func logBlock(number, height uint64, compared bool, owed money.Tiyn) *record.Block {
	return &record.Block{Header: record.Header{Number: number, Time: 60 * number, LedgerHeight: height,
		LedgerMillis: 1000 * height, Compared: compared, Wallet: token.WalletID{7}.String(),
		Reserve: cash.Reserve{PaidIn: 1000, Issued: 1000, Owed: owed}}}
}

// What a check holds against the ledger is said as it is: what the reserve lacks fails, and what was not compared is
// named and counted.
func TestWhatIsHeldAgainstTheLedger(t *testing.T) {
	for name, test := range map[string]struct {
		leaves leaves
		blocks []*record.Block
		wrong  string // in the error
		newest int
		says   string // among what is not verified
	}{
		"all compared": {leaves: leaves{5: 1000, 6: 1000}, blocks: []*record.Block{logBlock(0, 5, true, 0),
			logBlock(1, 6, true, 0)}},
		"a compared block that lies": {leaves: leaves{5: 1000, 6: 999}, blocks: []*record.Block{logBlock(0, 5, true,
			0), logBlock(1, 6, true, 0)},
			wrong: "whose leaf says"},
		"a compared block of the future": {leaves: leaves{5: 1000}, blocks: []*record.Block{logBlock(0, 5, true, 0),
			logBlock(1, 6, true, 0)}, wrong: "which is not there"},
		"newest not compared": {leaves: leaves{5: 1000, 6: 1000}, blocks: []*record.Block{logBlock(0, 5, true, 0),
			logBlock(1, 6, false, 0)}, newest: 1,
			says: "the reserve of the newest 1 blocks: the office has not found it to be that of its books since block 0"},
		"never compared": {leaves: leaves{5: 1000, 6: 1000}, blocks: []*record.Block{logBlock(0, 5, false, 0),
			logBlock(1, 6, false, 0)}, newest: 2,
			says: "the newest 2 blocks: the office has not found it to be that of its books ever"},
		"robbed": {leaves: leaves{5: 1000, 6: 1000, 7: 300}, blocks: []*record.Block{logBlock(0, 5, true, 0),
			logBlock(1, 7, false, 0)}, newest: 1,
			wrong: "7.00 ₸ are missing"},
		"robbed while something is paid out": {leaves: leaves{5: 1000, 7: 300}, blocks: []*record.Block{logBlock(0, 5,
			true, 0), logBlock(1, 7, false, 600)}, newest: 1,
			wrong: "1.00 ₸ are missing"},
		"being paid out": {leaves: leaves{5: 1000, 7: 400}, blocks: []*record.Block{logBlock(0, 5, true, 0),
			logBlock(1, 7, false, 600)}, newest: 1},
		"paid in a moment later": {leaves: leaves{5: 0, 6: 0, 7: 1000}, blocks: []*record.Block{logBlock(0, 5, false,
			0)}, newest: 1},
		"not compared in between": {leaves: leaves{5: 1000, 6: 1000, 7: 1000}, blocks: []*record.Block{logBlock(0, 5,
			true, 0), logBlock(1, 6, false, 0), logBlock(2, 7, true, 0)},
			says: "the reserve of 1 blocks in between"},
	} {
		h := &Against{leaf: test.leaves.at, reserves: []ledger.CashReserve{{Wallet: token.WalletID{7}, Origin: "o",
			LogKey: "k"}}}
		c := &Report{Wallet: token.WalletID{7}.String(), Origin: "o", Key: "k", Blocks: uint64(len(test.blocks))}
		for _, b := range test.blocks {
			h.block(b)
		}
		held, err := h.check(t.Context(), c, &test.blocks[len(test.blocks)-1].Header)
		var wrong *record.CheckError
		text := ""
		if err != nil {
			text = strings.NewReplacer("\u202f", " ", "\u00a0", " ").Replace(err.Error())
		}
		if (test.wrong != "") != errors.As(err, &wrong) || !strings.Contains(text, test.wrong) ||
			held.NotCompared != test.newest && err == nil {
			t.Errorf("%s: %+v %v", name, held, err)
			continue
		}
		c.lacks(h.unverified(&held, c))
		if said := strings.Join(c.Unverified, "\n"); err == nil && !strings.Contains(said, test.says) {
			t.Errorf("%s: %q is not among\n%s", name, test.says, said)
		}
	}
}
