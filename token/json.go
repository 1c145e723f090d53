package token

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// transactionJSON is the readable form; the encoding in CBOR is the one that counts.
type transactionJSON struct {
	ID         *TransactionID  `json:"id,omitempty"` // checked when present
	Kind       string          `json:"kind"`
	ValidUntil uint64          `json:"valid_until"` // Unix milliseconds
	Body       json.RawMessage `json:"body"`
	Witnesses  []Witness       `json:"witnesses"`
}

// MarshalJSON writes the readable form.
func (t *Transaction) MarshalJSON() ([]byte, error) {
	body, err := json.Marshal(t.Body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(transactionJSON{&t.id, t.Body.Kind().String(), t.ValidUntil, body, t.Witnesses})
}

// UnmarshalJSON reads the readable form under the same rules of form as Decode: unknown fields,
// witnesses out of order, and an id that is not the body's are refused.
func (t *Transaction) UnmarshalJSON(data []byte) error {
	var form transactionJSON
	if err := strictJSON(data, &form); err != nil {
		return err
	}
	kind, ok := ParseKind(form.Kind)
	if !ok {
		return Errorf(UnknownKind, "kind", "%q", form.Kind)
	}
	body := NewBody(kind)
	if err := strictJSON(form.Body, body); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	unsigned, err := New(body, form.ValidUntil)
	if err != nil {
		return err
	}
	if form.ID != nil && *form.ID != unsigned.id {
		return Errorf(NotCanonical, "id", "is %s by the body", unsigned.id)
	}
	unsigned.Witnesses = form.Witnesses
	// One way in: what JSON said passes the decoder of the real encoding.
	decoded, err := Decode(unsigned.Encode())
	if err != nil {
		return err
	}
	*t = *decoded
	return nil
}

func strictJSON(data []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(target)
}
