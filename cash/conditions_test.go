package cash

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
)

type holder struct {
	key *btcec.PrivateKey
	hex string // with prefix
}

func newHolder(n byte) holder {
	key, public := btcec.PrivKeyFromBytes([]byte{31: n, 0: 7})
	return holder{key, hex.EncodeToString(public.SerializeCompressed())}
}

func (h holder) sign(t *testing.T, message string) string {
	t.Helper()
	digest := sha256.Sum256([]byte(message))
	s, err := schnorr.Sign(h.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(s.Serialize())
}

func secretOf(kind, data string, tags ...[]string) string {
	raw, _ := json.Marshal([]any{kind, map[string]any{"nonce": "859d", "data": data, "tags": tags}})
	return string(raw)
}

func otherPrefix(key string) string {
	if key[1] == '2' {
		return "03" + key[2:]
	}
	return "02" + key[2:]
}

// What a condition may not say makes the note unspendable, and by the one function that swap and melt share.
func TestConditionsThatNobodyCanSpend(t *testing.T) {
	a, b := newHolder(1), newHolder(2)
	for name, secret := range map[string]string{
		"tag twice":                 secretOf(P2PK, a.hex, []string{"n_sigs", "1"}, []string{"n_sigs", "1"}),
		"sigflag twice":             secretOf(P2PK, a.hex, []string{"sigflag", SigAll}, []string{"sigflag", SigInputs}),
		"unknown flag":              secretOf(P2PK, a.hex, []string{"sigflag", "SIG_NONE"}),
		"flag in small letters":     secretOf(P2PK, a.hex, []string{"sigflag", "sig_all"}),
		"threshold of zero":         secretOf(P2PK, a.hex, []string{"n_sigs", "0"}),
		"negative threshold":        secretOf(P2PK, a.hex, []string{"n_sigs", "-1"}),
		"threshold beyond keys":     secretOf(P2PK, a.hex, []string{"n_sigs", "2"}),
		"threshold that wraps":      secretOf(P2PK, a.hex, []string{"n_sigs", "4294967297"}),
		"refunds without keys":      secretOf(P2PK, a.hex, []string{"n_sigs_refund", "1"}),
		"refund threshold of zero":  secretOf(P2PK, a.hex, []string{"refund", b.hex}, []string{"n_sigs_refund", "0"}),
		"one key twice":             secretOf(P2PK, a.hex, []string{"pubkeys", a.hex}),
		"with another prefix":       secretOf(P2PK, a.hex, []string{"pubkeys", otherPrefix(a.hex)}),
		"in capitals":               secretOf(P2PK, a.hex, []string{"pubkeys", strings.ToUpper(a.hex)}),
		"refund key twice":          secretOf(P2PK, a.hex, []string{"refund", b.hex, otherPrefix(b.hex)}),
		"key not on the curve":      secretOf(P2PK, "02"+strings.Repeat("f", 64)),
		"key of 32 bytes":           secretOf(P2PK, a.hex[2:]),
		"key uncompressed":          secretOf(P2PK, "04"+strings.Repeat("11", 64)),
		"empty tag":                 secretOf(P2PK, a.hex, []string{}),
		"tag with an empty text":    secretOf(P2PK, a.hex, []string{"locktime", ""}),
		"tag that is no text":       `["P2PK",{"nonce":"1","data":"` + a.hex + `","tags":[["locktime",5]]}]`,
		"member twice":              `["P2PK",{"nonce":"1","data":"` + a.hex + `","data":"` + b.hex + `"}]`,
		"kind that nobody knows":    secretOf("P2SH", a.hex),
		"kind in small letters":     secretOf("p2pk", a.hex),
		"three parts":               `["P2PK",{"nonce":"1","data":"` + a.hex + `"},1]`,
		"torn":                      `["P2PK",{"nonce":"1"`,
		"hash lock of 20 bytes":     secretOf(HTLC, strings.Repeat("ab", 20)),
		"hash lock with n_sigs":     secretOf(HTLC, strings.Repeat("ab", 32), []string{"n_sigs", "1"}),
		"member in other letters":   `["P2PK",{"nonce":"1","Data":"` + a.hex + `"}]`,
		"hash lock, one key twice":  secretOf(HTLC, strings.Repeat("ab", 32), []string{"pubkeys", a.hex, strings.ToUpper(a.hex)}),
		"locktime twice":            secretOf(P2PK, a.hex, []string{"locktime", "5"}, []string{"locktime", "99999999999"}),
		"flag without value":        secretOf(P2PK, a.hex, []string{"sigflag"}),
		"n_sigs with two values":    secretOf(P2PK, a.hex, []string{"pubkeys", b.hex}, []string{"n_sigs", "1", "2"}),
		"point at infinity, nearly": secretOf(P2PK, "02"+strings.Repeat("00", 32)),
	} {
		c, err := ParseCondition(secret)
		var refused *Refusal
		if !errors.As(err, &refused) || refused.Code != BadProof || refused.Field != "secret" {
			t.Errorf("%s: %v %v", name, c, err)
		}
	}
}

func TestWhoOpensACondition(t *testing.T) {
	a, b, r := newHolder(1), newHolder(2), newHolder(3)
	preimage := strings.Repeat("00", 31) + "01"
	hashed := sha256.Sum256(append(make([]byte, 31), 1))
	lock := hex.EncodeToString(hashed[:])
	twoOfTwo := secretOf(P2PK, a.hex, []string{"pubkeys", b.hex}, []string{"n_sigs", "2"})
	timed := secretOf(P2PK, a.hex, []string{"locktime", "100"}, []string{"refund", r.hex})
	open := secretOf(P2PK, a.hex, []string{"locktime", "100"})
	hash := secretOf(HTLC, lock, []string{"pubkeys", a.hex}, []string{"locktime", "100"}, []string{"refund", r.hex})
	bare := secretOf(HTLC, lock)
	sigs := func(texts ...string) string {
		raw, _ := json.Marshal(map[string]any{"signatures": texts})
		return string(raw)
	}
	with := func(texts ...string) string {
		raw, _ := json.Marshal(map[string]any{"preimage": preimage, "signatures": texts})
		return string(raw)
	}
	for i, test := range []struct {
		secret, witness string
		now             uint64
		opens           bool
	}{
		{twoOfTwo, sigs(a.sign(t, twoOfTwo), b.sign(t, twoOfTwo)), 0, true},
		{twoOfTwo, sigs(a.sign(t, twoOfTwo), a.sign(t, twoOfTwo)), 0, false}, // one signature twice
		{twoOfTwo, sigs(a.sign(t, twoOfTwo), strings.ToUpper(a.sign(t, twoOfTwo))), 0, false},
		{twoOfTwo, sigs(a.sign(t, twoOfTwo)), 0, false},
		{twoOfTwo, "", 0, false},
		{timed, sigs(a.sign(t, timed)), 50, true},
		{timed, sigs(r.sign(t, timed)), 50, false},
		{timed, sigs(r.sign(t, timed)), 100, false}, // not before it is over
		{timed, sigs(r.sign(t, timed)), 101, true},
		{timed, sigs(a.sign(t, timed)), 101, true}, // the payee's path stays open
		{timed, "", 101, false},
		{open, "", 101, true},
		{open, "", 100, false},
		{hash, with(a.sign(t, hash)), 50, true},
		{hash, with(), 50, false},
		{hash, sigs(a.sign(t, hash)), 50, false},
		{hash, sigs(r.sign(t, hash)), 101, true},
		{hash, with(r.sign(t, hash)), 50, false}, // paths do not mix
		{bare, with(), 0, true},
		{bare, "", 0, false},
		{bare, `{"preimage":"` + preimage[:62] + `"}`, 0, false},
		{timed, "{", 50, false},
	} {
		c, err := ParseCondition(test.secret)
		if err != nil {
			t.Fatal(i, err)
		}
		refused := c.opens(test.witness, []byte(test.secret), test.now, &effort{100})
		if (refused == nil) != test.opens {
			t.Errorf("%d: opens %v, want %v: %v", i, refused == nil, test.opens, refused)
		}
	}
	if c, err := ParseCondition("an ordinary secret"); c != nil || err != nil {
		t.Error(c, err)
	}
}

// One input with SIG_ALL wants all inputs to have its condition, whichever place it has.
func TestSigAllIsOfAllInputs(t *testing.T) {
	a := newHolder(1)
	all := secretOf(P2PK, a.hex, []string{"sigflag", SigAll})
	one := secretOf(P2PK, a.hex)
	for _, secrets := range [][]string{{all, one}, {one, all}, {"plain", all}, {all, "plain"}} {
		proofs := []Proof{{Secret: secrets[0], C: "c"}, {Secret: secrets[1], C: "c"}}
		message := MessageOf(proofs, nil, "")
		var conditions []*Condition
		for i := range proofs {
			c, err := ParseCondition(proofs[i].Secret)
			if err != nil {
				t.Fatal(err)
			}
			conditions = append(conditions, c)
			proofs[i].Witness = fmt.Sprintf(`{"signatures":[%q,%q]}`, a.sign(t, string(message)), a.sign(t, proofs[i].Secret))
		}
		if err := checkConditions(proofs, conditions, func() []byte { return message }, 0); err == nil {
			t.Errorf("%v was opened", secrets)
		}
	}
}

func TestVerificationsAreBounded(t *testing.T) {
	a := newHolder(1)
	secret := secretOf(P2PK, a.hex)
	c, err := ParseCondition(secret)
	if err != nil {
		t.Fatal(err)
	}
	wrong := newHolder(9).sign(t, secret)
	err2 := c.opens(`{"signatures":["`+wrong+`","`+wrong+`"]}`, []byte(secret), 0, &effort{1})
	if err2 == nil || err2.Code != TooManyInputs {
		t.Error(err2)
	}
}
