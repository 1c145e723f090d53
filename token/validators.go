package token

import "encoding/hex"

// MaxValidators is the most validators that order a network together: places in a quorum's signature.
const MaxValidators = 16

// PeerBytes is the length of a validator's name on the network between validators: the beginning of a key's hash.
const PeerBytes = 20

// SetValidators says who signs the checkpoints of the log behind the block that holds it, and orders what comes then:
// all of them, so that one transaction adds, removes and replaces. Signed by the authority's root keys. Since rules
// version 5.
type SetValidators struct {
	Sequence   uint64      `json:"sequence"`         // of the root set
	Reason     string      `json:"reason,omitempty"` // such as a fault, at most 64 bytes
	Validators []Validator `json:"validators"`       // in the order of their places in signatures
}

// Validator is a participant that orders with others.
type Validator struct {
	Name       string    `json:"name"`       // 1 to 64 bytes of visible ASCII
	Vote       PublicKey `json:"vote"`       // signs votes and proposals
	Checkpoint PublicKey `json:"checkpoint"` // signs checkpoints of the log
	Peer       Peer      `json:"peer"`       // by which others know it on their network
}

// Peer is a name on the network between validators.
type Peer [PeerBytes]byte

func (p Peer) String() string                   { return hex.EncodeToString(p[:]) }
func (p Peer) MarshalText() ([]byte, error)     { return hexText(p[:]), nil }
func (p *Peer) UnmarshalText(text []byte) error { return fromHex(p[:], text) }

func (*SetValidators) Kind() Kind  { return KindSetValidators }
func (*SetValidators) fields() int { return 3 }

func (t *SetValidators) appendFields(b []byte) []byte {
	b = AppendText(AppendUint(b, t.Sequence), t.Reason)
	return AppendValidators(b, t.Validators)
}

func (t *SetValidators) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Reason = d.Text("reason", 0, MaxCase)
	t.Validators = d.Validators()
}

// AppendValidators encodes validators as a transaction holds them; snapshots use it too.
func AppendValidators(b []byte, list []Validator) []byte {
	b = AppendArray(b, len(list))
	for i := range list {
		v := &list[i]
		b = AppendText(AppendArray(b, 4), v.Name)
		b = AppendBytes(AppendBytes(b, v.Vote[:]), v.Checkpoint[:])
		b = AppendBytes(b, v.Peer[:])
	}
	return b
}

// Validators reads what AppendValidators wrote.
func (d *Decoder) Validators() (list []Validator) {
	for range d.Array("validators", 1, MaxValidators) {
		var v Validator
		d.Array("validators", 4, 4)
		v.Name = d.Text("validators.name", 1, MaxName)
		v.Vote, v.Checkpoint = d.key("validators.vote"), d.key("validators.checkpoint")
		if d.Fixed("validators.peer", v.Peer[:]); d.err != nil {
			return nil
		}
		list = append(list, v)
	}
	return list
}

func (t *SetValidators) check() *Error {
	if len(t.Reason) > MaxCase {
		return Errorf(OutOfRange, "reason", "%d bytes, at most %d", len(t.Reason), MaxCase)
	}
	return CheckValidators(t.Validators)
}

// CheckValidators says whether validators can order together: no name, key or peer stands twice among them, not even as
// two of one's own keys.
func CheckValidators(list []Validator) *Error {
	if err := counts("validators", len(list), MaxValidators); err != nil {
		return err
	}
	keys, peers := map[PublicKey]bool{}, map[Peer]bool{}
	names := map[string]bool{}
	for i := range list {
		v := &list[i]
		if err := printable("validators.name", v.Name, MaxName); err != nil {
			return err
		}
		for _, key := range []PublicKey{v.Vote, v.Checkpoint} {
			if err := key.check("validators"); err != nil {
				return err
			}
			if keys[key] {
				return Errorf(Repeated, "validators", "a key of validator %s stands twice", v.Name)
			}
			keys[key] = true
		}
		if names[v.Name] || peers[v.Peer] {
			return Errorf(Repeated, "validators", "validator %s, or its name among peers, stands twice", v.Name)
		}
		names[v.Name], peers[v.Peer] = true, true
	}
	return nil
}
