package chaincmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// newChainAddressCommand makes an address to mine to where coins are worth nothing.
func newChainAddressCommand() *cobra.Command {
	var network, out string
	command := &cobra.Command{
		Use:   "address",
		Short: "Make a key for a test network and print its address",
		Long: `Makes a new private key, writes it to a file that only you can read (in the form that
wallets import, WIF), and prints its address: somebody to mine for on a development or
test network. For bitcoin of value take an address of your own wallet, for instance of
"bitcoin-cli getnewaddress"; this command refuses to make one.`,
		Example: "  aqsha chain address\n  aqsha chain address --network signet --out signet.key",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			made, err := makeAddress(network, out)
			if err != nil {
				return err
			}
			result := map[string]string{"address": made, "network": network, "key_file": out}
			return cli.Show(command, result, func(w io.Writer) { fmt.Fprintln(w, made) })
		},
	}
	command.Flags().StringVar(&network, "network", "regtest", "regtest, simnet, signet, testnet4 or testnet3")
	command.Flags().StringVar(&out, "out", "address.key", "new file for the key")
	return command
}

// makeAddress makes a key of a test network. The address is returned only when the key is on the disk: coins that are
// mined to it before are nobody's.
func makeAddress(name, out string) (string, error) {
	network, err := bitcoin.FindNetwork(name)
	if err != nil {
		return "", cli.Usage(err)
	}
	if network.Name == "mainnet" {
		return "", cli.Usage(errors.New("--network: an address for bitcoin of value comes from a wallet"))
	}
	key, err := btcec.NewPrivateKey()
	if err != nil {
		return "", err
	}
	// WIF of a key whose public key is compressed: the key and a byte 1, with the network's prefix.
	wif := base58.CheckEncode(append(key.Serialize(), 1), network.Params.PrivateKeyID)
	to, err := address.NewAddressWitnessPubKeyHash(address.Hash160(key.PubKey().SerializeCompressed()), network.Params)
	if err != nil {
		return "", err
	}
	err = durable.Create(vfs.OS, out, []byte(wif+"\n"))
	if errors.Is(err, fs.ErrExist) {
		err = cli.Usage(fmt.Errorf("--out: %s is there already; a key is never overwritten", out))
	}
	return to.EncodeAddress(), err
}
