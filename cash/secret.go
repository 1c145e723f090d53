package cash

import (
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Kinds of conditions (NUT-10).
const (
	P2PK = "P2PK" // NUT-11
	HTLC = "HTLC" // NUT-14
)

// Flags of what a condition's signatures cover (NUT-11).
const (
	SigInputs = "SIG_INPUTS"
	SigAll    = "SIG_ALL"
)

// Condition is what a secret asks of whoever spends its note.
type Condition struct {
	Kind     string
	Data     string
	Tags     [][]string
	SigAll   bool
	Locktime uint64 // Unix seconds; 0 is for ever
	needs    int    // signatures by keys; 0 for a hash lock that no key guards
	refunds  int    // signatures by refund keys once the time is over; 0: anybody may
	keys     []xonly
	refund   []xonly
	hash     [32]byte // of an HTLC's preimage
}

// xonly is a key as signatures know it: one value, however its prefix and its letters were written.
type xonly [32]byte

// ParseCondition reads a secret. A secret that is none of a condition's form gives nil; one that begins as such and
// breaks a rule of NUT-10, 11 or 14 is refused: nobody can spend that note, in a swap or in a melt. Kinds that this
// office does not know are refused too, not taken as money of whoever holds it.
func ParseCondition(secret string) (*Condition, error) {
	if len(secret) == 0 || secret[0] != '[' {
		return nil, nil
	}
	var parts []jsontext.Value
	var body struct {
		Nonce string     `json:"nonce"`
		Data  string     `json:"data"`
		Tags  [][]string `json:"tags"`
	}
	c := new(Condition)
	if err := json.Unmarshal([]byte(secret), &parts); err != nil || len(parts) != 2 {
		return nil, refuse(BadProof, "secret", "begins as a condition and is not a list of kind and object")
	}
	if err := json.Unmarshal(parts[0], &c.Kind); err != nil || c.Kind != P2PK && c.Kind != HTLC {
		return nil, refuse(BadProof, "secret", "is a condition of a kind that is not known here: %s and %s are", P2PK,
			HTLC)
	}
	if err := json.Unmarshal(parts[1], &body); err != nil {
		return nil, refuse(BadProof, "secret",
			"is a condition with a member of another type, or one that is there twice")
	}
	c.Data, c.Tags = body.Data, body.Tags
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// read applies the rules of tags and keys.
func (c *Condition) read() *Refusal {
	tags, err := c.tags()
	if err != nil {
		return err
	}
	switch flag := tags["sigflag"]; {
	case flag == nil || len(flag) == 1 && flag[0] == SigInputs:
	case len(flag) == 1 && flag[0] == SigAll:
		c.SigAll = true
	default:
		return refuse(BadProof, "secret", "has a sigflag that is neither %s nor %s", SigInputs, SigAll)
	}
	keys := tags["pubkeys"]
	if c.Kind == P2PK {
		keys = append([]string{c.Data}, keys...)
	} else if hash, wrong := hex.DecodeString(c.Data); wrong != nil || len(hash) != len(c.hash) {
		return refuse(BadProof, "secret", "has a hash lock that is not 64 hexadecimal digits")
	} else {
		c.hash = [32]byte(hash)
	}
	if c.keys, err = readKeys("pubkeys", keys); err != nil {
		return err
	}
	if c.refund, err = readKeys("refund", tags["refund"]); err != nil {
		return err
	}
	if c.needs, err = threshold("n_sigs", tags, len(c.keys)); err != nil {
		return err
	}
	if c.refunds, err = threshold("n_sigs_refund", tags, len(c.refund)); err != nil {
		return err
	}
	if when := tags["locktime"]; len(when) == 1 {
		// What is no time is no end: the lock is for ever (NUT-11, "Permanent Lock").
		if t, wrong := strconv.ParseUint(when[0], 10, 63); wrong == nil {
			c.Locktime = t
		}
	}
	return nil
}

// conditionTags are those that may be there once each.
var conditionTags = []string{"sigflag", "pubkeys", "n_sigs", "locktime", "refund", "n_sigs_refund"}

// tags are the values of each tag by its name. Of tags that are not known here, the last of a name is kept and nothing
// follows from it.
func (c *Condition) tags() (map[string][]string, *Refusal) {
	tags := map[string][]string{}
	for _, tag := range c.Tags {
		if len(tag) == 0 || slices.Contains(tag, "") {
			return nil, refuse(BadProof, "secret", "has a tag that is empty, or holds an empty text")
		}
		if _, twice := tags[tag[0]]; twice && slices.Contains(conditionTags, tag[0]) {
			return nil, refuse(BadProof, "secret", "has the tag %s twice", tag[0])
		}
		tags[tag[0]] = append([]string{}, tag[1:]...)
	}
	return tags, nil
}

// readKeys reads the keys of one path, of which none may be there twice however it is written.
func readKeys(tag string, texts []string) (keys []xonly, _ *Refusal) {
	for _, text := range texts {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != 33 {
			return nil, refuse(BadProof, "secret", "has a key in %s that is not a compressed point", tag)
		}
		if _, err := btcec.ParsePubKey(raw); err != nil {
			return nil, refuse(BadProof, "secret", "has a key in %s that is not on the curve", tag)
		}
		key := xonly(raw[1:])
		if slices.Contains(keys, key) {
			return nil, refuse(BadProof, "secret", "has one key twice in %s: prefix and capitals make no other key",
				tag)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// threshold reads how many of so many keys must sign: one where there are keys and nothing is said.
func threshold(tag string, tags map[string][]string, keys int) (int, *Refusal) {
	values, there := tags[tag]
	if !there {
		return min(1, keys), nil
	}
	if len(values) != 1 {
		return 0, refuse(BadProof, "secret", "has a tag %s without one value", tag)
	}
	n, err := strconv.ParseUint(values[0], 10, 31)
	if err != nil || n < 1 || int(n) > keys {
		return 0, refuse(BadProof, "secret", "wants %s signatures by %d keys (%s)", values[0], keys, tag)
	}
	return int(n), nil
}

// sameAs says whether two conditions may be opened by one signature over a whole transaction (SIG_ALL).
func (c *Condition) sameAs(other *Condition) bool {
	return other != nil && c.Kind == other.Kind && c.Data == other.Data &&
		slices.EqualFunc(c.Tags, other.Tags, slices.Equal[[]string])
}

// parseXonly makes a key that verifies; the x-coordinate was checked when the secret was read.
func (x xonly) key() (*btcec.PublicKey, error) { return schnorr.ParsePubKey(x[:]) }

// Slots are a condition's keys in the order of NUT-28: data, pubkeys, refund. A hash lock's data is no key, and keeps
// its slot.
func (c *Condition) Slots() []string {
	slots := []string{c.Data}
	for _, name := range []string{"pubkeys", "refund"} {
		for _, tag := range c.Tags {
			if tag[0] == name {
				slots = append(slots, tag[1:]...)
			}
		}
	}
	return slots
}
