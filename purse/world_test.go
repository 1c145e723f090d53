package purse_test

import (
	"crypto/sha256"
	"fmt"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

var network = token.NetworkID{7}

const (
	noon = uint64(1_790_000_000_000)
	kzt  = money.Tenge
	hour = uint64(3_600_000)
)

func keyOf(name string) token.PrivateKey { return token.NewPrivateKey(sha256.Sum256([]byte(name))) }

var bank = token.WalletID{0xba}

// fataler is a testing.T, B or F, or rapid's.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// phone is a purse with its key, and every state it was ever in, as a crook keeps them.
type phone struct {
	key    token.PrivateKey
	device purse.Device
	past   []purse.Device
	crook  bool
	nonces byte
}

func newPhone(t fataler, name string, deposit money.Tiyn) *phone {
	t.Helper()
	p := &phone{key: keyOf(name)}
	c := purse.Certificate{
		Key: p.key.Public(), Intermediary: bank, Serial: 1, Deposit: deposit, Class: purse.Software, ExpiryMillis: noon + 24*30*hour,
		Limits: purse.Limits{MaxPayment: 20_000 * kzt, MaxOffline: 100_000 * kzt, MaxHops: purse.MaxHops, AgeHours: purse.MaxAgeHours},
	}
	id := sha256.Sum256([]byte("purse " + name))
	copy(c.Purse[:], id[:])
	sign(t, &c)
	p.device.Certificate = c
	return p
}

func sign(t fataler, c *purse.Certificate) {
	t.Helper()
	if err := c.Sign(network, keyOf("bank")); err != nil {
		t.Fatal(err)
	}
}

func (p *phone) id() token.WalletID { return p.device.Certificate.Purse }

// query makes a request with a nonce of its own.
func (p *phone) query(amount money.Tiyn) purse.Request {
	p.nonces++
	return purse.Request{Payee: p.id(), Nonce: purse.Nonce{p.nonces, p.id()[0]}, Amount: amount}
}

func view(now uint64) purse.View {
	return purse.View{Network: network, Certifiers: map[token.WalletID]token.PublicKey{bank: keyOf("bank").Public()}, NowMillis: now}
}

// pay has one phone pay another, over the encoding.
func pay(from, to *phone, amount money.Tiyn, now uint64) error {
	r := to.query(amount)
	next, m, err := from.device.Pay(network, r, now, from.key)
	if err != nil {
		return fmt.Errorf("paying: %w", err)
	}
	from.device = next
	m, err = purse.DecodeMessage(m.Append(nil))
	if err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	received, receipt, _, err := to.device.Receive(view(now), r, m)
	if err != nil {
		return fmt.Errorf("receiving: %w", err)
	}
	to.device = received
	from.device, err = from.device.Finish(network, receipt)
	return err
}

func mustPay(t fataler, from, to *phone, amount money.Tiyn) {
	t.Helper()
	if err := pay(from, to, amount, noon); err != nil {
		t.Fatal(err)
	}
}
