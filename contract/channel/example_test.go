package channel_test

import (
	"crypto/rand"
	"fmt"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/token"
)

// A sender pays twice and ticks once; the receiver's claim is what it brings to the ledger.
func Example() {
	key := token.NewPrivateKey([32]byte{1})
	terms := channel.Terms{ID: channel.ID{Contract: token.WalletID{9}}, Key: key.Public(), Tick: 5, Deposit: 1000}
	receiver, _ := channel.NewReceiver(terms)
	sender := channel.NewSender(terms, key, [32]byte{2}, rand.Reader, 0, nil)

	first, _ := sender.Pay(100, 0, 0)
	second, _ := sender.Pay(50, 10, 0)
	fmt.Println(receiver.Accept(&second, 0) == nil, receiver.Accept(&first, 0).Code)
	word, _ := sender.NextTick(0)
	fmt.Println(receiver.Tick(word, 0) == nil, receiver.Worth())
	// Output:
	// true stale-voucher
	// true 1.55
}
