package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aqsha/aqsha/wallet/purse"
)

// withoutNetwork is this program in a namespace that has no network, where the system lets anybody make one.
func withoutNetwork(args ...string) *exec.Cmd {
	command := aqsha(args...)
	if exec.Command("unshare", "--user", "--map-root-user", "--net", "bash", "-c", "true").Run() != nil {
		return command
	}
	// The program is known by the name that it is called by.
	path := command.Path
	command.Path, _ = exec.LookPath("unshare")
	command.Args = append([]string{"unshare", "--user", "--map-root-user", "--net", "bash", "-c", `exec -a aqsha "$0" "$@"`, path}, args...)
	return command
}

// relay carries messages from one process to the other, and says after each how many have passed.
func relay(from io.Reader, to io.Writer, passed chan<- bool) {
	defer close(passed)
	for {
		message, err := purse.Receive(from)
		if err != nil || purse.Send(to, message) != nil {
			return
		}
		passed <- true
	}
}

// meet has two processes exchange over pipes, and kills the payer or the payee after so many messages; 0 kills nobody.
func meet(t *testing.T, payer, payee string, amount, die int, payerDies bool) (whole bool) {
	t.Helper()
	receive := withoutNetwork("purse", "receive", fmt.Sprint(amount), "--purse", payee)
	give := withoutNetwork("purse", "pay", fmt.Sprint(amount), "--purse", payer)
	payeeIn, _ := receive.StdinPipe()
	payeeOut, _ := receive.StdoutPipe()
	payerIn, _ := give.StdinPipe()
	payerOut, _ := give.StdoutPipe()
	if err := receive.Start(); err != nil {
		t.Fatal(err)
	}
	if err := give.Start(); err != nil {
		t.Fatal(err)
	}
	there, back := make(chan bool), make(chan bool)
	go func() { relay(payeeOut, payerIn, there); payerIn.Close() }()
	go func() { relay(payerOut, payeeIn, back); payeeIn.Close() }()
	messages := 0
	for there != nil || back != nil {
		var more bool
		select {
		case more = <-there:
			if !more {
				there = nil
			}
		case more = <-back:
			if !more {
				back = nil
			}
		}
		if more {
			if messages++; messages == die {
				if payerDies {
					_ = give.Process.Kill()
				} else {
					_ = receive.Process.Kill()
				}
			}
		}
	}
	paid, got := give.Wait(), receive.Wait()
	return paid == nil && got == nil
}

func standingOf(t *testing.T, path string) (s purse.Standing) {
	t.Helper()
	if err := json.Unmarshal([]byte(run1Out(t, "purse", "show", "--json", "--purse", path)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Two processes on pipes, without a network, of which one is killed at each message: what is left is nothing, or a payment
// that both finish when they meet again; none twice.
func TestTwoProcessesOnPipesAreKilled(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	data, a, b := filepath.Join(root, "net"), filepath.Join(root, "a.json"), filepath.Join(root, "b.json")
	run1(t, "init", "--development", "--shared-keys", "--data", data)
	run1(t, "bank", "admit", "halyk", "--data", data)
	run1(t, "issue", "halyk", "500000", "--data", data)
	run1(t, "wallet", "new", "aigerim", "--bank", "halyk", "--tier", "person", "--data", data)
	run1(t, "pay", "halyk", "aigerim", "10000", "--data", data)
	run1(t, "purse", "bond", "halyk", "--amount", "1000", "--data", data)
	run1(t, "purse", "open", "aigerim", "--deposit", "5000", "--data", data, "--purse", a)
	run1(t, "purse", "open", "aigerim", "--data", data, "--purse", b)
	if !meet(t, a, b, 100, 0, false) {
		t.Fatal("an exchange that nobody disturbs fails")
	}
	met := 1
	for die := 1; die <= 3; die++ {
		for _, payerDies := range []bool{true, false} {
			meet(t, a, b, 100, die, payerDies)
			was := standingOf(t, a)
			if got := standingOf(t, b); was.Paid != got.Received && !was.Pending {
				t.Fatalf("killed at message %d: %s paid, %s received, nothing pending", die, was.Paid, got.Received)
			}
			if !meet(t, a, b, 100, 0, false) {
				t.Fatalf("killed at message %d (the payer: %t), they do not finish", die, payerDies)
			}
			met++
			payer, payee := standingOf(t, a), standingOf(t, b)
			if payer.Pending || payer.Paid != payee.Received || payer.Paid < was.Paid {
				t.Fatalf("killed at message %d: %s paid, %s received", die, payer.Paid, payee.Received)
			}
		}
	}
	if paid := standingOf(t, a).Paid; paid < 10_000*7 || paid > 10_000*13 {
		t.Errorf("%s were paid in %d meetings and 6 that were broken off", paid, met)
	}
	run1(t, "purse", "settle", "--data", data, "--purse", b)
}
