package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// without runs this program where there is no network, in a directory.
func without(t *testing.T, dir, input string, args ...string) (out string, err error) {
	t.Helper()
	command := withoutNetwork(args...)
	command.Dir, command.Stdin = dir, strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err = command.Run(); err != nil {
		err = errors.Join(err, errors.New(stderr.String()))
	}
	return stdout.String(), err
}

// Payer and receiver of a channel, each in a directory that has neither the ledger nor a key of its log, pay and accept
// in a namespace without a network, where the system lets anybody make one: no node answers, none is asked. What has to
// wait for a node fails there and says so.
func TestAChannelIsPaidWithoutANetwork(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	net, car, kiosk := filepath.Join(root, "net"), filepath.Join(root, "car"), filepath.Join(root, "kiosk")
	run1(t, "init", "--development", "--data", net)
	run1(t, "bank", "admit", "halyk", "--data", net)
	run1(t, "issue", "halyk", "500000", "--data", net)
	run1(t, "wallet", "new", "aigerim", "--bank", "halyk", "--tier", "business", "--data", net)
	run1(t, "wallet", "new", "shop", "--bank", "halyk", "--tier", "business", "--data", net)
	run1(t, "pay", "halyk", "aigerim", "10000", "--data", net)
	run1(t, "channel", "open", "stream", "--from", "aigerim", "--to", "shop", "--deposit", "1000", "--window", "2h",
		"--data", net)
	run1(t, "channel", "keep", "stream", "--data", net)
	// To the payer's side goes what the payer has, to the receiver's what the receiver has; the ledger stays behind.
	for side, files := range map[string][]string{car: {"names/*", "keys/aigerim.*", "channels/*"},
		kiosk: {"names/*", "keys/shop.*", "channels/*.opening.json"}} { // any order
		for _, pattern := range files {
			found, err := filepath.Glob(filepath.Join(net, pattern))
			if err != nil || len(found) == 0 {
				t.Fatalf("%s: %v", pattern, err)
			}
			for _, path := range found {
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				to := filepath.Join(side, filepath.Dir(pattern), filepath.Base(path))
				if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700),
					os.WriteFile(to, content, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, secret := range []string{"log.secret", "root.key", "halyk.key"} {
			if _, err := os.Stat(filepath.Join(side, "keys", secret)); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("%s has %s: %v", side, secret, err)
			}
		}
	}
	for i, amount := range []string{"100", "12.50"} {
		voucher, err := without(t, root, "", "channel", "pay", "stream", amount, "--offline", "--data", car)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, "voucher.json")
		if err := os.WriteFile(path, []byte(voucher), 0o600); err != nil {
			t.Fatal(err)
		}
		accepted, err := without(t, root, "", "channel", "accept", "stream", path, "--offline", "--data", kiosk)
		if want := []string{"100.00", "112.50"}[i]; err != nil || !strings.Contains(accepted, want) {
			t.Errorf("payment %d: %q, %v", i, accepted, err)
		}
	}
	for command, says := range map[string]string{"close": "name a node with --node URL", // any order
		"pay": "this channel was kept here: --offline asks no node"} {
		args := []string{"channel", command, "stream", "--data", car}
		if command == "pay" {
			args = append(args, "1")
		}
		if out, err := without(t, root, "", args...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("channel %s without a ledger: %q, %v", command, out, err)
		}
	}
	_, err := without(t, root, "", "channel", "pay", "stream", "1", "--node", "http://127.0.0.1:1", "--data", car)
	if err == nil || !strings.Contains(err.Error(), "--offline asks no node") {
		t.Errorf("with a node that nobody reaches: %v", err)
	}
}
