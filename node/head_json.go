package node

import (
	"encoding/json"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// headJSON is a head's readable form: its root in hexadecimal, as everywhere else.
type headJSON struct {
	ledger.Leaf
	Size uint64     `json:"size"`
	Root token.Hash `json:"root"`
}

// MarshalJSON writes the readable form.
func (h Head) MarshalJSON() ([]byte, error) {
	return json.Marshal(headJSON{h.Leaf, h.Size, token.Hash(h.Root)})
}

// UnmarshalJSON reads what MarshalJSON writes, and the root as a list of 32 numbers, as nodes sent it before.
func (h *Head) UnmarshalJSON(data []byte) error {
	var form struct {
		ledger.Leaf
		Size uint64          `json:"size"`
		Root json.RawMessage `json:"root"`
	}
	if err := json.Unmarshal(data, &form); err != nil {
		return err
	}
	head := Head{Leaf: form.Leaf, Size: form.Size}
	if len(form.Root) > 0 && form.Root[0] == '[' {
		if err := json.Unmarshal(form.Root, &head.Root); err != nil {
			return err
		}
	} else if len(form.Root) > 0 {
		var root token.Hash
		if err := json.Unmarshal(form.Root, &root); err != nil {
			return err
		}
		head.Root = txlog.Hash(root)
	}
	*h = head
	return nil
}
