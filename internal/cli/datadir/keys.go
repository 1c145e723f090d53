package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// Passphrase finds the passphrase of the keys without asking; empty if there is none.
func Passphrase(command *cobra.Command) (string, error) {
	if path := cli.Flag(command, "passphrase-file"); path != "" {
		content, err := os.ReadFile(path)
		return strings.TrimRight(string(content), "\r\n"), err
	}
	return os.Getenv("AQSHA_PASSPHRASE"), nil
}

// PromptPassphrase asks on the terminal.
func PromptPassphrase(prompt string) (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", errors.New("a passphrase is needed: --passphrase-file, AQSHA_PASSPHRASE, or a terminal to ask on")
	}
	fmt.Fprintf(os.Stderr, "%s: ", prompt)
	secret, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(secret), err
}

// OpenKeyring opens the keys and names of the data directory. A passphrase is asked for when a key is needed that is
// encrypted, once; outside a development network new keys are encrypted too, and never lie open for want of a
// terminal.
func OpenKeyring(command *cobra.Command) (*wallet.Keyring, error) {
	known, err := Passphrase(command)
	if err != nil {
		return nil, err
	}
	keyring, err := wallet.OpenKeyring(cli.Flag(command, "data"), known, func(path string) (string, error) {
		if known != "" {
			return known, nil
		}
		return PromptPassphrase("passphrase of " + filepath.Base(path))
	})
	if open, _ := command.Flags().GetBool("development"); err == nil && !open &&
		!isDevelopment(cli.Flag(command, "data")) {
		keyring.EncryptNew(func() (string, error) { return NewPassphrase(known) })
	}
	return keyring, err
}

// isDevelopment says whether a data directory is of a development network, whose keys are not worth a passphrase. One
// that is of no network yet may come to hold real money.
func isDevelopment(dir string) bool {
	var c Config
	if _, err := toml.DecodeFile(filepath.Join(dir, ConfigFile), &c); err != nil {
		return false
	}
	is, err := c.isDevelopment(dir)
	return err == nil && is
}

// unencryptedKey is the refusal to leave a new key readable to whoever reads the disk.
const unencryptedKey token.Code = "unencrypted-key"

// NewPassphrase asks twice for the passphrase of new keys, unless one is known. A mistyped one would shut its owner
// out of keys that nobody else has.
func NewPassphrase(known string) (string, error) {
	if known != "" {
		return known, nil
	}
	secret, err := PromptPassphrase("passphrase for the new key")
	if err != nil {
		return "", token.Errorf(unencryptedKey, "passphrase",
			"a key outside a development network is encrypted, and %v", err)
	}
	again, err := PromptPassphrase("once more")
	if err != nil {
		return "", err
	}
	if secret != again || secret == "" {
		return "", cli.Usage(errors.New("the passphrases differ, or are empty"))
	}
	return secret, nil
}
