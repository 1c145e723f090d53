package purse_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/internal/ur"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet/purse"
)

// aPhone is a purse's file with everything in it: payments received, one pending, one given up, a list, a request.
func aPhone(t testing.TB) (content, message []byte) {
	t.Helper()
	files := disk.New(1).FS()
	for name, deposit := range map[string]money.Tiyn{"a": 1000 * kzt, "b": 500 * kzt, "c": 0} { // any order
		if err := open(files, name, deposit); err != nil {
			t.Fatal(err)
		}
	}
	a, b, c := phone(files, "a"), phone(files, "b"), phone(files, "c")
	if err := pays(files, "a", "b", 300*kzt); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		request, err := c.Ask(kzt * money.Tiyn(i+1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Pay(request, 10*kzt); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, _, err := b.GiveUp(); err != nil {
				t.Fatal(err)
			}
		}
	}
	request, err := b.Ask(7 * kzt)
	if err != nil {
		t.Fatal(err)
	}
	if message, err = a.Pay(request, 7*kzt); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(b.Revoke(listOf(3, noon, token.WalletID{1}).Append(nil)),
		b.RevokeUnsigned([]token.WalletID{{2}}, 4, noon))
	if err != nil {
		t.Fatal(err)
	}
	return contentOf(t, files, "b"), message
}

// use does with a purse's file whatever may be done: it panics at nothing, and a step that fails leaves the file as it
// was.
func use(t *testing.T, content, message []byte) {
	t.Helper()
	files := disk.New(1).FS()
	write(t, files, "b", content)
	p := phone(files, "b")
	other := rules.Request{Payee: token.WalletID{9}, Nonce: rules.Nonce{1}, Amount: kzt}
	for i, step := range []func() error{
		func() error { _, err := p.Standing(); return err },
		func() error { _, err := p.Settlements(); return err },
		func() error { _, _, err := p.Take(message); return err },
		func() error { _, err := p.Pay(other.Append(network, nil), kzt); return err },
		func() error { _, _, err := p.GiveUp(); return err },
		func() error { _, err := p.GivenUp(); return err },
		func() error { _, err := p.Pay(other.Append(network, nil), kzt); return err },
		func() error { return p.Revoke(listOf(9, noon).Append(nil)) },
		func() error { return p.RevokeUnsigned(nil, 10, noon) },
		func() error { _, err := p.Ask(kzt); return err },
		func() error { return p.Finish((&rules.Receipt{}).Append(nil)) },
	} {
		before := contentOf(t, files, "b")
		if err := step(); err != nil && !bytes.Equal(contentOf(t, files, "b"), before) {
			t.Fatalf("step %d failed (%v) and changed the file", i, err)
		}
	}
}

// A purse's file whose bytes were changed, by a disk or by somebody, is refused or read, and nothing panics.
func FuzzFile(f *testing.F) {
	content, message := aPhone(f)
	f.Add(content)
	f.Add([]byte(`{"seed":"` + string(bytes.Repeat([]byte("01"), 32)) + `"}`))
	f.Fuzz(func(t *testing.T, content []byte) { use(t, content, message) })
}

// Every field of a purse's file left out, emptied, doubled or filled with another's is refused or read, and nothing
// panics; what is refused is named by the file.
func TestAFileIsSpoilt(t *testing.T) {
	content, message := aPhone(t)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(content, &fields); err != nil {
		t.Fatal(err)
	}
	if len(fields) < 15 {
		t.Fatalf("the file has %d fields", len(fields))
	}
	for name := range fields { // any order: each by itself
		for other, value := range fields {
			spoilt := map[string]json.RawMessage{}
			for k, v := range fields {
				spoilt[k] = v
			}
			if spoilt[name] = value; other == name {
				delete(spoilt, name)
			}
			data, err := json.Marshal(spoilt)
			if err != nil {
				t.Fatal(err)
			}
			use(t, data, message)
		}
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		spoilt := bytes.Clone(content)
		spoilt[r.IntN(len(spoilt))] ^= 1 << r.IntN(8)
		use(t, spoilt, message)
	}
	var wrong purse.FileError
	files := disk.New(1).FS()
	write(t, files, "b", []byte("{}"))
	if _, err := phone(files, "b").Standing(); !errors.As(err, &wrong) {
		t.Errorf("a file without a key: %v", err)
	}
}

// A message's text is hexadecimal or the frames of a code, in any order; with a frame missing, or one of another
// message, it is none.
func TestAMessageAsText(t *testing.T) {
	_, message := aPhone(t)
	frames, err := ur.Frames(message, 150)
	if err != nil || len(frames) < 3 {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	frames[0], frames[2] = frames[2], frames[0]
	for _, text := range []string{purse.Text(message) + "\n", strings.Join(frames, "\n"),
		strings.ToLower(strings.Join(append(frames[:1:1], frames...), " "))} {
		if back, err := purse.FromText(text); err != nil || !bytes.Equal(back, message) {
			t.Errorf("%q is read as %x, %v", text, back, err)
		}
	}
	other, err := ur.Frames(append([]byte{1}, message...), 150)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"0g", strings.Join(frames[1:], " "), frames[0] + " " + other[1], "ur:bytes/x"} {
		var wrong purse.FileError
		if back, err := purse.FromText(text); !errors.As(err, &wrong) {
			t.Errorf("%q is read as %x, %v", text, back, err)
		}
	}
}
