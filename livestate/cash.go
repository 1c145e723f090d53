package livestate

import (
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// appendReserves encodes what the authority's record says of banknotes.
func appendReserves(b []byte, reserves []ledger.CashReserve) []byte {
	b = token.AppendArray(b, len(reserves))
	for i := range reserves {
		r := &reserves[i]
		b = token.AppendBytes(token.AppendArray(b, 7), r.Wallet[:])
		b = token.AppendText(token.AppendText(b, r.Origin), r.LogKey)
		b = token.AppendArray(b, len(r.Keysets))
		for _, k := range r.Keysets {
			b = token.AppendBytes(token.AppendArray(b, 4), k.Keyset[:])
			b = token.AppendUint(token.AppendUint(token.AppendBytes(b, k.Transaction[:]), k.Until), k.Expiry)
		}
		b = token.AppendBytes(token.AppendUint(b, r.Stamp.Size), r.Stamp.Root[:])
		b = token.AppendUint(b, r.Stamp.Millis)
	}
	return b
}

// decodeReserves reads what appendReserves wrote; there are none at the least where something stands behind them. Its
// bounds are those of the rules: of what a snapshot claims nothing is allocated beyond them.
func decodeReserves(d *token.Decoder, least int) (reserves []ledger.CashReserve) {
	for range d.Array("reserves", least, ledger.MaxReserves) {
		var r ledger.CashReserve
		d.Array("reserves", 7, 7)
		d.Fixed("reserves.wallet", r.Wallet[:])
		r.Origin, r.LogKey = d.Text("reserves.origin", 1, token.MaxLogOrigin),
			d.Text("reserves.log_key", 1, token.MaxLogKey)
		for range d.Array("reserves.keysets", 1, ledger.MaxKeysets) {
			var k ledger.CashKeyset
			d.Array("reserves.keysets", 4, 4)
			d.Fixed("reserves.keyset", k.Keyset[:])
			d.Fixed("reserves.transaction", k.Transaction[:])
			k.Until, k.Expiry = d.Uint("reserves.until", token.MaxSeconds), d.Uint("reserves.expiry", token.MaxSeconds)
			if r.Keysets = append(r.Keysets, k); d.Err() != nil {
				return nil
			}
		}
		r.Stamp.Size = d.Uint("reserves.size", maxUint63)
		d.Fixed("reserves.root", r.Stamp.Root[:])
		r.Stamp.Millis = d.Uint("reserves.millis", maxUint63)
		if reserves = append(reserves, r); d.Err() != nil {
			return nil
		}
	}
	return reserves
}
