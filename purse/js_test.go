package purse_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// scene is what the other implementation is asked; bytes are hexadecimal.
type scene struct {
	Network    string            `json:"network"`
	Now        uint64            `json:"now"`
	Certifiers map[string]string `json:"certifiers"`
	Revoked    []string          `json:"revoked"`
	Request    string            `json:"request"`
	Message    string            `json:"message"`
	Seen       []string          `json:"seen"`
}

// spoil changes a message somewhere, most often signing again what was changed.
func spoil(r *rand.Rand, m *purse.Message, phones []*phone) {
	l := &m.Links[r.IntN(len(m.Links))]
	c := &m.Certificates[r.IntN(len(m.Certificates))]
	switch r.IntN(12) {
	case 0:
		l.Amount += money.Tiyn(r.IntN(2000))
	case 1:
		l.PaidBefore += money.Tiyn(r.IntN(200))
	case 2:
		l.Number += uint32(r.IntN(3))
	case 3:
		l.TimeMillis += uint64(r.IntN(400)) * hour
	case 4:
		l.Payee = phones[r.IntN(len(phones))].id()
	case 5:
		c.Deposit = money.Tiyn(r.IntN(2000))
	case 6:
		c.MaxHops = uint8(1 + r.IntN(5))
	case 7:
		c.MaxPayment = money.Tiyn(1 + r.IntN(1000))
	case 8:
		c.ExpiryMillis -= uint64(r.IntN(1000)) * hour
	case 9:
		m.Links = m.Links[:r.IntN(len(m.Links))+1]
	case 10:
		m.Certificates = m.Certificates[:r.IntN(len(m.Certificates))+1]
	case 11:
		m.Links = append(m.Links, m.Links[r.IntN(len(m.Links))])
	}
	if r.IntN(4) == 0 {
		return
	}
	for i := range m.Links {
		for _, p := range phones {
			if l := &m.Links[i]; p.id() == l.Purse {
				l.Signature, _ = p.key.Sign(l.ID(network))
			}
		}
	}
	c.Signature, _ = keyOf("bank").Sign(c.Digest(network))
}

// scenes draws payments, most of them spoilt, with what this implementation says of each.
func scenes(t *testing.T, n int) (input bytes.Buffer, verdicts []string) {
	r := rand.New(rand.NewPCG(1, 2))
	bankKey := keyOf("bank").Public()
	encoder := json.NewEncoder(&input)
	for len(verdicts) < n {
		phones := []*phone{newPhone(t, "a", 1000), newPhone(t, "b", money.Tiyn(r.IntN(100))), newPhone(t, "c", 0), newPhone(t, "d", 0)}
		for i, hops := 0, r.IntN(3); i < hops; i++ {
			mustPay(t, phones[i], phones[i+1], money.Tiyn(500-100*i))
		}
		from := phones[r.IntN(len(phones))]
		if from.device.Funds() < 1 {
			continue
		}
		to := phones[3]
		if to == from {
			continue
		}
		request := to.query(money.Tiyn(1 + r.IntN(int(from.device.Funds()))))
		_, m, err := from.device.Pay(network, request, noon, from.key)
		if err != nil {
			t.Fatal(err)
		}
		v := view(noon)
		if r.IntN(3) == 0 { // the payee has seen another of its links
			other := *m.Payment()
			other.Amount += money.Tiyn(r.IntN(2))
			other.Signature, _ = from.key.Sign(other.ID(network))
			v.Seen = []purse.Link{other}
		}
		s := scene{Network: hex.EncodeToString(network[:]), Now: noon, Certifiers: map[string]string{bank.String(): hex.EncodeToString(bankKey[:])},
			Revoked: []string{}, Request: hex.EncodeToString(request.Append(nil)), Seen: []string{}}
		for i := range v.Seen {
			s.Seen = append(s.Seen, hex.EncodeToString(v.Seen[i].Append(nil)))
		}
		if r.IntN(8) == 0 {
			revoked := phones[r.IntN(len(phones))].id()
			v.Revoked = func(id token.WalletID) bool { return id == revoked }
			s.Revoked = []string{revoked.String()}
		}
		m.Links, m.Certificates = append([]purse.Link{}, m.Links...), append([]purse.Certificate{}, m.Certificates...)
		if r.IntN(4) > 0 {
			spoil(r, &m, phones)
		}
		data := m.Append(nil)
		s.Message = hex.EncodeToString(data)
		if err := encoder.Encode(s); err != nil {
			t.Fatal(err)
		}
		verdicts = append(verdicts, verdict(&v, &request, data))
	}
	return input, verdicts
}

func verdict(v *purse.View, r *purse.Request, data []byte) string {
	m, err := purse.DecodeMessage(data)
	if err != nil {
		return string(codeOf(err))
	}
	if _, refusal := purse.Check(v, r, &m); refusal != nil {
		return string(refusal.Code)
	}
	return "ok"
}

// The implementation in JavaScript, written from docs/OFFLINE.md, judges generated payments alike.
func TestJavaScriptChecksAlike(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no Node.js on this machine: install nodejs, 20 or newer")
	}
	input, verdicts := scenes(t, 600)
	command := exec.CommandContext(t.Context(), node, "../verify/js/purse.js")
	command.Stdin = bytes.NewReader(input.Bytes())
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := strings.Fields(string(out))
	if len(answers) != len(verdicts) {
		t.Fatalf("%d answers to %d payments", len(answers), len(verdicts))
	}
	lines := strings.Split(input.String(), "\n")
	kinds := map[string]int{}
	for i := range verdicts {
		kinds[verdicts[i]]++
		if answers[i] != verdicts[i] {
			t.Errorf("JavaScript says %s, here it is %s: %s", answers[i], verdicts[i], lines[i])
		}
	}
	t.Logf("%v", kinds)
	if len(kinds) < 10 || kinds["ok"] == 0 {
		t.Errorf("only %v were met", kinds)
	}
}
