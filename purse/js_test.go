package purse_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
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
	Certified  []string          `json:"certified"`
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
		phones := []*phone{newPhone(t, "a", 1000), newPhone(t, "b", money.Tiyn(r.IntN(100))), newPhone(t, "c", 0),
			newPhone(t, "d", 0)}
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
		asked := request.Append(network, nil)
		if r.IntN(12) == 0 { // within payee, nonce or checksum: of what is no CBOR the codes are each decoder's own
			asked[[]int{3 + r.IntN(16), 20 + r.IntN(16), len(asked) - 1 - r.IntN(4)}[r.IntN(3)]] ^= 1 << r.IntN(8)
		}
		s := scene{Network: hex.EncodeToString(network[:]), Now: noon,
			Certifiers: map[string]string{bank.String(): hex.EncodeToString(bankKey[:])},
			Revoked:    []string{}, Request: hex.EncodeToString(asked), Seen: []string{},
			Certified: []string{}}
		if r.IntN(6) == 0 { // and another certificate of its
			other := from.device.Certificate
			other.Deposit += money.Tiyn(r.IntN(2))
			other.Serial += uint32(r.IntN(2))
			other.AgeHours -= uint16(r.IntN(2))
			sign(t, &other)
			v.Certified = []purse.Certificate{other}
			s.Certified = []string{hex.EncodeToString(other.Append(nil))}
		}
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
		verdicts = append(verdicts, verdict(&v, asked, data))
	}
	return input, verdicts
}

func verdict(v *purse.View, request, data []byte) string {
	r, err := purse.DecodeRequest(v.Network, request)
	if err != nil {
		return string(codeOf(err))
	}
	m, err := purse.DecodeMessage(data)
	if err != nil {
		return string(codeOf(err))
	}
	if _, refusal := purse.Check(v, &r, &m); refusal != nil {
		return string(refusal.Code)
	}
	return "ok"
}

// listScene is a revocation list that the other implementation is asked about.
type listScene struct {
	Network string   `json:"network"`
	Key     string   `json:"key"`
	List    string   `json:"list"`
	Had     []uint64 `json:"had"` // sequence and time of what is at hand; empty for nothing
	Asked   []string `json:"asked"`
}

// listScenes draws lists and filters, some of them spoilt, with what this implementation says of each: a code, or for
// each purse asked about whether it is revoked.
func listScenes(t *testing.T, n int) (input bytes.Buffer, verdicts []string) {
	r := rand.New(rand.NewPCG(3, 4))
	signer := keyOf("log")
	key := signer.Public()
	encoder := json.NewEncoder(&input)
	for i := range n {
		l := purse.List{Sequence: uint64(r.IntN(3)), TimeMillis: noon + uint64(r.IntN(2)),
			Purses: numbered(r.IntN(40), "crook")}
		s := listScene{Network: hex.EncodeToString(network[:]), Key: hex.EncodeToString(key[:]), Had: []uint64{}}
		var atHand *purse.Revocations
		if r.IntN(2) == 0 {
			atHand = &purse.Revocations{List: &purse.List{Sequence: 1, TimeMillis: noon}}
			s.Had = []uint64{1, noon}
		}
		asked := append(numbered(3, "crook"), numbered(9, "honest")...)
		for _, id := range asked {
			s.Asked = append(s.Asked, id.String())
		}
		if r.IntN(8) == 0 && len(l.Purses) > 1 {
			l.Purses[0], l.Purses[1] = l.Purses[1], l.Purses[0]
		}
		f := purse.NewFilter(&l)
		if r.IntN(8) == 0 && len(f.Bits) > 0 {
			f.Bits[r.IntN(len(f.Bits))] ^= 1 << r.IntN(8)
		}
		if err := errors.Join(l.Sign(network, signer), f.Sign(network, signer)); err != nil {
			t.Fatal(err)
		}
		data := l.Append(nil)
		if i%2 == 1 {
			data = f.Append(nil)
		}
		if r.IntN(8) == 0 {
			data[len(data)-1-r.IntN(60)] ^= 1
		}
		s.List = hex.EncodeToString(data)
		if err := encoder.Encode(s); err != nil {
			t.Fatal(err)
		}
		verdicts = append(verdicts, listVerdict(key, data, atHand, asked))
	}
	return input, verdicts
}

func listVerdict(key token.PublicKey, data []byte, atHand *purse.Revocations, asked []token.WalletID) string {
	list, err := purse.DecodeRevocations(data)
	if err != nil {
		return string(codeOf(err))
	}
	if refusal := list.Check(network, key, atHand); refusal != nil {
		return string(refusal.Code)
	}
	answer := "ok:"
	for _, id := range asked {
		if list.Has(id) {
			answer += "1"
		} else {
			answer += "0"
		}
	}
	return answer
}

// The implementation in JavaScript, written from docs/OFFLINE.md, judges generated payments, requests and revocation
// lists alike.
func TestJavaScriptChecksAlike(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no Node.js on this machine: install nodejs, 20 or newer")
	}
	input, verdicts := scenes(t, 600)
	lists, listVerdicts := listScenes(t, 200)
	input.Write(lists.Bytes())
	verdicts = append(verdicts, listVerdicts...)
	command := exec.CommandContext(t.Context(), node, "../verify/js/purse.js")
	command.Stdin = bytes.NewReader(input.Bytes())
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := strings.Fields(string(out))
	if len(answers) != len(verdicts) {
		t.Fatalf("%d answers to %d questions", len(answers), len(verdicts))
	}
	lines := strings.Split(input.String(), "\n")
	kinds := map[string]int{}
	for i := range verdicts {
		kind, _, _ := strings.Cut(verdicts[i], ":")
		kinds[kind]++
		if answers[i] != verdicts[i] {
			t.Errorf("JavaScript says %s, here it is %s: %s", answers[i], verdicts[i], lines[i])
		}
	}
	t.Logf("%v", kinds)
	if len(kinds) < 12 || kinds["ok"]*kinds[string(purse.BadChecksum)]*kinds[string(purse.OlderList)]*
		kinds[string(purse.CertifiedTwice)] == 0 {
		t.Errorf("only %v were met", kinds)
	}
}
