package cash

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// The published vectors of NUT-02: ids of version 2.
func TestKeysetIDsOfTheStandard(t *testing.T) {
	var vectors []struct {
		ID, Unit string
		Fee      uint64 `json:"fee_ppk"`
		Expiry   uint64 `json:"final_expiry"`
		Keys     []struct{ Amount, Key string }
	}
	readVectors(t, "nut02.json", &vectors)
	if len(vectors) != 3 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, v := range vectors {
		var amounts []money.Tiyn
		var keys []curve.Point
		for _, k := range v.Keys {
			amount, err := strconv.ParseUint(k.Amount, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			key, refused := parsePoint("key", k.Key)
			if refused != nil {
				t.Fatal(refused)
			}
			amounts, keys = append(amounts, money.Tiyn(amount)), append(keys, key)
		}
		if id := DeriveID(v.Unit, amounts, keys, v.Fee, v.Expiry); id.String() != v.ID {
			t.Errorf("%s, want %s", id, v.ID)
		}
		if id, err := ParseKeysetID(v.ID); err != nil || id.String() != v.ID {
			t.Error(id, err)
		}
	}
}

// The published vectors of NUT-11 and NUT-14: single signatures, several, refunds, SIG_ALL for swap and melt.
func TestConditionsOfTheStandard(t *testing.T) {
	var vectors []struct {
		What    string
		Valid   bool
		Request struct {
			Quote   string
			Inputs  []Proof
			Outputs []Output
		}
	}
	readVectors(t, "nut11.json", &vectors)
	if len(vectors) < 15 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, v := range vectors {
		r := v.Request
		var conditions []*Condition
		var err error
		for _, in := range r.Inputs {
			c, wrong := ParseCondition(in.Secret)
			if wrong != nil {
				err = wrong
				break
			}
			conditions = append(conditions, c)
		}
		if err == nil {
			if refused := checkConditions(r.Inputs, conditions, func() []byte { return MessageOf(r.Inputs, r.Outputs, r.Quote) }, 1_790_000_000); refused != nil {
				err = refused
			}
		}
		if (err == nil) != v.Valid {
			t.Errorf("%s: valid %v, want %v: %v", v.What, err == nil, v.Valid, err)
		}
	}
}

// The published vectors of NUT-20.
func TestMintSignaturesOfTheStandard(t *testing.T) {
	var vectors []struct {
		Valid   bool
		Key     string `json:"pubkey"`
		Request struct {
			Quote     string
			Outputs   []Output
			Signature string
		}
	}
	readVectors(t, "nut20.json", &vectors)
	for i, v := range vectors {
		err := CheckMintSignature(v.Key, v.Request.Signature, v.Request.Quote, v.Request.Outputs)
		if (err == nil) != v.Valid {
			t.Errorf("%d: %v, want %v", i, err, v.Valid)
		}
	}
	if len(vectors) != 2 {
		t.Fatalf("%d vectors", len(vectors))
	}
}

func TestSplitting(t *testing.T) {
	list := OneTwoFive()
	if len(list) != 20 || list[19] != 2_000_000 {
		t.Fatalf("%v", list)
	}
	if got := Split(125_003, list, 100); len(got) != 5 || got[0] != 1 || got[4] != 100_000 {
		t.Errorf("%v", got) // 1 + 2 + 5,000 + 20,000 + 100,000
	}
	if got := Split(7, []money.Tiyn{2, 5}, 1); got != nil {
		t.Errorf("%v of one note", got)
	}
	if got := Split(1, []money.Tiyn{2, 5}, 10); got != nil {
		t.Errorf("%v", got)
	}
	if got := Split(1<<62, list, 1000); got != nil {
		t.Errorf("%d notes of a huge amount", len(got))
	}
	for amount := money.Tiyn(0); amount < 30_000; amount++ {
		var sum money.Tiyn
		for _, n := range Split(amount, list, 1000) {
			sum += n
		}
		if sum != amount {
			t.Fatalf("%d became %d", amount, sum)
		}
	}
}
