package token

import "fmt"

// Role says in which capacity a key signs.
type Role uint8

const (
	// The numbers stand in entries of the log, and are never used for another role.
	RoleRoot         Role = 1
	RoleIssue        Role = 2
	RolePolicy       Role = 3
	RoleEnforcement  Role = 4
	RoleIntermediary Role = 5  // the registrar of the wallet at hand
	RoleReceiver     Role = 6  // the intermediary that takes wallets over
	RoleWallet       Role = 7  // a wallet's own key; the index is the party's
	RoleRecovery     Role = 8  // a wallet's recovery key
	RolePossession   Role = 9  // a new key, proving possession; the index is its place in the body
	RoleAgency       Role = 10 // an agency, which registers purposes
)

var roleNames = [...]string{
	RoleRoot: "root", RoleIssue: "issue", RolePolicy: "policy", RoleEnforcement: "enforcement",
	RoleIntermediary: "intermediary", RoleReceiver: "receiver", RoleWallet: "wallet",
	RoleRecovery: "recovery", RolePossession: "possession", RoleAgency: "agency",
}

func (r Role) String() string {
	if r == 0 || int(r) >= len(roleNames) {
		return fmt.Sprintf("role-%d", r)
	}
	return roleNames[r]
}

func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r *Role) UnmarshalText(text []byte) error {
	for role, name := range roleNames {
		if role != 0 && name == string(text) {
			*r = Role(role)
			return nil
		}
	}
	return fmt.Errorf("role %q is unknown", text)
}

func (d *Decoder) role(field string) Role {
	r := Role(d.Uint(field, 255))
	if d.err == nil && (r == 0 || r > RoleAgency) {
		d.err = Errorf(UnknownKind, field, "role %d", r)
	}
	return r
}

// Witness is one signature: by the key with this index in this role.
type Witness struct {
	Role      Role      `json:"role"`
	Index     uint16    `json:"index"`
	Signature Signature `json:"signature"`
}

// MaxWitnesses is the most signatures of a transaction.
const MaxWitnesses = MaxParties + 3*MaxKeys

// before is the one order in which witnesses stand.
func (w Witness) before(other Witness) bool {
	return w.Role < other.Role || (w.Role == other.Role && w.Index < other.Index)
}

func appendWitnesses(b []byte, witnesses []Witness) []byte {
	b = AppendArray(b, len(witnesses))
	for i := range witnesses {
		w := &witnesses[i]
		b = AppendArray(b, 3)
		b = AppendUint(b, uint64(w.Role))
		b = AppendUint(b, uint64(w.Index))
		b = AppendBytes(b, w.Signature[:])
	}
	return b
}

// witnesses reads signatures in their one order, by role and index and each once: a transaction then has one encoding
// for the same signatures.
func (d *Decoder) witnesses() []Witness {
	n := d.Array("witnesses", 0, MaxWitnesses)
	witnesses := make([]Witness, 0, n)
	for i := range n {
		d.Array("witnesses", 3, 3)
		w := Witness{Role: d.role("witnesses.role"), Index: uint16(d.Uint("witnesses.index", MaxParties))}
		d.Fixed("witnesses.signature", w.Signature[:])
		if d.err == nil && Algorithm(w.Signature[0]) != Ed25519 {
			d.err = Errorf(UnknownKind, "witnesses.signature", "algorithm %d of the signature", w.Signature[0])
		}
		if d.err == nil && i > 0 && !witnesses[i-1].before(w) {
			d.err = Errorf(Repeated, "witnesses", "signature %d repeats or is out of order", i)
		}
		if d.err != nil {
			return nil
		}
		witnesses = append(witnesses, w)
	}
	return witnesses
}
