package purse_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet/purse"
)

// simulatedElement is simulated hardware: a key in memory, attested by a maker's key, which no real hardware has.
type simulatedElement struct {
	token.PrivateKey
	maker token.PrivateKey
}

func (e simulatedElement) Attest(challenge [32]byte) ([]byte, error) {
	s, err := e.maker.Sign(challenge)
	return s[:], err
}

// makerOf judges evidence by the simulated maker's key.
type makerOf struct{ key token.PublicKey }

func (m makerOf) CheckAttestation(_ token.PublicKey, challenge [32]byte, evidence []byte) error {
	var s token.Signature
	if copy(s[:], evidence); !token.Verify(m.key, challenge, &s) {
		return errors.New("not by the maker")
	}
	return nil
}

// A bank opens a purse with the class of hardware for evidence that its attestor takes, and for no other.
func TestHardwareIsAttested(t *testing.T) {
	maker := token.NewPrivateKey(sha256.Sum256([]byte("simulated maker")))
	element := simulatedElement{token.NewPrivateKey(sha256.Sum256([]byte("element"))), maker}
	evidence, err := element.Attest(purse.AttestationChallenge(network, bank, element.Public()))
	if err != nil {
		t.Fatal(err)
	}
	other := token.NewPrivateKey(sha256.Sum256([]byte("other"))).Public()
	for name, test := range map[string]struct { // any order: each by itself
		attestor purse.Attestor
		bank     token.WalletID
		key      token.PublicKey
		evidence []byte
		want     rules.Class
	}{
		"attested":       {makerOf{maker.Public()}, bank, element.Public(), evidence, rules.Hardware},
		"no evidence":    {makerOf{maker.Public()}, bank, element.Public(), nil, rules.Software},
		"no attestor":    {nil, bank, element.Public(), evidence, 0},
		"another key":    {makerOf{maker.Public()}, bank, other, evidence, 0},
		"another bank":   {makerOf{maker.Public()}, token.WalletID{9}, element.Public(), evidence, 0},
		"another maker":  {makerOf{other}, bank, element.Public(), evidence, 0},
		"other evidence": {makerOf{maker.Public()}, bank, element.Public(), append([]byte{1}, evidence...), 0},
	} {
		class, err := purse.ClassOf(test.attestor, network, test.bank, test.key, test.evidence)
		if class != test.want || (err == nil) != (test.want != 0) {
			t.Errorf("%s: class %d, %v", name, class, err)
		}
		if test.want == 0 {
			wants(t, purse.NoAttestor, err)
		}
	}
}

// A purse whose key is in (simulated) hardware pays beyond what software may; its file has no secret, and a copy of it
// pays nothing elsewhere.
func TestAPurseOfHardwarePays(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"b": 0})
	element := simulatedElement{PrivateKey: token.NewPrivateKey(sha256.Sum256([]byte("element")))}
	p := purse.OpenHardware(files, "a", at, rand.Reader, element)
	key, err := p.New(network)
	if err != nil || key != element.Public() {
		t.Fatalf("%v, %v", key, err)
	}
	if err := p.Learn(map[token.WalletID]token.PublicKey{bank: certifier.Public()}, logKey.Public()); err != nil {
		t.Fatal(err)
	}
	limits, _ := rules.Ceiling(rules.Hardware)
	c := rules.Certificate{Purse: token.WalletID{0xa}, Key: key, Intermediary: bank, Serial: 1, Deposit: 90_000 * kzt,
		Class: rules.Hardware, ExpiryMillis: noon + 30*86_400_000, Limits: limits}
	if err := c.Sign(network, certifier); err != nil {
		t.Fatal(err)
	}
	if err := p.Certify(c.Append(nil)); err != nil {
		t.Fatal(err)
	}
	request, err := phone(files, "b").Ask(80_000 * kzt)
	if err != nil {
		t.Fatal(err)
	}
	copied := contentOf(t, files, "a")
	if bytes.Contains(copied, []byte("seed")) {
		t.Errorf("the file has a secret: %s", copied)
	}
	elsewhere := disk.New(1).FS()
	write(t, elsewhere, "a", copied)
	other := simulatedElement{PrivateKey: token.NewPrivateKey(sha256.Sum256([]byte("other element")))}
	for _, clone := range []*purse.Phone{phone(elsewhere, "a"),
		purse.OpenHardware(elsewhere, "a", at, rand.Reader, other)} {
		var wrong purse.FileError
		if _, err := clone.Pay(request, 80_000*kzt); !errors.As(err, &wrong) {
			t.Errorf("a copy pays: %v", err)
		}
		if _, err := clone.Signer(); !errors.As(err, &wrong) {
			t.Errorf("a copy signs: %v", err)
		}
	}
	message, err := p.Pay(request, 80_000*kzt)
	if err != nil {
		t.Fatal(err)
	}
	receipt, _, err := phone(files, "b").Take(message)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Finish(receipt); err != nil {
		t.Fatal(err)
	}
	if s, err := p.Standing(); err != nil || s.Paid != 80_000*kzt || s.Key != key {
		t.Errorf("%+v, %v", s, err)
	}
	c.Class = rules.Software
	if err := c.Sign(network, certifier); err == nil {
		t.Error("software is certified with the limits of hardware")
	}
}
