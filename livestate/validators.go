package livestate

import (
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// appendValidators encodes what the authority's record says of validators.
func appendValidators(b []byte, v *ledger.Validators) []byte {
	b = token.AppendValidators(token.AppendArray(b, 2), v.Members)
	b = token.AppendArray(b, len(v.Changes))
	for _, height := range v.Changes {
		b = token.AppendUint(b, height)
	}
	return b
}

// decodeValidators reads what appendValidators wrote. Heights ascend strictly: a block holds one change.
func decodeValidators(d *token.Decoder) (v ledger.Validators) {
	d.Array("validators", 2, 2)
	v.Members = d.Validators()
	if d.Err() == nil {
		if err := token.CheckValidators(v.Members); err != nil {
			d.Fail(err)
		}
	}
	for range d.Array("validators.changes", 1, ledger.MaxValidatorChanges) {
		height := d.Uint("validators.changes", maxUint63)
		if n := len(v.Changes); n > 0 && height <= v.Changes[n-1] {
			d.Fail(token.Errorf(token.Repeated, "validators.changes", "block %d is out of order", height))
		}
		if d.Err() != nil {
			return v
		}
		v.Changes = append(v.Changes, height)
	}
	return v
}
