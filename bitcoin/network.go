package bitcoin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// Network is one of Bitcoin's chains.
type Network struct {
	Name   string // as users write it
	Params *chaincfg.Params
	// EnforcesBIP94 is set where the first block of a difficulty period is tied to the last of the
	// one before (testnet4; mainnet once BIP 54 is active). Pools keep the rule everywhere.
	EnforcesBIP94 bool
	// Challenge is the script that a signet's blocks must satisfy (BIP 325), where the node tells it.
	Challenge []byte
}

// Magic are the first bytes of each message between nodes. A signet's are those of its challenge.
func (n Network) Magic() wire.BitcoinNet {
	if n.Challenge == nil {
		return n.Params.Net
	}
	hash := HashOf(append(appendCompactSize(nil, uint64(len(n.Challenge))), n.Challenge...))
	return wire.BitcoinNet(binary.LittleEndian.Uint32(hash[:4]))
}

// ErrSignet means that a signet's blocks need a signature, which a pool cannot make.
var ErrSignet = errors.New("blocks of this signet need a signature that we cannot make")

// CheckMinable says whether blocks of this network need nothing but work: the only challenge of a
// signet that asks for no signature is OP_TRUE.
func (n Network) CheckMinable() error {
	if n.Name == "signet" && !bytes.Equal(n.Challenge, []byte{txscript.OP_TRUE}) {
		return fmt.Errorf("%w: its challenge is %x", ErrSignet, n.Challenge)
	}
	return nil
}

// Networks are those that Aqsha knows, mainnet first.
var Networks = []Network{
	{Name: "mainnet", Params: &chaincfg.MainNetParams},
	{Name: "testnet4", Params: &chaincfg.TestNet4Params, EnforcesBIP94: true},
	{Name: "testnet3", Params: &chaincfg.TestNet3Params},
	{Name: "signet", Params: &chaincfg.SigNetParams},
	{Name: "regtest", Params: &chaincfg.RegressionNetParams},
	{Name: "simnet", Params: &chaincfg.SimNetParams},
}

// chainNames maps what nodes call their chain to our names.
var chainNames = map[string]string{"main": "mainnet", "test": "testnet3", "testnet": "testnet3"}

// FindNetwork finds a network by our name or a node's. Of a signet the challenge is not filled in; Client.Network does.
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

// PayTo returns the output script that pays an address of this network, or an AddressError. An address of another
// network is refused though its script would be valid here: the payee may have no key on this chain.
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

// Canonical is PayTo with the one way in which the address is written here: bech32 in lower case.
func (n Network) Canonical(text string) (canonical string, script []byte, err error) {
	if script, err = n.PayTo(text); err != nil {
		return "", nil, err
	}
	if canonical = n.AddressOf(script); canonical == "" {
		canonical = text // a witness version that only its script tells
	}
	return canonical, script, nil
}

// AddressOf returns the address that an output script pays, or "" when there is none. Bare multisignature has several
// and gets none; a bare public key gets the address of its hash, which PayTo would pay by another script.
func (n Network) AddressOf(script []byte) string {
	_, addresses, _, err := txscript.ExtractPkScriptAddrs(script, n.Params)
	if err != nil || len(addresses) != 1 {
		return ""
	}
	return addresses[0].EncodeAddress()
}
