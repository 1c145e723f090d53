package ledger

import (
	"github.com/aqsha/aqsha/token"
)

// Check says whether a payment would be executed if a block of this time were made now, whoever has signed it. It
// changes nothing. Another payment may come before it: nil promises nothing.
func Check(network token.NetworkID, state State, height, now uint64, tx *token.Transaction) *token.Error {
	t, ok := tx.Body.(*token.Transfer)
	if !ok {
		return refuse(NotAuthorised, "kind", "only payments are checked before they are signed, not %s", tx.Body.Kind())
	}
	x := trial(network, state, height, now, Prepared{})
	if err := x.checkTime(tx); err != nil {
		return err
	}
	return x.transfer(tx.ID(), t)
}

// unchanged is a state that a payment is tried on: what it would change is dropped. Whatever a payment never changes is
// a broken invariant here.
type unchanged struct{ State }

// These three a payment does. Reads go to the state itself, so that what a later step of the payment reads is what was
// there before it: transfer reads everything before it writes.
func (unchanged) AddToken(token.ID, Token)         {}
func (unchanged) RemoveToken(token.ID)             {}
func (unchanged) PutWallet(token.WalletID, Wallet) {}

func never(what string) { panic("ledger: a payment that is only checked " + what) }

func (unchanged) RemoveWallet(token.WalletID)                  { never("removes a wallet") }
func (unchanged) PutDetail(token.WalletID, Detail)             { never("puts a detail") }
func (unchanged) PutIntermediary(token.WalletID, Intermediary) { never("puts an intermediary") }
func (unchanged) PutAgency(token.WalletID, Agency)             { never("puts an agency") }
func (unchanged) AddPurpose(Purpose) uint32                    { never("adds a purpose"); return 0 }
func (unchanged) RemovePurpose(uint32)                         { never("removes a purpose") }
func (unchanged) AddDefinition(token.Hash, []byte, Registered) { never("adds a definition") }
func (unchanged) RemoveDefinition(token.Hash)                  { never("removes a definition") }
func (unchanged) ChangeContract(*Contract)                     { never("changes a contract") }
func (unchanged) AddContract(*Contract)                        { never("adds a contract") }
func (unchanged) RemoveContract(token.WalletID)                { never("removes a contract") }
func (unchanged) SetFrozen(*Contract, bool)                    { never("freezes a contract") }
func (unchanged) SetEnd(*Contract, uint64)                     { never("moves a contract's end") }
func (unchanged) PutClosed(token.WalletID, Closed)             { never("closes a wallet") }
