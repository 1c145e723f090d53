package token_test

import (
	"fmt"

	"github.com/aqsha/aqsha/token"
)

// A payment of 12.50 tenge out of a token of 20, signed and encoded, as somebody else reads it.
func Example() {
	key := token.NewPrivateKey([32]byte{1})
	payer, payee := token.WalletID{1}, token.WalletID{2}
	tx, err := token.New(&token.Transfer{
		Parties: []token.WalletID{payer, payee}, Payers: 1, Inputs: []token.ID{{3}},
		Outputs: []token.Output{{Party: 1, Amount: 1250}, {Party: 0, Amount: 750}},
		Memo:    token.Plain("наурыз"),
	}, 1_767_229_200_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	network := token.NetworkID{9}
	if err := tx.SignAs(network, token.RoleWallet, 0, key); err != nil {
		fmt.Println(err)
		return
	}
	received, err := token.Decode(tx.Encode())
	if err != nil {
		fmt.Println(err)
		return
	}
	body, witness := received.Body.(*token.Transfer), received.Witnesses[0]
	fmt.Println(received.Body.Kind(), body.Outputs[0].Amount, body.Memo.Text(), received.ID() == tx.ID())
	fmt.Println("signed:", token.Verify(key.Public(), token.Digest(network, received.ID(), witness.Role), &witness.Signature))
	// Output:
	// transfer 12.50 наурыз true
	// signed: true
}
