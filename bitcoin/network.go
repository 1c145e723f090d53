package bitcoin

import (
	"fmt"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
)

// Network is one of Bitcoin's chains.
type Network struct {
	Name   string // as users write it
	Params *chaincfg.Params
	// EnforcesBIP94 is set where the first block of a difficulty period is tied to the last of the
	// one before (testnet4; mainnet once BIP 54 is active). Pools keep the rule everywhere.
	EnforcesBIP94 bool
}

// Networks are those that Aqsha knows, mainnet first.
var Networks = []Network{
	{"mainnet", &chaincfg.MainNetParams, false},
	{"testnet4", &chaincfg.TestNet4Params, true},
	{"testnet3", &chaincfg.TestNet3Params, false},
	{"signet", &chaincfg.SigNetParams, false},
	{"regtest", &chaincfg.RegressionNetParams, false},
	{"simnet", &chaincfg.SimNetParams, false},
}

// chainNames maps what nodes call their chain to our names.
var chainNames = map[string]string{"main": "mainnet", "test": "testnet3", "testnet": "testnet3"}

// FindNetwork finds a network by our name or a node's.
func FindNetwork(name string) (Network, error) {
	if ours, ok := chainNames[name]; ok {
		name = ours
	}
	for _, network := range Networks {
		if network.Name == name {
			return network, nil
		}
	}
	return Network{}, fmt.Errorf("network %q: want mainnet, testnet4, testnet3, signet, regtest or simnet", name)
}

// AddressError says why an address cannot be paid.
type AddressError struct{ Address, Reason string }

func (e *AddressError) Error() string      { return fmt.Sprintf("address %q: %s", e.Address, e.Reason) }
func (e *AddressError) ErrorCode() string  { return "bad-address" }
func (e *AddressError) ErrorField() string { return "address" }

// maxAddressLength is BIP 173's limit on a Bech32 string.
const maxAddressLength = 90

// PayTo returns the output script that pays an address of this network.
func (n Network) PayTo(text string) ([]byte, error) {
	if len(text) > maxAddressLength {
		return nil, &AddressError{text[:maxAddressLength], fmt.Sprintf("longer than %d characters", maxAddressLength)}
	}
	decoded, err := address.DecodeAddress(text, n.Params)
	if err != nil {
		return nil, &AddressError{text, "not a valid address: " + err.Error()}
	}
	if !decoded.IsForNet(n.Params) {
		return nil, &AddressError{text, "belongs to another network than " + n.Name}
	}
	if _, ok := decoded.(*address.AddressPubKey); ok {
		return nil, &AddressError{text, "is a bare public key, not an address"}
	}
	script, err := txscript.PayToAddrScript(decoded)
	if err != nil {
		return nil, &AddressError{text, err.Error()}
	}
	return script, nil
}

// AddressOf returns the address that an output script pays, or "" when there is none.
func (n Network) AddressOf(script []byte) string {
	_, addresses, _, err := txscript.ExtractPkScriptAddrs(script, n.Params)
	if err != nil || len(addresses) != 1 {
		return ""
	}
	return addresses[0].EncodeAddress()
}
