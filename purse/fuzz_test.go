package purse_test

import (
	"bytes"
	"testing"

	"github.com/aqsha/aqsha/purse"
)

// appender is a message of the protocol.
type appender interface{ Append([]byte) []byte }

// asked is a request of this network's purses.
type asked struct{ purse.Request }

func (a asked) Append(b []byte) []byte { return a.Request.Append(network, b) }

// decoded decodes bytes as everything that purses say.
func decoded(data []byte) (all []appender) {
	add := func(m appender, err error) {
		if err == nil {
			all = append(all, m)
		}
	}
	certificate, err := purse.DecodeCertificate(data)
	add(&certificate, err)
	link, err := purse.DecodeLink(data)
	add(&link, err)
	message, err := purse.DecodeMessage(data)
	add(&message, err)
	request, err := purse.DecodeRequest(network, data)
	add(asked{request}, err)
	receipt, err := purse.DecodeReceipt(data)
	add(&receipt, err)
	list, err := purse.DecodeList(data)
	add(&list, err)
	filter, err := purse.DecodeFilter(data)
	add(&filter, err)
	conviction, err := purse.DecodeConviction(data)
	add(&conviction, err)
	return all
}

// samples is one message of each kind.
func samples(t testing.TB) [][]byte {
	a, b, c := newPhone(t, "a", 1000), newPhone(t, "b", 0), newPhone(t, "c", 0)
	mustPay(t, a, b, 500)
	r := c.query(300)
	_, m, err := b.device.Pay(network, r, noon, b.key)
	if err != nil {
		t.Fatal(err)
	}
	other := *m.Payment()
	other.Amount++
	conviction := purse.NewConviction(network, *m.Payment(), other)
	list := purse.List{Sequence: 1, Purses: numbered(5, "crook")}
	list.Signature[0] = 1
	filter := purse.NewFilter(&list)
	filter.Signature[0] = 1
	receipt := purse.Receipt{Payment: m.Payment().ID(network)}
	return [][]byte{a.device.Certificate.Append(nil), m.Payment().Append(nil), m.Append(nil), r.Append(network, nil),
		receipt.Append(nil), list.Append(nil), filter.Append(nil), conviction.Append(nil)}
}

// Every byte string is at most one message, and has one encoding.
func FuzzDecode(f *testing.F) {
	for _, sample := range samples(f) {
		f.Add(sample)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all := decoded(data)
		if len(all) > 1 {
			t.Fatalf("%x is %d messages", data, len(all))
		}
		for _, m := range all {
			if again := m.Append(nil); !bytes.Equal(again, data) {
				t.Fatalf("%x is encoded as %x", data, again)
			}
		}
	})
}

// A message cut short at any byte, or longer by one, is none; with a bit changed it is never the same.
func TestBrokenBytes(t *testing.T) {
	for _, sample := range samples(t) {
		if len(decoded(sample)) != 1 {
			t.Fatalf("%x is no message", sample)
		}
		for i := range sample {
			if len(decoded(sample[:i])) != 0 {
				t.Fatalf("%d of %d bytes are a message", i, len(sample))
			}
			spoilt := bytes.Clone(sample)
			spoilt[i] ^= 1
			for _, m := range decoded(spoilt) {
				if bytes.Equal(m.Append(nil), sample) {
					t.Fatal("two byte strings for one message")
				}
			}
		}
		if len(decoded(append(bytes.Clone(sample), 0))) != 0 {
			t.Fatal("a byte too many")
		}
	}
}
