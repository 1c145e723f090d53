package quorum_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/txlog/quorum"
)

func members(n int) (q quorum.Quorum, keys []ed25519.PrivateKey) {
	q.Threshold = quorum.Max(n)
	for i := range n {
		key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize))
		keys = append(keys, key)
		q.Members = append(q.Members, key.Public().(ed25519.PublicKey))
	}
	return q, keys
}

func open(t interface{ Fatal(...any) }, key string, signed []byte) error {
	v, err := quorum.NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = note.Open(signed, note.VerifierList(v))
	return err
}

// A note opens when, and only when, so many different members have signed its text, whoever else's signatures are offered.
func TestAsManyAsMustHaveSigned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, quorum.MaxMembers).Draw(t, "members")
		q, keys := members(n)
		key, err := q.Key("net.example")
		if err != nil {
			t.Fatal(err)
		}
		text := "net.example\n17\nroot\n"
		signed, good := make([][]byte, n), 0
		for i := range n {
			switch rapid.SampledFrom([]string{"good", "good", "none", "other text", "other key", "short"}).Draw(t, "signs") {
			case "good":
				signed[i] = ed25519.Sign(keys[i], []byte(text))
				good++
			case "other text":
				signed[i] = ed25519.Sign(keys[i], []byte("net.example\n18\nroot\n"))
			case "other key":
				signed[i] = ed25519.Sign(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{99}, ed25519.SeedSize)), []byte(text))
			case "short":
				signed[i] = []byte("no signature")
			}
		}
		out, err := q.Sign("net.example", text, signed)
		if (err == nil) != (good >= q.Threshold) {
			t.Fatalf("%d of %d signed, %d must: %v", good, n, q.Threshold, err)
		}
		if err != nil {
			return
		}
		if err := open(t, key, out); err != nil {
			t.Fatal(err)
		}
		if open(t, key, bytes.Replace(out, []byte("\n17\n"), []byte("\n18\n"), 1)) == nil {
			t.Fatal("another text holds under the same signatures")
		}
	})
}

// Whatever byte of a signature is another, it does not hold; and no member's signature counts twice.
func TestEveryByteOfASignatureCounts(t *testing.T) {
	q, keys := members(4)
	key, _ := q.Key("net.example")
	text := "net.example\n1\nroot\n"
	signed := make([][]byte, 4)
	for i := range 3 {
		signed[i] = ed25519.Sign(keys[i], []byte(text))
	}
	out, err := q.Sign("net.example", text, signed)
	if err != nil {
		t.Fatal(err)
	}
	head, line, _ := strings.Cut(string(out), "\n\n— net.example ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for _, bit := range []byte{1, 0x80} {
			changed := bytes.Clone(raw)
			changed[i] ^= bit
			if open(t, key, []byte(head+"\n\n— net.example "+base64.StdEncoding.EncodeToString(changed)+"\n")) == nil {
				t.Fatalf("byte %d, bit %x of the signature may be another", i, bit)
			}
		}
	}
	fewer := bytes.Clone(raw[:len(raw)-ed25519.SignatureSize]) // whole, but of two of four
	fewer[4+2+4*ed25519.PublicKeySize+1] &^= 1 << 2
	for _, raw := range [][]byte{fewer, raw[:len(raw)-1], raw[:len(raw)-ed25519.SignatureSize], append(bytes.Clone(raw), 0)} {
		if open(t, key, []byte(head+"\n\n— net.example "+base64.StdEncoding.EncodeToString(raw)+"\n")) == nil {
			t.Fatal("a signature of another length, or of too few, holds")
		}
	}
}

// A quorum with a lower threshold, or with one more member, is another key.
func TestAKeyCommitsToAllOfAQuorum(t *testing.T) {
	q, keys := members(4)
	key, _ := q.Key("net.example")
	text := "net.example\n1\nroot\n"
	for name, weaker := range map[string]quorum.Quorum{
		"a lower threshold": {Threshold: 1, Members: q.Members},
		"one member alone":  {Threshold: 1, Members: q.Members[:1]},
	} {
		signed := make([][]byte, len(weaker.Members))
		signed[0] = ed25519.Sign(keys[0], []byte(text))
		out, err := weaker.Sign("net.example", text, signed)
		if err != nil {
			t.Fatal(err)
		}
		_, line, _ := strings.Cut(string(out), "\n\n— net.example ")
		raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
		own, _ := q.Sign("net.example", text, [][]byte{ed25519.Sign(keys[0], []byte(text)), ed25519.Sign(keys[1], []byte(text)), ed25519.Sign(keys[2], []byte(text)), nil})
		_, ownLine, _ := strings.Cut(string(own), "\n\n— net.example ")
		ownRaw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(ownLine))
		copy(raw, ownRaw[:4]) // under the strong one's hash
		forged := text + "\n— net.example " + base64.StdEncoding.EncodeToString(raw) + "\n"
		if open(t, key, []byte(forged)) == nil {
			t.Fatalf("%s holds under the quorum's key", name)
		}
	}
}

func TestQuorumsThatCannotBe(t *testing.T) {
	q, _ := members(4)
	for name, bad := range map[string]quorum.Quorum{
		"nobody":      {Threshold: 0},
		"none must":   {Threshold: 0, Members: q.Members},
		"more than n": {Threshold: 5, Members: q.Members},
		"twice":       {Threshold: 2, Members: []ed25519.PublicKey{q.Members[0], q.Members[0]}},
		"short":       {Threshold: 1, Members: []ed25519.PublicKey{q.Members[0][:31]}},
	} {
		if _, err := bad.Key("net.example"); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, name := range []string{"", "a b", "a+b"} {
		if _, err := q.Key(name); err == nil {
			t.Errorf("name %q: taken", name)
		}
	}
}

// A single key is read as before.
func TestASingleKeyIsReadToo(t *testing.T) {
	secret, public, err := note.GenerateKey(rand.Reader, "net.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(secret)
	signed, err := note.Sign(&note.Note{Text: "net.example\n1\nroot\n"}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, public, signed); err != nil {
		t.Fatal(err)
	}
	q, _ := members(4)
	key, _ := q.Key("net.example")
	if open(t, key, signed) == nil {
		t.Fatal("a single key's signature holds for a quorum")
	}
	for _, bad := range []string{key[:len(key)-4], strings.Replace(key, "net", "ten", 1), "net.example", ""} {
		if _, err := quorum.NewVerifier(bad); err == nil {
			t.Errorf("%q is read as a key", bad)
		}
	}
}

func FuzzNoBytesAreAQuorumsSignature(f *testing.F) {
	q, keys := members(4)
	key, _ := q.Key("net.example")
	text := "net.example\n1\nroot\n"
	out, err := q.Sign("net.example", text, [][]byte{ed25519.Sign(keys[0], []byte(text)), ed25519.Sign(keys[1], []byte(text)), nil, ed25519.Sign(keys[3], []byte(text))})
	if err != nil {
		f.Fatal(err)
	}
	_, line, _ := strings.Cut(string(out), "\n\n— net.example ")
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
	f.Add(raw[4:])
	f.Add([]byte{1, 0, 0, 0})
	v, _ := quorum.NewVerifier(key)
	f.Fuzz(func(t *testing.T, b []byte) {
		if v.Verify([]byte(text), b) && !bytes.Equal(b, raw[4:]) {
			t.Fatalf("%x holds", b)
		}
	})
}

// A secret that one hand has signs under the verifier that comes with it: a quorum's of one under the quorum's own key,
// an ordinary key's under that. Whatever is changed in a text is refused.
func TestASecretOfOneHand(t *testing.T) {
	t.Parallel()
	q, keys := members(1)
	text, err := q.Key("tenge.example")
	if err != nil {
		t.Fatal(err)
	}
	sole, err := quorum.SoleSecret("tenge.example", keys[0])
	if err != nil {
		t.Fatal(err)
	}
	ordinary, ordinaryKey, err := note.GenerateKey(rand.Reader, "tenge.example")
	if err != nil {
		t.Fatal(err)
	}
	for secret, key := range map[string]string{sole: text, ordinary: ordinaryKey} {
		signer, verifier, err := quorum.OpenSecret(secret)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := note.Sign(&note.Note{Text: "text\n"}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if err := open(t, key, signed); err != nil {
			t.Errorf("under the key %s: %v", key, err)
		}
		if _, err := note.Open(signed, note.VerifierList(verifier)); err != nil {
			t.Errorf("under its own verifier: %v", err)
		}
		for i := range secret {
			if changed := secret[:i] + "!" + secret[i+1:]; i < len(secret)-1 {
				if _, _, err := quorum.OpenSecret(changed); err == nil {
					t.Errorf("read: %s", changed)
				}
			}
		}
	}
	for _, wrong := range []string{"", "PRIVATE+KEY", "PRIVATE+KEY+a+00000000+8Q==", ordinaryKey, sole + "\n"} {
		if _, _, err := quorum.OpenSecret(wrong); err == nil {
			t.Errorf("read: %q", wrong)
		}
	}
	if _, err := quorum.SoleSecret("two words", keys[0]); err == nil {
		t.Error("a name with a blank")
	}
}
